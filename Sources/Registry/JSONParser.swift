/// Why bytes are not a JSON text, and where.
public struct JSONParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in words for the one who sent it.
    public let message: String
    /// The offset of the offending byte.
    public let byteOffset: Int

    /// The message with its place.
    public var description: String { "\(message) at byte \(byteOffset)" }
}

extension JSONValue {
    /// Reads one JSON text (RFC 8259, UTF-8) and nothing after it but white space.
    ///
    /// - Parameters:
    ///   - bytes: the text.
    ///   - maximumDepth: how many arrays and objects may be open at once; guards the stack.
    /// - Throws: for anything RFC 8259 does not allow, and for a key given twice in one object: two readers of such an
    ///   object may see different values, which is no basis for a charge.
    public init(parsing bytes: some Sequence<UInt8>, maximumDepth: Int = 64) throws(JSONParseError) {
        let outcome: Result<JSONValue, JSONParseError>? = bytes.withContiguousStorageIfAvailable { buffer in
            JSONParser.parse(buffer, maximumDepth: maximumDepth)
        }
        if let outcome {
            self = try outcome.get()
        } else {
            self = try Array(bytes).withUnsafeBufferPointer { JSONParser.parse($0, maximumDepth: maximumDepth) }.get()
        }
    }

    /// Reads one JSON text from a string; see `init(parsing:maximumDepth:)`.
    public init(text: String, maximumDepth: Int = 64) throws(JSONParseError) {
        try self.init(parsing: Array(text.utf8), maximumDepth: maximumDepth)
    }
}

/// A recursive-descent reader over borrowed bytes.
private struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var offset = 0
    private var remainingDepth: Int

    static func parse(_ buffer: UnsafeBufferPointer<UInt8>, maximumDepth: Int) -> Result<JSONValue, JSONParseError> {
        var parser = JSONParser(bytes: buffer, remainingDepth: maximumDepth)
        do throws(JSONParseError) {
            let value = try parser.value()
            parser.skipWhiteSpace()
            guard parser.offset == buffer.count else { throw parser.error("unexpected text after the value") }
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, remainingDepth: Int) {
        self.bytes = bytes
        self.remainingDepth = remainingDepth
    }

    private func error(_ message: String) -> JSONParseError { JSONParseError(message: message, byteOffset: offset) }

    private var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipWhiteSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private mutating func value() throws(JSONParseError) -> JSONValue {
        skipWhiteSpace()
        switch current {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: return try number()
        case nil: throw error("unexpected end of the text")
        default: throw error("unexpected character")
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONParseError) -> JSONValue {
        let length = word.utf8CodeUnitCount
        guard offset + length <= bytes.count else { throw error("unexpected end of the text") }
        for index in 0..<length where bytes[offset + index] != word.utf8Start[index] {
            throw error("unexpected word")
        }
        offset += length
        return value
    }

    private mutating func open() throws(JSONParseError) {
        guard remainingDepth > 0 else { throw error("nested too deeply") }
        remainingDepth -= 1
        offset += 1
        skipWhiteSpace()
    }

    private mutating func close() {
        remainingDepth += 1
        offset += 1
    }

    private mutating func array() throws(JSONParseError) -> JSONValue {
        try open()
        var elements: [JSONValue] = []
        if current == UInt8(ascii: "]") {
            close()
            return .array(elements)
        }
        while true {
            elements.append(try value())
            if try endsList(with: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    private mutating func object() throws(JSONParseError) -> JSONValue {
        try open()
        var members: [String: JSONValue] = [:]
        if current == UInt8(ascii: "}") {
            close()
            return .object(members)
        }
        while true {
            skipWhiteSpace()
            guard current == UInt8(ascii: "\"") else { throw error("expected a key in quotes") }
            let key = try string()
            skipWhiteSpace()
            guard current == UInt8(ascii: ":") else { throw error("expected a colon after the key") }
            offset += 1
            guard members.updateValue(try value(), forKey: key) == nil else { throw error("a key is given twice") }
            if try endsList(with: UInt8(ascii: "}")) { return .object(members) }
        }
    }

    /// After an element: steps over a comma (false) or the closing bracket (true).
    private mutating func endsList(with bracket: UInt8) throws(JSONParseError) -> Bool {
        skipWhiteSpace()
        switch current {
        case UInt8(ascii: ","):
            offset += 1
            return false
        case bracket:
            close()
            return true
        default:
            throw error("expected a comma or a closing bracket")
        }
    }

    private mutating func digits() throws(JSONParseError) {
        let start = offset
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        guard offset > start else { throw error("expected a digit") }
    }

    private mutating func number() throws(JSONParseError) -> JSONValue {
        let start = offset
        if current == UInt8(ascii: "-") { offset += 1 }
        let isZeroFirst = current == UInt8(ascii: "0")
        let firstDigit = offset
        try digits()
        guard !isZeroFirst || offset == firstDigit + 1 else { throw error("a number can't begin with 0") }
        var isWhole = true
        if current == UInt8(ascii: ".") {
            isWhole = false
            offset += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            isWhole = false
            offset += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<offset]), as: UTF8.self)
        if isWhole, let number = Int64(text) { return .integer(number) }
        return .decimal(text)
    }

    private mutating func string() throws(JSONParseError) -> String {
        offset += 1
        let start = offset
        while let byte = current {
            if byte == UInt8(ascii: "\"") {
                let text = UnsafeBufferPointer(rebasing: bytes[start..<offset])
                guard let string = String(validating: text, as: UTF8.self) else { throw error("not UTF-8") }
                offset += 1
                return string
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw error("a control character in a string must be escaped") }
            offset += 1
        }
        throw error("a string without its closing quote")
    }

    /// The slow path: `offset` is at the first backslash of a string that began at `start`.
    private mutating func escapedString(from start: Int) throws(JSONParseError) -> String {
        var text = Array(bytes[start..<offset])
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw error("not UTF-8") }
                offset += 1
                return string
            case UInt8(ascii: "\\"):
                offset += 1
                try appendEscape(to: &text)
            case 0..<0x20:
                throw error("a control character in a string must be escaped")
            default:
                text.append(byte)
                offset += 1
            }
        }
        throw error("a string without its closing quote")
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws(JSONParseError) {
        guard let byte = current else { throw error("unexpected end of the text") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try unicodeScalar()
            text.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
        default: throw error("unknown escape")
        }
    }

    private mutating func unicodeScalar() throws(JSONParseError) -> Unicode.Scalar {
        let first = try hexQuad()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), current == UInt8(ascii: "\\") else {
            throw error("half of a surrogate pair")
        }
        offset += 1
        guard current == UInt8(ascii: "u") else { throw error("half of a surrogate pair") }
        offset += 1
        let second = try hexQuad()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
        else { throw error("half of a surrogate pair") }
        return scalar
    }

    private mutating func hexQuad() throws(JSONParseError) -> UInt16 {
        guard offset + 4 <= bytes.count else { throw error("unexpected end of the text") }
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue, bytes[offset] < 0x80 else {
                throw error("expected four hexadecimal digits")
            }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        return value
    }
}
