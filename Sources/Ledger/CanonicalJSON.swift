/// JSON with exactly one text for each value: RFC 8785 restricted to what an event needs.
///
/// Strings, booleans, whole numbers within ±2^53, arrays, and objects with their keys in ascending order. No floating
/// point and no null: amounts travel as strings of whole micro-units, and what does not apply is left out.
public indirect enum CanonicalJSON: Hashable, Sendable {
    case string(String)
    case integer(Int64)
    case boolean(Bool)
    case array([CanonicalJSON])
    case object([Member])

    /// One member of an object.
    public struct Member: Hashable, Sendable {
        /// The member's name.
        public let key: String
        /// The member's value.
        public let value: CanonicalJSON
        /// Makes a member.
        public init(_ key: String, _ value: CanonicalJSON) {
            self.key = key
            self.value = value
        }
    }

    /// The largest magnitude of a whole number, 2^53: beyond it readers that use doubles would disagree.
    public static let largestInteger: Int64 = 1 << 53

    /// An object from members in any order; traps when two have the same key.
    public static func sorted(_ members: [Member]) -> CanonicalJSON {
        let ordered = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
        for (left, right) in zip(ordered, ordered.dropFirst()) {
            precondition(left.key != right.key, "two members named \(left.key)")
        }
        return .object(ordered)
    }

    /// An amount as a string of whole micro-credits.
    public static func amount(_ credits: Credits) -> CanonicalJSON { .string(String(credits.microcredits)) }

    /// The member with this name, if the value is an object that has it.
    public subscript(key: String) -> CanonicalJSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The text of a string value.
    public var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The number of an integer value.
    public var integerValue: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// The flag of a boolean value.
    public var booleanValue: Bool? {
        if case .boolean(let flag) = self { flag } else { nil }
    }

    /// The elements of an array value.
    public var elements: [CanonicalJSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The amount of a string of whole micro-credits.
    public var amountValue: Credits? {
        guard let text = stringValue, let microcredits = Int64(text) else { return nil }
        return Credits(microcredits: microcredits)
    }
}

extension CanonicalJSON {
    /// The one text of this value.
    public var text: String {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the UTF-8 of the one text of this value.
    public func write(into bytes: inout [UInt8]) {
        switch self {
        case .string(let text): Self.writeString(text, into: &bytes)
        case .integer(let number):
            precondition(number.magnitude <= UInt64(Self.largestInteger), "a whole number beyond 2^53")
            Self.writeInteger(number, into: &bytes)
        case .boolean(let flag): bytes.append(contentsOf: flag ? "true".utf8 : "false".utf8)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for index in elements.indices {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                elements[index].write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for index in members.indices {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.writeString(members[index].key, into: &bytes)
                bytes.append(UInt8(ascii: ":"))
                members[index].value.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func writeInteger(_ number: Int64, into bytes: inout [UInt8]) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    private static func writeString(_ text: String, into bytes: inout [UInt8]) {
        let hexDigits = Array("0123456789abcdef".utf8)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x08: bytes.append(contentsOf: "\\b".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0C: bytes.append(contentsOf: "\\f".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(hexDigits[Int(byte >> 4)])
                bytes.append(hexDigits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
