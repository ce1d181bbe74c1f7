internal import Yams

/// Reads the texts and bodies of templates: `${VARIABLES}` are resolved here, `{places}` are filled in later.
final class TemplateReader {
    /// Values for `${NAME}`, from configuration.
    private let variables: [String: String]
    private let issues: DefinitionIssues
    /// Where variables that the configuration lacks are noted: a provider that no model uses needs none.
    private let missing: DefinitionIssues
    /// The places that were read.
    private(set) var places: Set<Placeholder> = []
    /// Those inside longer texts, where only text can be put.
    private(set) var textPlaces: Set<Placeholder> = []

    init(variables: [String: String], issues: DefinitionIssues, missing: DefinitionIssues) {
        self.variables = variables
        self.issues = issues
        self.missing = missing
    }

    /// Reads a text in which variables alone may stand, `${NAME}` or `${NAME:-default}`.
    func constant(_ node: Node, field: String) -> String? {
        guard let template = text(node, field: field, allowing: []) else { return nil }
        guard case .literal(let text)? = template.segments.first else { return "" }
        return text
    }

    /// Reads a text; `{{` stands for `{`.
    func text(_ node: Node, field: String, allowing allowed: [String]) -> TextTemplate? {
        guard let source = node.scalar?.string else {
            issues.add("must be text", field: field, at: node)
            return nil
        }
        var segments: [TextTemplate.Segment] = []
        var literal = ""
        var rest = source[...]
        while let character = rest.first {
            rest = rest.dropFirst()
            let isVariable = character == "$" && rest.first == "{"
            if isVariable { rest = rest.dropFirst() }
            guard isVariable || character == "{" else {
                literal.append(character)
                continue
            }
            if !isVariable, rest.first == "{" {
                literal.append("{")
                rest = rest.dropFirst()
                continue
            }
            guard let end = rest.firstIndex(of: "}") else {
                issues.add("has a { without its }", field: field, at: node)
                return nil
            }
            let name = String(rest[..<end])
            rest = rest[rest.index(after: end)...]
            if isVariable {
                literal += variable(name, field: field, at: node)
                continue
            }
            guard let place = place(name, field: field, at: node, allowing: allowed) else { return nil }
            if !literal.isEmpty { segments.append(.literal(literal)) }
            literal = ""
            segments.append(.place(place))
        }
        if !literal.isEmpty { segments.append(.literal(literal)) }
        if segments.count > 1 {
            for case .place(let place) in segments { textPlaces.insert(place) }
        }
        return TextTemplate(segments: segments)
    }

    private func variable(_ text: String, field: String, at node: Node) -> String {
        let name = text.firstRange(of: ":-").map { String(text[..<$0.lowerBound]) } ?? text
        if let value = variables[name] { return value }
        if let separator = text.firstRange(of: ":-") { return String(text[separator.upperBound...]) }
        missing.add("needs \(name), which the configuration lacks", field: field, at: node)
        return "http://not-configured.invalid"
    }

    private func place(_ name: String, field: String, at node: Node, allowing allowed: [String]) -> Placeholder? {
        guard allowed.contains(name), let place = Placeholder(name) else {
            let list = allowed.isEmpty ? "none here" : allowed.map { "{\($0)}" }.joined(separator: ", ")
            issues.add("{\(name)} is unknown; allowed: \(list)", field: field, at: node)
            return nil
        }
        places.insert(place)
        return place
    }
}

extension TemplateReader {
    /// Reads a body, or a part of one.
    func body(_ node: Node, field: String, allowing allowed: [String]) -> BodyTemplate? {
        switch node {
        case .mapping: return mapping(node, field: field, allowing: allowed)
        case .sequence(let sequence):
            return .array(
                sequence.enumerated().compactMap { index, element in
                    let name = "\(field)[\(index)]"
                    return each(element, field: name, allowing: allowed)
                        ?? body(element, field: name, allowing: allowed)
                }
            )
        default:
            guard let value = MappingReader.json(node) else { return nil }
            guard case .string = value else { return .constant(value) }
            guard let template = text(node, field: field, allowing: allowed) else { return nil }
            switch (template.segments.count, template.segments.first) {
            case (1, .place(let place)): return .value(place)
            case (1, .literal(let literal)): return .constant(.string(literal))
            case (0, _): return .constant("")
            default: return .text(template)
            }
        }
    }

    private func mapping(_ node: Node, field: String, allowing allowed: [String]) -> BodyTemplate? {
        guard let reader = MappingReader(node, path: field, issues: issues) else { return nil }
        let part = { [self] (key: String) -> BodyTemplate? in
            reader.optional(key).flatMap { body($0, field: reader.field(key), allowing: allowed) }
        }
        if reader.names.contains("$if") {
            reader.allowOnly(["$if", "then", "else"])
            _ = reader.required("then", "what stands here when there is a value")
            guard let place = only(reader, "$if", allowing: allowed), let then = part("then") else { return nil }
            return .given(place, then, otherwise: part("else"))
        }
        if reader.names.contains("$choose") {
            reader.allowOnly(["$choose", "of", "else"])
            guard let place = only(reader, "$choose", allowing: allowed),
                let cases = reader.mapping("of", "a mapping from values to what stands here")
            else { return nil }
            var choices: [String: BodyTemplate] = [:]
            for name in cases.names {
                choices[name] = cases.optional(name).flatMap { body($0, field: cases.field(name), allowing: allowed) }
            }
            return .choice(place, choices, otherwise: part("else"))
        }
        if reader.names.contains("$first") {
            reader.allowOnly(["$first"])
            guard case .array(let templates)? = part("$first") else {
                reader.reject("$first", "must be a list")
                return nil
            }
            return .first(templates)
        }
        if reader.names.contains("$each") {
            reader.reject("$each", "stands for elements of a list, so it must be in one")
            return nil
        }
        var members: [String: BodyTemplate] = [:]
        for name in reader.names where name != "..." { members[name] = part(name) }
        guard reader.names.contains("...") else { return .object(members) }
        guard let others = part("...") else { return nil }
        return .merged(members, others)
    }

    /// The elements that one template stands for; nil for anything that does not begin with `$each`.
    private func each(_ node: Node, field: String, allowing allowed: [String]) -> BodyTemplate? {
        guard case .mapping(let mapping) = node, mapping.contains(where: { $0.key.scalar?.string == "$each" }),
            let reader = MappingReader(node, path: field, issues: issues)
        else { return nil }
        reader.allowOnly(["$each", "as"])
        guard let place = only(reader, "$each", allowing: allowed),
            let element = reader.required("as", "what stands here for each {item}"),
            let template = body(element, field: reader.field("as"), allowing: allowed + ["item"])
        else { return nil }
        return .each(place, template)
    }

    /// A text that is nothing but one place.
    private func only(_ reader: MappingReader, _ key: String, allowing allowed: [String]) -> Placeholder? {
        guard let node = reader.optional(key), let template = text(node, field: reader.field(key), allowing: allowed)
        else { return nil }
        guard template.segments.count == 1, case .place(let place)? = template.segments.first else {
            reader.reject(key, "must be one place, such as {inputs.prompt}")
            return nil
        }
        return place
    }
}
