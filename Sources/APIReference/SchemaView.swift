/// Shows schemas as lists of fields.
struct SchemaView {
    let document: DocumentValue

    /// A schema deeper than this is named, not shown: there is a circle, or nobody would read it.
    private static let deepest = 4

    /// What a reference stands for; the value itself when it is none.
    func resolved(_ value: DocumentValue) -> DocumentValue {
        guard let reference = value["$ref"]?.text else { return value }
        var found = document
        for name in reference.dropFirst(2).split(separator: "/") { found = found[String(name)] ?? .object([]) }
        // A description beside a reference is the nearer one.
        if let description = value["description"] { found["description"] = description }
        return found
    }

    /// The fields of a schema; nothing for one without fields.
    func fields(of value: DocumentValue, depth: Int = 0) -> HTML {
        var schema = resolved(value)
        if let element = schema["items"] { schema = resolved(element) }
        if let choice = schema["oneOf"]?.elements.map(resolved).first(where: { $0["properties"] != nil }) {
            schema = choice
        }
        let properties = schema["properties"]?.members ?? []
        guard !properties.isEmpty, depth < Self.deepest else { return "" }
        let required = schema["required"]?.elements.compactMap(\.text) ?? []
        let entries = properties.map { property -> HTML in
            field(property.key, property.value, isRequired: required.contains(property.key), depth: depth)
        }
        return "<dl class=\"fields\">\(entries)</dl>"
    }

    /// One field with its type, what is said of it, and its own fields.
    func field(_ name: String, _ value: DocumentValue, isRequired: Bool, depth: Int = 0, note: String? = nil) -> HTML {
        let schema = resolved(value)
        let mark: HTML = isRequired ? "" : " <span class=\"optional\">optional</span>"
        let place: HTML = note.map { " <span class=\"type\">\($0)</span>" } ?? ""
        let description: HTML = schema["description"]?.text.map { "<p>\(HTML.inline($0))</p>" } ?? ""
        let limits: HTML = limits(of: schema).map { "<p class=\"limits\">\(HTML.inline($0))</p>" } ?? ""
        return """
            <dt><code>\(name)</code> <span class="type">\(type(of: schema))</span>\(place)\(mark)</dt>
            <dd>\(description)\(limits)\(fields(of: value, depth: depth + 1))</dd>
            """
    }

    /// The type in words, such as `array of string`.
    func type(of value: DocumentValue) -> String {
        let schema = resolved(value)
        if let element = schema["items"] { return "array of \(type(of: element))" }
        if let choices = schema["oneOf"]?.elements { return choices.map { type(of: $0) }.joined(separator: " or ") }
        var words = schema["type"]?.text.map { [$0] } ?? schema["type"]?.elements.compactMap(\.text) ?? []
        if words.isEmpty, let constant = schema["const"] { words = [constant.text == nil ? "boolean" : "string"] }
        let text = words.isEmpty ? "any" : words.joined(separator: " or ")
        return schema["format"]?.text.map { "\(text), \($0)" } ?? text
    }

    private func limits(of schema: DocumentValue) -> String? {
        func list(_ values: [DocumentValue]) -> String {
            values.map { "`\($0.text ?? $0.json)`" }.joined(separator: ", ")
        }
        var parts: [String] = []
        if let constant = schema["const"] { parts.append("Always \(list([constant])).") }
        if let values = schema["enum"]?.elements { parts.append("One of \(list(values)).") }
        if let values = schema["examples"]?.elements { parts.append("Such as \(list(values)).") }
        for (low, high, unit) in [("minimum", "maximum", ""), ("minLength", "maxLength", " characters")] {
            switch (schema[low]?.json, schema[high]?.json) {
            case (let low?, let high?): parts.append("\(low) to \(high)\(unit).")
            case (let low?, nil): parts.append("At least \(low)\(unit).")
            case (nil, let high?): parts.append("At most \(high)\(unit).")
            case (nil, nil): break
            }
        }
        if let pattern = schema["pattern"]?.text { parts.append("Matches `\(pattern)`.") }
        if let fallback = schema["default"] { parts.append("\(list([fallback])) if left out.") }
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }
}
