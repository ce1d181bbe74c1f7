import Logging

/// The bytes of one line of JSON, built up member by member.
struct JSONLine {
    // 8 KiB: a message or value that long is a mistake, and one mistake must not fill the disk.
    private static let longestStringBytes = 8192
    private static let hexDigits = Array("0123456789abcdef".utf8)

    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    init() { bytes.reserveCapacity(512) }

    mutating func beginObject() { begin("{") }

    mutating func endObject() { end("}") }

    mutating func endLine() { bytes.append(UInt8(ascii: "\n")) }

    mutating func key(_ name: String) {
        separate()
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func string(_ text: String) {
        separate()
        appendQuoted(text)
        needsComma = true
    }

    mutating func member(_ name: String, _ text: String) {
        key(name)
        string(text)
    }

    /// Dictionaries in the order of their keys, so that equal records give equal lines.
    mutating func append(_ value: Logger.Metadata.Value) {
        switch value {
        case .string(let text): string(text)
        case .stringConvertible(let value): string(value.description)
        case .array(let values):
            begin("[")
            for value in values { append(value) }
            end("]")
        case .dictionary(let members):
            beginObject()
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                key(name)
                append(Redaction.isSecret(name) ? .string(Redaction.replacement) : value)
            }
            endObject()
        }
    }

    mutating func timestamp(unixSeconds: Int, microseconds: Int) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes += Timestamp.iso8601(unixSeconds: unixSeconds, microseconds: microseconds)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    private mutating func begin(_ bracket: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    private mutating func end(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    private mutating func separate() { if needsComma { bytes.append(UInt8(ascii: ",")) } }

    private mutating func appendQuoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var length = 0
        for scalar in text.unicodeScalars {
            length += UTF8.width(scalar)
            if length > Self.longestStringBytes {
                bytes += Array("… (cut)".utf8)
                break
            }
            appendEscaped(scalar)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscaped(_ scalar: Unicode.Scalar) {
        switch scalar.value {
        case 0x22, 0x5C:
            bytes += [0x5C, UInt8(truncatingIfNeeded: scalar.value)]
        // Control characters, and what some readers take for the end of a line.
        case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029:
            bytes += [0x5C, UInt8(ascii: "u")]
            for shift in [12, 8, 4, 0] { bytes.append(Self.hexDigits[Int(scalar.value >> UInt32(shift)) & 0xF]) }
        case 0x20..<0x7F:
            bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        default:
            UTF8.encode(scalar).map { bytes += $0 }
        }
    }
}
