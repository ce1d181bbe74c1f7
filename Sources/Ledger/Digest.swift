import Crypto

/// A SHA-256 digest, 32 bytes.
public struct Digest: Hashable, Sendable {
    /// The bytes as four big-endian words.
    public let words: (UInt64, UInt64, UInt64, UInt64)

    /// Thirty-two zero bytes: the journal head before the first event.
    public static let zero = Digest(words: (0, 0, 0, 0))

    init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Reads 32 bytes; nil for any other number.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            let value = UInt64(byte) << UInt64(56 - 8 * (index & 7))
            switch index >> 3 {
            case 0: words.0 |= value
            case 1: words.1 |= value
            case 2: words.2 |= value
            default: words.3 |= value
            }
        }
        self.words = words
    }

    /// The SHA-256 of some bytes.
    public init(of bytes: [UInt8]) {
        self = SHA256.hash(data: bytes).withUnsafeBytes { Digest(loading: $0) }
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
        for word in [words.0, words.1, words.2, words.3] { bytes.appendBigEndian(word) }
    }

    /// The journal's running hash after one more event: SHA-256 of 0x02, the head before, and the event's hash.
    public func chained(with event: Digest) -> Digest {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(65)
        bytes.append(0x02)
        append(to: &bytes)
        event.append(to: &bytes)
        return Digest(of: bytes)
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
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// Reads 64 hexadecimal digits; nil for anything else.
    public init?(hexadecimal text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 64, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        self.init(bytes: bytes)
    }
}

extension [UInt8] {
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
