public import Registry

/// A JSON value whose objects keep the order of their members, so that a document reads as it was written.
public indirect enum DocumentValue: Hashable, Sendable {
    /// Anything without parts.
    case scalar(JSONValue)
    /// An array.
    case list([DocumentValue])
    /// An object.
    case object([Member])

    /// A member of an object.
    public struct Member: Hashable, Sendable {
        /// Its name.
        public let key: String
        /// Its value.
        public var value: DocumentValue

        /// Makes a member.
        public init(_ key: String, _ value: DocumentValue) {
            self.key = key
            self.value = value
        }
    }
}

extension DocumentValue {
    /// A member of an object; nil when there is none, or this is no object. Setting nil removes it.
    public subscript(key: String) -> DocumentValue? {
        get { members.first { $0.key == key }?.value }
        set {
            var members = members
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key, value))
            case (nil, nil): return
            }
            self = .object(members)
        }
    }

    /// The members of an object; none when this is no object.
    public var members: [Member] {
        guard case .object(let members) = self else { return [] }
        return members
    }

    /// The elements of a list; none when this is no list.
    public var elements: [DocumentValue] {
        guard case .list(let elements) = self else { return [] }
        return elements
    }

    /// The text of a string, else nil.
    public var text: String? {
        guard case .scalar(let value) = self else { return nil }
        return value.stringValue
    }

    /// The number of an integer, else nil.
    public var integer: Int64? {
        guard case .scalar(let value) = self else { return nil }
        return value.integerValue
    }

    /// Whether this is `true`.
    public var isTrue: Bool { self == .scalar(.bool(true)) }

    static func string(_ text: String) -> DocumentValue { .scalar(.string(text)) }

    static func reference(_ kind: String, _ name: String) -> DocumentValue {
        ["$ref": .string("#/components/\(kind)/\(name)")]
    }

    /// The JSON text.
    public var json: String { String(decoding: jsonBytes(indent: nil), as: UTF8.self) }

    /// The JSON text with a line for each part.
    public var indentedJSON: String { String(decoding: jsonBytes(indent: 0), as: UTF8.self) }

    private func jsonBytes(indent: Int?) -> [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes, indent: indent)
        return bytes
    }

    private func append(to bytes: inout [UInt8], indent: Int?) {
        func newLine(_ depth: Int?) {
            guard let depth else { return }
            bytes.append(UInt8(ascii: "\n"))
            bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * 2))
        }
        func parts<Part>(_ open: Character, _ close: Character, _ parts: [Part], _ body: (Part) -> Void) {
            bytes.append(open.asciiValue ?? 0)
            for (index, part) in parts.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                newLine(indent.map { $0 + 1 })
                body(part)
            }
            if !parts.isEmpty { newLine(indent) }
            bytes.append(close.asciiValue ?? 0)
        }
        switch self {
        case .scalar(let value): value.appendCanonical(to: &bytes)
        case .list(let elements):
            parts("[", "]", elements) { $0.append(to: &bytes, indent: indent.map { $0 + 1 }) }
        case .object(let members):
            parts("{", "}", members) { member in
                JSONValue.string(member.key).appendCanonical(to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                if indent != nil { bytes.append(UInt8(ascii: " ")) }
                member.value.append(to: &bytes, indent: indent.map { $0 + 1 })
            }
        }
    }
}

extension DocumentValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral {
    /// Makes an object.
    public init(dictionaryLiteral members: (String, DocumentValue)...) {
        self = .object(members.map { Member($0.0, $0.1) })
    }
    /// Makes a list.
    public init(arrayLiteral elements: DocumentValue...) { self = .list(elements) }
    /// Makes a string.
    public init(stringLiteral text: String) { self = .string(text) }
}
