internal import Yams

/// The input fields of a definition, and the names of those that something is wrong with: a mention of one of these
/// elsewhere in the file is not reported as a second mistake.
struct DeclaredInputs {
    let schema: InputSchema
    let broken: Set<String>

    var names: [String] { (Array(schema.fields.keys) + broken).sorted() }
}

extension MappingReader {
    private static let typeNames = [
        "string", "numericString", "integer", "number", "boolean", "url", "array", "object",
    ]

    /// How deeply objects can lie in objects: deeper than any provider wants.
    private static let deepest = 4

    /// The `inputs` of a definition, or the `fields` of an object.
    ///
    /// - Parameters:
    ///   - rules: the rules over several of the fields; nil for none.
    ///   - depth: how many objects these fields lie in.
    func inputSchema(rules: RuleList?, depth: Int = 0) -> DeclaredInputs {
        var broken: Set<String> = []
        var fields: [String: InputField] = [:]
        for name in names {
            guard Self.isFieldName(name) else {
                reject(name, "must be named with letters, digits and underscores, beginning with a letter")
                continue
            }
            let reader = optional(name).flatMap { MappingReader($0, path: field(name), issues: issues) }
            if let field = reader?.inputField(depth: depth) {
                fields[name] = field
            } else {
                broken.insert(name)
            }
        }
        let parsed = rules?.rules(over: DeclaredInputs(schema: InputSchema(fields: fields), broken: broken)) ?? []
        return DeclaredInputs(schema: InputSchema(fields: fields, rules: parsed), broken: broken)
    }

