public import Registry

/// Texts with `{{variable}}`s in them.
public enum WorkflowTemplate {
    /// The variables in every text of a value.
    public static func variables(in value: JSONValue) -> Set<String> {
        switch value {
        case .string(let text):
            Set(pieces(text).compactMap { if case .variable(let name) = $0 { name } else { nil } })
        case .array(let elements): elements.reduce(into: []) { $0.formUnion(variables(in: $1)) }
        case .object(let members): members.values.reduce(into: []) { $0.formUnion(variables(in: $1)) }
        default: []
        }
    }

    /// The value with its variables filled in. What is filled in is never read as a template again.
    ///
    /// A text that is one variable and nothing else becomes the variable's value, whatever its type; elsewhere a value
    /// stands as text: lists by a line for each element, objects as JSON, and nothing at all for null.
    public static func fill(_ value: JSONValue, with values: [String: JSONValue]) -> JSONValue {
        switch value {
        case .string(let text):
            let pieces = pieces(text)
            if pieces.count == 1, case .variable(let name) = pieces[0], let whole = values[name] { return whole }
            return .string(
                pieces.map { piece in
                    switch piece {
                    case .text(let text): String(text)
                    case .variable(let name): values[name].map(WorkflowValue.text) ?? ""
                    }
                }.joined()
            )
        case .array(let elements): return .array(elements.map { fill($0, with: values) })
        case .object(let members): return .object(members.mapValues { fill($0, with: values) })
        default: return value
        }
    }

    private enum Piece {
        case text(Substring)
        case variable(String)
    }

    private static func pieces(_ text: String) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
            let name = rest[open.upperBound..<close.lowerBound].filter { !$0.isWhitespace }
            let isName = !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || "_-.".contains($0) }
            if isName {
                if open.lowerBound > rest.startIndex { pieces.append(.text(rest[..<open.lowerBound])) }
                pieces.append(.variable(name))
                rest = rest[close.upperBound...]
            } else {
                pieces.append(.text(rest[..<open.upperBound]))
                rest = rest[open.upperBound...]
            }
        }
        if !rest.isEmpty || pieces.isEmpty { pieces.append(.text(rest)) }
        return pieces
    }
}

/// What becomes of a value on its way from one socket to another.
enum WorkflowValue {
    /// A value as text.
    static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: ""
        case .array(let elements): elements.map(text).joined(separator: "\n")
        default: value.scalarText ?? value.description
        }
    }

    /// A value as a socket takes it: one value becomes a list of one; of a list that goes where one value belongs, text
    /// is joined by lines and of the rest the first is taken. Null when the list is empty.
    static func fit(_ value: JSONValue, _ socket: SocketType) -> JSONValue {
        if socket.isList {
            if value.arrayValue != nil { return value }
            return value == .null ? .array([]) : .array([value])
        }
        if socket.element == .any { return value }
        if socket.element == .text { return value == .null ? .null : .string(text(value)) }
        return value.arrayValue.map { $0.first ?? .null } ?? value
    }
}
