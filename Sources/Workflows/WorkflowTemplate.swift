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
    /// A text that is one variable and nothing else becomes the variable's value, whatever its type, or null when there is none; elsewhere a value
    /// stands as text: lists by a line for each element, objects as JSON, and nothing at all for null.
    public static func fill(_ value: JSONValue, with values: [String: JSONValue]) -> JSONValue {
        switch value {
        case .string(let text):
            let pieces = pieces(text)
            if pieces.count == 1, case .variable(let name) = pieces[0] { return values[name] ?? .null }
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

    /// Reads a text once from start to end, so that no text takes longer than its length asks for.
    private static func pieces(_ text: String) -> [Piece] {
        var pieces: [Piece] = []
        let bytes = text.utf8
        var start = bytes.startIndex
        var index = start
        while let open = bytes[index...].firstIndex(of: UInt8(ascii: "{")) {
            guard let (name, end) = variable(bytes[open...]) else {
                index = bytes.index(after: open)
                continue
            }
            if open > start { pieces.append(.text(text[start..<open])) }
            pieces.append(.variable(name))
            start = end
            index = end
        }
        if start < bytes.endIndex || pieces.isEmpty { pieces.append(.text(text[start...])) }
        return pieces
    }

    /// The name of the variable that a text begins with, and where the text goes on.
    private static func variable(_ bytes: Substring.UTF8View) -> (name: String, end: String.Index)? {
        guard bytes.starts(with: "{{".utf8) else { return nil }
        let inner = bytes.dropFirst(2).drop(while: isSpace)
        let name = inner.prefix(while: isNameByte)
        let rest = inner[name.endIndex...].drop(while: isSpace)
        guard !name.isEmpty, rest.starts(with: "}}".utf8) else { return nil }
        return (String(Substring(name)), rest.index(rest.startIndex, offsetBy: 2))
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Whether a byte may stand in a name: ASCII letters and digits, `_`, `-`, `.`, and everything beyond ASCII.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            true
        default: "_-.".utf8.contains(byte)
        }
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
            let elements = value.arrayValue ?? (value == .null ? [] : [value])
            return .array(
                socket.element == .text ? elements.filter { $0 != .null }.map { .string(text($0)) } : elements
            )
        }
        if socket.element == .any { return value }
        if socket.element == .text { return value == .null || value == .array([]) ? .null : .string(text(value)) }
        return value.arrayValue.map { $0.first ?? .null } ?? value
    }

    /// A value whose variables were filled in, as a model's field takes it: as `fit(_:_:)` at every depth.
    static func fit(_ value: JSONValue, to type: InputType) -> JSONValue {
        switch (type, value) {
        case (.object(let schema), .object(let members)):
            var fitting: [String: JSONValue] = [:]
            for (name, member) in members {
                let value = schema.fields[name].map { fit(member, to: $0.type) } ?? member
                if value != .null { fitting[name] = value }
            }
            return .object(fitting)
        case (.array(let item, _), .array(let elements)):
            // A variable among fixed elements may bring several.
            let flat = elements.flatMap { $0.arrayValue ?? [$0] }.filter { $0 != .null }
            return .array(flat.map { fit($0, to: item) })
        default: return fit(value, type.socket)
        }
    }
}