    private static func isFieldName(_ name: String) -> Bool {
        guard let first = name.first, first.isASCII, first.isLetter else { return false }
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    private func inputField(depth: Int) -> InputField? {
        guard let type = inputType(alsoAllowed: ["required", "default"], depth: depth),
            let isRequired = flag("required", default: false)
        else { return nil }
        guard let node = optional("default") else {
            return InputField(type: type, isRequired: isRequired, fallback: nil)
        }
        guard !isRequired else {
            reject("default", "a required field has no default")
            return nil
        }
        var problems: [InputIssue] = []
        guard let given = Self.json(node),
            let fallback = type.check(given, path: field("default"), issues: &problems)
        else {
            reject("default", problems.first?.message ?? "must be a plain value")
            return nil
        }
        return InputField(type: type, isRequired: false, fallback: fallback)
    }

    private func inputType(alsoAllowed: [String], depth: Int) -> InputType? {
        let allowed = "one of " + Self.typeNames.joined(separator: ", ")
        guard let name = text("type", allowed) else { return nil }
        let keys: [String: [String]] = [
            "string": ["minLength", "maxLength", "enum"], "numericString": ["min", "max"],
            "integer": ["min", "max", "enum"], "number": ["min", "max"], "boolean": [], "url": [],
            "array": ["items", "minItems", "maxItems"], "object": ["fields", "rules"],
        ]
        guard let ownKeys = keys[name] else {
            reject("type", "must be \(allowed), not \(name)")
            return nil
        }
        allowOnly(["type"] + alsoAllowed + ownKeys)
        switch name {
        case "string": return stringType()
        case "numericString": return numericStringType()
        case "integer": return integerType()
        case "number": return numberType()
        case "boolean": return .boolean
        case "url": return .url
        case "array": return arrayType(depth: depth)
        default: return objectType(depth: depth)
        }
    }

    private func numericStringType() -> InputType? {
        guard let range = numberRange(required: true) else { return nil }
        // Every value is listed where the fields are published, so there must not be too many.
        let (count, overflow) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
        guard !overflow, count < 1_000 else {
            reject("max", "must be at most 999 above min")
            return nil
        }
        return .numericString(range)
    }

    private func objectType(depth: Int) -> InputType? {
        guard depth < Self.deepest else {
            reject("type", "lies in more than \(Self.deepest) objects")
            return nil
        }
        guard let fields = mapping("fields", "a mapping from field names to fields"),
            let list = ruleList("rules")
        else { return nil }
        let issueCount = issues.found.count
        let inputs = fields.inputSchema(rules: list, depth: depth + 1)
        return issues.found.count == issueCount ? .object(inputs.schema) : nil
    }

    private func stringType() -> InputType? {
        let limit = Int64(1 << 20)
        if optional("enum") != nil {
            guard let choices = choices() else { return nil }
            for key in ["minLength", "maxLength"] where optional(key) != nil {
                reject(key, "has no meaning beside enum")
            }
            return .string(lengths: 0...Int(limit), choices: choices.map(\.text))
        }
        guard let least = wholeNumber("minLength", in: 0...limit, default: 0),
            let most = wholeNumber("maxLength", in: 1...limit)
        else { return nil }
        guard least <= most else {
            reject("minLength", "must not be above maxLength")
            return nil
        }
        return .string(lengths: Int(least)...Int(most), choices: nil)
    }

    private func choices() -> [(text: String, node: Node)]? {
        guard let choices = list("enum", "a list of values") else { return nil }
        guard Set(choices.map(\.text)).count == choices.count else {
            reject("enum", "has a value twice")
            return nil
        }
        return choices
    }

    private func integerType() -> InputType? {
        guard optional("enum") != nil else {
            return numberRange(required: false).map { InputType.integer($0, choices: nil) }
        }
        for key in ["min", "max"] where optional(key) != nil { reject(key, "has no meaning beside enum") }
        guard let choices = choices() else { return nil }
        let numbers = choices.compactMap { Int64($0.text) }
        guard numbers.count == choices.count else {
            reject("enum", "must be a list of whole numbers")
            return nil
        }
        return .integer(.min ... .max, choices: numbers)
    }

    private func numberRange(required: Bool) -> ClosedRange<Int64>? {
        let all = Int64.min...Int64.max
        let least = required ? wholeNumber("min", in: all) : wholeNumber("min", in: all, default: .min)
        let most = required ? wholeNumber("max", in: all) : wholeNumber("max", in: all, default: .max)
        guard let least, let most else { return nil }
        guard least <= most else {
            reject("min", "must not be above max")
            return nil
        }
        return least...most
    }

    private func numberType() -> InputType? {
        var bounds: [String: String] = [:]
        for key in ["min", "max"] where optional(key) != nil {
            guard let text = text(key, "a number"), (try? JSONValue(text: text))?.kindName == "a number",
                InputType.exactDecimal(text) != nil
            else {
                reject(key, "must be a number")
                return nil
            }
            bounds[key] = text
        }
        if let least = bounds["min"].flatMap(InputType.exactDecimal),
            let most = bounds["max"].flatMap(InputType.exactDecimal), least > most
        {
            reject("min", "must not be above max")
            return nil
        }
        return .number(minimum: bounds["min"], maximum: bounds["max"])
    }

    private func arrayType(depth: Int) -> InputType? {
        let items = mapping("items", "a mapping with the type of the elements")?
            .inputType(alsoAllowed: [], depth: depth)
        guard let items, let least = wholeNumber("minItems", in: 0...1_000, default: 0),
            let most = wholeNumber("maxItems", in: 1...1_000)
        else { return nil }
        guard least <= most else {
            reject("minItems", "must not be above maxItems")
            return nil
        }
        return .array(of: items, counts: Int(least)...Int(most))
    }

    /// A YAML node as JSON: plain scalars by YAML 1.2's core rules, quoted ones as strings; nil for what JSON lacks.
    static func json(_ node: Node) -> JSONValue? {
        switch node {
        case .scalar(let scalar):
            guard scalar.style == .plain else { return .string(scalar.string) }
            switch scalar.string {
            case "null", "~", "": return .null
            case "true": return true
            case "false": return false
            default:
                if let number = try? JSONValue(text: scalar.string), number.kindName == "a number" { return number }
                return .string(scalar.string)
            }
        case .sequence(let sequence):
            let elements = sequence.compactMap(json)
            return elements.count == sequence.count ? .array(elements) : nil
        case .mapping(let mapping):
            var members: [String: JSONValue] = [:]
            for (key, value) in mapping {
                guard let name = key.scalar?.string, let member = json(value) else { return nil }
                members[name] = member
            }
            return .object(members)
        case .alias: return nil
        }
    }
}
