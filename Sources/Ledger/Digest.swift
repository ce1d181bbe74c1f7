import Crypto

/// A SHA-256 digest, 32 bytes.
public struct Digest: Hashable, Sendable {
    /// The bytes as four big-endian words.
    public let words: (UInt64, UInt64, UInt64, UInt64)

    /// Thirty-two zero bytes: the journal head before the first event.
    public static let zero = Digest(words: (0, 0, 0, 0))

    init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Reads 32 bytes; nil for any other number.
    public init?(bytes: [UInt8]) {
        guard let digest = bytes.withUnsafeBytes({ Digest(raw: $0) }) else { return nil }
        self = digest
    }

    /// Reads 32 bytes from memory; nil for any other number.
    public init?(raw buffer: UnsafeRawBufferPointer) {
        guard buffer.count == 32 else { return nil }
        self.init(loading: buffer)
    }

    /// The SHA-256 of some bytes.
    public init(of bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { Digest(of: $0) }
    }

    init(of bytes: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        self = hash.finalize().withUnsafeBytes { Digest(loading: $0) }
    }

    private init(loading buffer: UnsafeRawBufferPointer) {
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
        }
        self.words = (word(0), word(1), word(2), word(3))
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        append(to: &bytes)
        return bytes
    }

    /// Appends the 32 bytes.
    public func append(to bytes: inout [UInt8]) {
        bytes.appendBigEndian(words.0)
        bytes.appendBigEndian(words.1)
        bytes.appendBigEndian(words.2)
        bytes.appendBigEndian(words.3)
    }

    /// The journal's running hash after one more event: SHA-256 of 0x02, the head before, and the event's hash.
    public func chained(with event: Digest) -> Digest {
        ByteSink.withBytes { sink in
            sink.put(0x02)
            sink.put(self)
            sink.put(event)
        } _: {
            Digest(of: $0)
        }
    }

    /// Whether two digests have the same bytes.
    public static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    /// Feeds all four words.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

extension Digest: CustomStringConvertible {
    /// Lower-case hexadecimal, 64 digits.
    public var description: String {
        String(unsafeUninitializedCapacity: 64) { buffer in
            for digit in 0..<64 {
                let word = digit < 16 ? words.0 : digit < 32 ? words.1 : digit < 48 ? words.2 : words.3
                buffer[digit] = Hexadecimal.digit(word >> UInt64(60 - 4 * (digit & 15)))
            }
            return 64
        }
    }

    /// Reads 64 hexadecimal digits; nil for anything else.
    public init?(hexadecimal text: some StringProtocol) {
        var words: [UInt64] = [0, 0, 0, 0]
        var count = 0
        for byte in text.utf8 {
            guard count < 64, let value = Hexadecimal.value(of: byte) else { return nil }
            words[count >> 4] = words[count >> 4] << 4 | value
            count += 1
        }
        guard count == 64 else { return nil }
        self.words = (words[0], words[1], words[2], words[3])
    }
}

/// Hexadecimal digits.
enum Hexadecimal {
    /// The lower-case digit of the lowest four bits.
    static func digit(_ bits: UInt64) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: bits & 15)
        return value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// The value of a digit in either case; nil for any other byte.
    static func value(of byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

extension [UInt8] {
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
