internal import Yams

/// The `rules` of a definition's inputs, or of an object among them.
struct RuleList {
    let rules: [MappingReader]

    private static let keys = ["xor", "anyOf", "requiredWith", "forbiddenWith", "when"]

    /// The rules over fields. A rule that something is wrong with is noted, and left out.
    func rules(over inputs: DeclaredInputs) -> [InputRule] {
        rules.flatMap { reader -> [InputRule] in
            // Beside `when`, `anyOf` is a part of the consequence.
            let kinds = reader.optional("when") == nil ? Self.keys.filter { reader.optional($0) != nil } : ["when"]
            guard kinds.count == 1, let kind = kinds.first else {
                let allowed = Self.keys.joined(separator: ", ")
                reader.issues.add("must have exactly one of \(allowed)", field: reader.path, at: reader.node)
                return []
            }
            reader.allowOnly(kind == "when" ? ["when", "required", "anyOf", "forbidden", "limits"] : [kind])
            switch kind {
            case "xor": return reader.group(kind, in: inputs).map { [.exactlyOne($0)] } ?? []
            case "anyOf": return reader.group(kind, in: inputs).map { [.atLeastOne($0)] } ?? []
            case "requiredWith": return reader.dependencies(kind, in: inputs).map(InputRule.requiredWith)
            case "forbiddenWith": return reader.dependencies(kind, in: inputs).map(InputRule.forbiddenWith)
            default: return reader.conditional(in: inputs).map { [$0] } ?? []
            }
        }
    }
}

extension MappingReader {
    /// The list of rules under a key; empty when it is absent, nil after noting that it is no list of mappings.
    func ruleList(_ key: String) -> RuleList? {
        guard let node = optional(key) else { return RuleList(rules: []) }
        guard case .sequence(let sequence) = node, sequence.count <= 100 else {
            reject(key, "must be a list of at most 100 rules")
            return nil
        }
        let readers = sequence.enumerated().compactMap { index, element in
            MappingReader(element, path: "\(field(key))[\(index)]", issues: issues)
        }
        return readers.count == sequence.count ? RuleList(rules: readers) : nil
    }

    /// A list of at least two fields that may be absent.
    fileprivate func group(_ key: String, in inputs: DeclaredInputs) -> [String]? {
        guard let names = optionalFields(key, in: inputs) else { return nil }
        guard names.count >= 2 else {
            reject(key, "must name at least two fields")
            return nil
        }
        return names
    }

    /// By the name of a field that may be absent, a list of others.
    fileprivate func dependencies(_ key: String, in inputs: DeclaredInputs) -> [(String, [String])] {
        guard let reader = optionalMapping(key) else { return [] }
        return reader.names.compactMap { trigger in
            guard reader.isOptional(trigger, at: reader.optional(trigger), field: reader.field(trigger), in: inputs),
                let names = reader.optionalFields(trigger, in: inputs)
            else { return nil }
            guard !names.contains(trigger) else {
                reader.reject(trigger, "must not name itself")
                return nil
            }
            return (trigger, names)
        }
    }

    fileprivate func conditional(in inputs: DeclaredInputs) -> InputRule? {
        guard let when = optionalMapping("when"), let condition = when.condition(in: inputs) else { return nil }
        var required: [String]? = []
        var atLeastOne: [String]? = []
        var forbidden: [String]? = []
        if optional("anyOf") != nil { atLeastOne = group("anyOf", in: inputs) }
        if optional("required") != nil { required = optionalFields("required", in: inputs) }
        if optional("forbidden") != nil { forbidden = optionalFields("forbidden", in: inputs) }
        var limits: [String: InputType] = [:]
        if let reader = optionalMapping("limits") {
            for name in reader.names { limits[name] = reader.limit(name, in: inputs) }
            guard limits.count == reader.names.count else { return nil }
        }
        guard let required, let atLeastOne, let forbidden else { return nil }
        guard !(required.isEmpty && atLeastOne.isEmpty && forbidden.isEmpty && limits.isEmpty) else {
            issues.add("must have required, anyOf, forbidden or limits", field: path, at: node)
            return nil
        }
        let consequence = InputConsequence(
            required: required,
            atLeastOne: atLeastOne,
            forbidden: forbidden,
            limits: limits
        )
        return .when(condition, consequence)
    }

