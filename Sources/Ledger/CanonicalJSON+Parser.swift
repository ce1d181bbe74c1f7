extension CanonicalJSON {
    /// Reads a text that `text` could have written; nil for any other, even when it is JSON.
    ///
    /// A parsed value written again gives the same bytes, so a text that was altered can't pass as the same value.
    public init?(text: String) {
        var parser = Parser(bytes: Array(text.utf8))
        guard let value = parser.value(depth: 0), parser.isAtEnd, value.text == text else { return nil }
        self = value
    }

    private struct Parser {
        static let deepestNesting = 16
        let bytes: [UInt8]
        var next = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { next == bytes.count }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard next < bytes.count, bytes[next] == byte else { return false }
            next += 1
            return true
        }

        private mutating func take(_ word: StaticString) -> Bool {
            let length = word.utf8CodeUnitCount
            let expected = UnsafeBufferPointer(start: word.utf8Start, count: length)
            guard bytes.count - next >= length, bytes[next..<next + length].elementsEqual(expected) else {
                return false
            }
            next += length
            return true
        }

        mutating func value(depth: Int) -> CanonicalJSON? {
            guard next < bytes.count, depth < Self.deepestNesting else { return nil }
            switch bytes[next] {
            case UInt8(ascii: "\""): return string().map { .string($0) }
            case UInt8(ascii: "t"): return take("true") ? .boolean(true) : nil
            case UInt8(ascii: "f"): return take("false") ? .boolean(false) : nil
            case UInt8(ascii: "["): return array(depth: depth)
            case UInt8(ascii: "{"): return object(depth: depth)
            default: return integer()
            }
        }

        private mutating func integer() -> CanonicalJSON? {
            let start = next
            _ = take(UInt8(ascii: "-"))
            while next < bytes.count, (48...57).contains(bytes[next]) { next += 1 }
            guard let number = Int64(String(decoding: bytes[start..<next], as: UTF8.self)),
                number.magnitude <= UInt64(CanonicalJSON.largestInteger)
            else { return nil }
            return .integer(number)
        }

        private mutating func array(depth: Int) -> CanonicalJSON? {
            next += 1
            var elements: [CanonicalJSON] = []
            if take(UInt8(ascii: "]")) { return .array([]) }
            repeat {
                guard let element = value(depth: depth + 1) else { return nil }
                elements.append(element)
            } while take(UInt8(ascii: ","))
            return take(UInt8(ascii: "]")) ? .array(elements) : nil
        }

        private mutating func object(depth: Int) -> CanonicalJSON? {
            next += 1
            var members: [Member] = []
            if take(UInt8(ascii: "}")) { return .object([]) }
            repeat {
                guard let key = string(), take(UInt8(ascii: ":")), let element = value(depth: depth + 1) else {
                    return nil
                }
                if let last = members.last, !CanonicalJSON.precedes(last.key, key) { return nil }
                members.append(Member(key, element))
            } while take(UInt8(ascii: ","))
            return take(UInt8(ascii: "}")) ? .object(members) : nil
        }

        private mutating func string() -> String? {
            guard take(UInt8(ascii: "\"")) else { return nil }
            var text: [UInt8] = []
            while next < bytes.count {
                let byte = bytes[next]
                next += 1
                switch byte {
                case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let escaped = escape() else { return nil }
                    text.append(escaped)
                default: text.append(byte)
                }
            }
            return nil
        }

        private mutating func escape() -> UInt8? {
            guard next < bytes.count else { return nil }
            let byte = bytes[next]
            next += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): return byte
            case UInt8(ascii: "b"): return 0x08
            case UInt8(ascii: "t"): return 0x09
            case UInt8(ascii: "n"): return 0x0A
            case UInt8(ascii: "f"): return 0x0C
            case UInt8(ascii: "r"): return 0x0D
            case UInt8(ascii: "u"):
                guard bytes.count - next >= 4 else { return nil }
                let digits = String(decoding: bytes[next..<next + 4], as: UTF8.self)
                next += 4
                return UInt8(digits, radix: 16)
            default: return nil
            }
        }
    }
}
