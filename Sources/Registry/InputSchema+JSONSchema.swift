extension InputSchema {
    /// The schema as JSON Schema, draft 2020-12: what this accepts, `validate(_:)` accepts, and nothing else, but for
    /// numbers that no 64-bit or 38-digit number can hold.
    ///
    /// - Parameter title: the model's name for people.
    public func jsonSchema(title: String) -> JSONValue {
        var members = schemaMembers()
        members["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        members["title"] = .string(title)
        return .object(members)
    }

    fileprivate func schemaMembers() -> [String: JSONValue] {
        var properties: [String: JSONValue] = [:]
        for (name, field) in fields {
            var property = field.type.schemaMembers
            property["default"] = field.fallback
            properties[name] = .object(property)
        }
        var members: [String: JSONValue] = [
            "type": "object", "properties": .object(properties), "additionalProperties": false,
        ]
        let required = names.filter { fields[$0]?.isRequired ?? false }
        if !required.isEmpty { members["required"] = .strings(required) }
        addRules(to: &members)
        return members
    }

    private func addRules(to members: inout [String: JSONValue]) {
        var dependentRequired: [String: [String]] = [:]
        var dependentForbidden: [String: [String: JSONValue]] = [:]
        var all: [JSONValue] = []
        for rule in rules {
            switch rule {
            case .exactlyOne(let names): all.append(["oneOf": .array(names.map { ["required": [.string($0)]] })])
            case .atLeastOne(let names): all.append(["anyOf": .array(names.map { ["required": [.string($0)]] })])
            case .requiredWith(let trigger, let names): dependentRequired[trigger, default: []] += names
            case .forbiddenWith(let trigger, let names):
                for name in names { dependentForbidden[trigger, default: [:]][name] = false }
            case .when(let condition, let consequence):
                all.append(["if": schema(of: condition), "then": consequence.schema])
            }
        }
        if !dependentRequired.isEmpty {
            members["dependentRequired"] = .object(dependentRequired.mapValues(JSONValue.strings))
        }
        if !dependentForbidden.isEmpty {
            members["dependentSchemas"] = .object(dependentForbidden.mapValues { ["properties": .object($0)] })
        }
        if !all.isEmpty { members["allOf"] = .array(all) }
    }

    private func schema(of condition: InputCondition) -> JSONValue {
        var members: [String: JSONValue] = [
            "properties": .object(condition.values.mapValues { ["enum": .array($0)] })
        ]
        // A field whose default meets the condition meets it when it is absent, too.
        let required = condition.values.keys.sorted().filter { name in
            !(fields[name]?.fallback.map { condition.values[name, default: []].contains($0) } ?? false)
        }
        if !required.isEmpty { members["required"] = .strings(required) }
        return .object(members)
    }
}

extension InputConsequence {
    fileprivate var schema: JSONValue {
        var members: [String: JSONValue] = [:]
        if !required.isEmpty { members["required"] = .strings(required) }
        if !atLeastOne.isEmpty { members["anyOf"] = .array(atLeastOne.map { ["required": [.string($0)]] }) }
        var properties = limits.mapValues { JSONValue.object($0.schemaMembers) }
        for name in forbidden { properties[name] = false }
        if !properties.isEmpty { members["properties"] = .object(properties) }
        return .object(members)
    }
}

extension InputType {
    fileprivate var schemaMembers: [String: JSONValue] {
        switch self {
        case .string(_, let choices?): return ["type": "string", "enum": .strings(choices)]
        case .string(let lengths, nil):
            return [
                "type": "string", "minLength": .integer(Int64(lengths.lowerBound)),
                "maxLength": .integer(Int64(lengths.upperBound)),
            ]
        case .numericString(let range): return ["type": "string", "enum": .strings(range.map(String.init))]
        case .integer(_, let choices?): return ["type": "integer", "enum": .array(choices.map(JSONValue.integer))]
        case .integer(let range, nil):
            return [
                "type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound),
            ]
        case .number(let minimum, let maximum):
            var members: [String: JSONValue] = ["type": "number"]
            members["minimum"] = minimum.flatMap { try? JSONValue(text: $0) }
            members["maximum"] = maximum.flatMap { try? JSONValue(text: $0) }
            return members
        case .boolean: return ["type": "boolean"]
        case .url:
            return [
                "type": "string", "format": "uri", "maxLength": .integer(Int64(Self.longestURL)),
                "pattern": .string(Self.urlPattern),
            ]
        case .array(let item, let counts):
            return [
                "type": "array", "items": .object(item.schemaMembers),
                "minItems": .integer(Int64(counts.lowerBound)), "maxItems": .integer(Int64(counts.upperBound)),
            ]
        case .object(let schema): return schema.schemaMembers()
        }
    }

    /// A URL as `check` sees it: printable ASCII; a host without `# / ? \`, that does not begin with a colon.
    private static let urlPattern =
        #"^[Hh][Tt][Tt][Pp][Ss]?://[!"$-.0-9;->@-\[\]-~][!"$-.0->@-\[\]-~]*([/?#][!-~]*)?$"#
}

extension JSONValue {
    fileprivate static func strings(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }
}