    /// By field, the value or list of values that meet the condition.
    private func condition(in inputs: DeclaredInputs) -> InputCondition? {
        var values: [String: [JSONValue]] = [:]
        for name in names {
            guard let node = optional(name), let field = declared(name, at: node, field: field(name), in: inputs) else {
                continue
            }
            var nodes = [node]
            if case .sequence(let sequence) = node { nodes = Array(sequence) }
            let allowed = nodes.compactMap { node -> JSONValue? in
                var problems: [InputIssue] = []
                let given = Self.json(node)
                if let given, given.scalarText != nil,
                    let value = field.type.check(given, path: "", issues: &problems)
                {
                    return value
                }
                reject(name, problems.first?.message ?? "must be a plain value or a list of them")
                return nil
            }
            if !allowed.isEmpty, allowed.count == nodes.count { values[name] = allowed }
        }
        return !values.isEmpty && values.count == names.count ? InputCondition(values: values) : nil
    }

    /// The names of fields in a list, each of which may be absent.
    private func optionalFields(_ key: String, in inputs: DeclaredInputs) -> [String]? {
        guard let names = list(key, "a list of fields") else { return nil }
        guard Set(names.map(\.text)).count == names.count else {
            reject(key, "has a field twice")
            return nil
        }
        let good = names.filter { isOptional($0.text, at: $0.node, field: field(key), in: inputs) }
        return good.count == names.count ? names.map(\.text) : nil
    }

    /// Whether a field can be absent, which a rule about its presence needs. Notes when it can't.
    private func isOptional(_ name: String, at node: Node?, field: String, in inputs: DeclaredInputs) -> Bool {
        guard let declared = declared(name, at: node, field: field, in: inputs) else { return false }
        guard !declared.isRequired, declared.fallback == nil else {
            issues.add("\(name) is always there: it is required or has a default", field: field, at: node)
            return false
        }
        return true
    }

    private func declared(_ name: String, at node: Node?, field: String, in inputs: DeclaredInputs) -> InputField? {
        if let declared = inputs.schema.fields[name] { return declared }
        // What is wrong with a broken field has been said.
        if !inputs.broken.contains(name) {
            let known = inputs.names.joined(separator: ", ")
            issues.add("\(name) is no field; there are \(known)", field: field, at: node)
        }
        return nil
    }
}

extension MappingReader {
    /// A narrower form of a field's type. The field's default must be within it: what a caller leaves out breaks no rule.
    private func limit(_ name: String, in inputs: DeclaredInputs) -> InputType? {
        guard let node = optional(name), let declared = declared(name, at: node, field: field(name), in: inputs),
            let reader = MappingReader(node, path: field(name), issues: issues),
            let limit = reader.narrowed(declared.type)
        else { return nil }
        if let fallback = declared.fallback {
            var problems: [InputIssue] = []
            guard limit.check(fallback, path: "", issues: &problems) != nil else {
                reject(name, "excludes the field's default")
                return nil
            }
        }
        return limit
    }

    private func narrowed(_ type: InputType) -> InputType? {
        switch type {
        case .string(_, let choices?):
            return narrowed(choices).map { .string(lengths: 0...(1 << 20), choices: $0) }
        case .string(let lengths, nil):
            return narrowed("minLength", "maxLength", lengths).map { .string(lengths: $0, choices: nil) }
        case .numericString(let range): return narrowed("min", "max", range).map(InputType.numericString)
        case .integer(_, let choices?):
            return narrowed(choices.map(String.init)).map {
                .integer(.min ... .max, choices: $0.compactMap { Int64($0) })
            }
        case .integer(let range, nil): return narrowed("min", "max", range).map { .integer($0, choices: nil) }
        case .array(let item, let counts):
            return narrowed("minItems", "maxItems", counts).map { .array(of: item, counts: $0) }
        case .number, .boolean, .url, .object:
            issues.add("is of a type that can't be narrowed", field: path, at: node)
            return nil
        }
    }

    private func narrowed(_ choices: [String]) -> [String]? {
        allowOnly(["enum"])
        guard let kept = list("enum", "a list of values") else { return nil }
        guard kept.allSatisfy({ choices.contains($0.text) }) else {
            reject("enum", "must be among \(choices.joined(separator: ", "))")
            return nil
        }
        return kept.map(\.text)
    }

    private func narrowed<Bound: FixedWidthInteger>(
        _ least: String,
        _ most: String,
        _ range: ClosedRange<Bound>
    ) -> ClosedRange<Bound>? {
        allowOnly([least, most])
        let all = Int64(range.lowerBound)...Int64(range.upperBound)
        guard let low = wholeNumber(least, in: all, default: all.lowerBound),
            let high = wholeNumber(most, in: all, default: all.upperBound)
        else { return nil }
        guard low <= high else {
            reject(least, "must not be above \(most)")
            return nil
        }
        return Bound(low)...Bound(high)
    }
}
