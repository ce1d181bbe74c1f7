public import Ledger

/// A whole API key, as its owner sends it: `knouds_live_` and 65 base-62 digits for the key's id (which carries its
/// journal) and 32 random bytes. Shown once; the ledger keeps its SHA-256 (api-contract, section 8.10).
///
/// It prints as its first characters only, so that it can't end up in a log.
public struct APIKeySecret: Sendable, CustomStringConvertible, CustomReflectable {
    /// What every key begins with.
    public static let prefix = "knouds_live_"
    private static let digitCount = 65

    /// The whole key.
    public let text: String
    /// The id in it.
    public let keyID: KeyID
    /// The SHA-256 of the whole key.
    public let digest: Digest

    /// Makes a key for an id from 32 random bytes.
    public init(keyID: KeyID, random: [UInt8]) {
        precondition(random.count == 32, "a key has 32 random bytes")
        var bytes: [UInt8] = []
        for half in [keyID.value.high, keyID.value.low] {
            withUnsafeBytes(of: half.bigEndian) { bytes.append(contentsOf: $0) }
        }
        self.keyID = keyID
        self.text = Self.prefix + Base62.encode(bytes + random, digits: Self.digitCount)
        self.digest = Digest(of: Array(text.utf8))
    }

    /// Makes a key for an id from the system's randomness.
    public init(keyID: KeyID) {
        var generator = SystemRandomNumberGenerator()
        self.init(keyID: keyID, random: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// Reads a key as it was sent; nil when it can't be one.
    public init?(_ text: String) {
        guard text.utf8.count == Self.prefix.utf8.count + Self.digitCount, text.hasPrefix(Self.prefix),
            let bytes = Base62.decode(text.utf8.dropFirst(Self.prefix.utf8.count), byteCount: 48)
        else { return nil }
        func half(_ start: Int) -> UInt64 { bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        self.text = text
        self.keyID = KeyID(Identifier128(high: half(0), low: half(8)))
        self.digest = Digest(of: Array(text.utf8))
    }

    /// Whether a text looks like a key of the time before keys carried a journal and an id: `knouds_` and 16 to 128
    /// letters, digits, `_` and `-`, which is not the form of today's keys.
    ///
    /// None of those is accepted any more, so the form alone decides, and nothing has to be looked up.
    public static func isRetiredForm(_ text: String) -> Bool {
        guard text.hasPrefix("knouds_") else { return false }
        let rest = text.utf8.dropFirst("knouds_".utf8.count)
        guard (16...128).contains(rest.count), rest.allSatisfy(\.isKeyCharacter) else { return false }
        let isCurrentForm =
            text.hasPrefix(prefix) && text.utf8.count == prefix.utf8.count + digitCount
            && text.utf8.dropFirst(prefix.utf8.count).allSatisfy { $0.isKeyCharacter && $0 != 0x5F && $0 != 0x2D }
        return !isCurrentForm
    }

    /// Whether the ledger's digest is this key's, compared in constant time.
    public func matches(_ stored: Digest) -> Bool {
        let difference =
            (digest.words.0 ^ stored.words.0) | (digest.words.1 ^ stored.words.1) | (digest.words.2 ^ stored.words.2)
            | (digest.words.3 ^ stored.words.3)
        return difference == 0
    }

    /// The prefix, and nothing of the secret.
    public var description: String { Self.prefix + "…" }
    /// No part, so that `dump` shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Whole numbers as text of the digits 0-9, A-Z, a-z, most significant first.
package enum Base62 {
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// The bytes as one big-endian number, in a fixed number of digits.
    package static func encode(_ bytes: [UInt8], digits count: Int) -> String {
        var number = bytes.map(UInt32.init)
        var text: [UInt8] = []
        for _ in 0..<count {
            var remainder: UInt32 = 0
            for index in number.indices {
                let value = remainder << 8 | number[index]
                number[index] = value / 62
                remainder = value % 62
            }
            text.append(digits[Int(remainder)])
        }
        precondition(number.allSatisfy { $0 == 0 }, "the number needs more digits")
        return String(decoding: text.reversed(), as: UTF8.self)
    }

    /// The number as big-endian bytes; nil when a character is no digit or the number needs more bytes.
    static func decode(_ text: some Sequence<UInt8>, byteCount: Int) -> [UInt8]? {
        var number = [UInt32](repeating: 0, count: byteCount)
        for character in text {
            guard let digit = value(of: character) else { return nil }
            var carry = digit
            for index in number.indices.reversed() {
                let value = number[index] * 62 + carry
                number[index] = value & 0xFF
                carry = value >> 8
            }
            guard carry == 0 else { return nil }
        }
        return number.map { UInt8(truncatingIfNeeded: $0) }
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0"))
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A")) + 10
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 36
        default: nil
        }
    }
}

extension UInt8 {
    /// Whether it is an ASCII letter, a digit, `_` or `-`.
    fileprivate var isKeyCharacter: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D: true
        default: false
        }
    }
}
