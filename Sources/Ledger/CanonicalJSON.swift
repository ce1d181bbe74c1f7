/// JSON with exactly one text for each value: RFC 8785 restricted to what an event needs.
///
/// Strings, booleans, whole numbers within ±2^53, arrays, and objects with their keys in ascending order. No floating
/// point and no null: amounts travel as strings of whole micro-units, and what does not apply is left out.
public enum CanonicalJSON: Hashable, Sendable {
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
        var ordered = members
        // Members come almost in order and are few, so each is moved back to its place.
        for index in ordered.indices.dropFirst() {
            var place = index
            while place > 0, !precedes(ordered[place - 1].key, ordered[place].key) {
                precondition(ordered[place - 1].key != ordered[place].key, "two members named \(ordered[place].key)")
                ordered.swapAt(place - 1, place)
                place -= 1
            }
        }
        return .object(ordered)
    }

    /// Whether a key comes before another by UTF-16 code units.
    static func precedes(_ left: String, _ right: String) -> Bool {
        // UTF-8 gives the same order except where a surrogate meets U+E000 or above, whose first byte is at least 0xEE.
        let decided =
            left.utf8.withContiguousStorageIfAvailable { left in
                right.utf8.withContiguousStorageIfAvailable { right -> Bool? in
                    for index in 0..<min(left.count, right.count) where left[index] != right[index] {
                        return max(left[index], right[index]) < 0xEE ? left[index] < right[index] : nil
                    }
                    return left.count < right.count
                } ?? nil
            } ?? nil
        return decided ?? left.utf16.lexicographicallyPrecedes(right.utf16)
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
        ByteSink.withBytes {
            write(into: &$0)
        } _: {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Appends the UTF-8 of the one text of this value.
    public func write(into bytes: inout [UInt8]) {
        ByteSink.withBytes {
            write(into: &$0)
        } _: {
            bytes.append(contentsOf: $0)
        }
    }

    func write(into sink: inout ByteSink) {
        switch self {
        case .string(let text): Self.writeString(text, into: &sink)
        case .integer(let number):
            precondition(number.magnitude <= UInt64(Self.largestInteger), "a whole number beyond 2^53")
            Self.writeInteger(number, into: &sink)
        case .boolean(let flag): sink.put(flag ? "true" : "false")
        case .array(let elements):
            sink.put(UInt8(ascii: "["))
            for index in elements.indices {
                if index > 0 { sink.put(UInt8(ascii: ",")) }
                elements[index].write(into: &sink)
            }
            sink.put(UInt8(ascii: "]"))
        case .object(let members):
            sink.put(UInt8(ascii: "{"))
            for index in members.indices {
                if index > 0 { sink.put(UInt8(ascii: ",")) }
                Self.writeString(members[index].key, into: &sink)
                sink.put(UInt8(ascii: ":"))
                members[index].value.write(into: &sink)
            }
            sink.put(UInt8(ascii: "}"))
        }
    }

    private static func writeInteger(_ number: Int64, into sink: inout ByteSink) {
        if number < 0 { sink.put(UInt8(ascii: "-")) }
        // 10^15: the largest power of ten within 2^53.
        var unit: UInt64 = 1_000_000_000_000_000
        var rest = number.magnitude
        while unit > 1, unit > rest { unit /= 10 }
        while unit > 0 {
            sink.put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / unit))
            rest %= unit
            unit /= 10
        }
    }

    private static func writeString(_ text: String, into sink: inout ByteSink) {
        sink.put(UInt8(ascii: "\""))
        let isDone = text.utf8.withContiguousStorageIfAvailable { bytes in
            guard bytes.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else {
                return false
            }
            sink.put(bytes)
            return true
        }
        if isDone != true { for byte in text.utf8 { writeEscaped(byte, into: &sink) } }
        sink.put(UInt8(ascii: "\""))
    }

    private static func writeEscaped(_ byte: UInt8, into sink: inout ByteSink) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            sink.put(UInt8(ascii: "\\"))
            sink.put(byte)
        case 0x08: sink.put("\\b")
        case 0x09: sink.put("\\t")
        case 0x0A: sink.put("\\n")
        case 0x0C: sink.put("\\f")
        case 0x0D: sink.put("\\r")
        case 0..<0x20:
            sink.put("\\u00")
            sink.put(Hexadecimal.digit(UInt64(byte >> 4)))
            sink.put(Hexadecimal.digit(UInt64(byte)))
        default: sink.put(byte)
        }
    }
}
