/// 128 bits that identify something, printed in the usual 8-4-4-4-12 form of a UUID (RFC 9562).
public struct Identifier128: Hashable, Comparable, Sendable {
    /// The first eight bytes, big-endian.
    public let high: UInt64
    /// The last eight bytes, big-endian.
    public let low: UInt64

    /// Makes an identifier from its two halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A UUID version 7 that carries a journal number in its 12 `rand_a` bits, so that it can be routed without a lookup.
    ///
    /// - Parameters:
    ///   - unixMilliseconds: the creation time; only its low 48 bits are kept.
    ///   - journal: the journal, below 4,096.
    ///   - random: 64 random bits, of which 62 are kept.
    public init(unixMilliseconds: UInt64, journal: JournalID, random: UInt64) {
        precondition((0..<4096).contains(journal.number), "a journal number has 12 bits")
        self.high = (unixMilliseconds << 16) | 0x7000 | UInt64(journal.number)
        self.low = (random & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
    }

    /// The journal number in the 12 bits after the version nibble.
    public var embeddedJournal: JournalID { JournalID(Int16(high & 0xFFF)) }

    /// Orders as the 16 bytes do.
    public static func < (left: Identifier128, right: Identifier128) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// Reads the 8-4-4-4-12 hexadecimal form; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let read = text.utf8.withContiguousStorageIfAvailable { Self.halves($0) }
        guard let halves = read ?? Array(text.utf8).withUnsafeBufferPointer({ Self.halves($0) }) else { return nil }
        self.init(high: halves.high, low: halves.low)
    }

    private static func halves(_ bytes: UnsafeBufferPointer<UInt8>) -> (high: UInt64, low: UInt64)? {
        guard bytes.count == 36 else { return nil }
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        for index in 0..<36 {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard bytes[index] == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Hexadecimal.value(of: bytes[index]) else { return nil }
            // 18: the first sixteen digits and two hyphens come before it.
            if index < 18 { halves.high = halves.high << 4 | digit } else { halves.low = halves.low << 4 | digit }
        }
        return halves
    }
}

extension Identifier128: CustomStringConvertible {
    /// Lower-case hexadecimal in the 8-4-4-4-12 form.
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var next = 0
            for nibble in 0..<32 {
                if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                    buffer[next] = UInt8(ascii: "-")
                    next += 1
                }
                let half = nibble < 16 ? high : low
                buffer[next] = Hexadecimal.digit(half >> UInt64(60 - 4 * (nibble & 15)))
                next += 1
            }
            return 36
        }
    }
}

/// A type of identifier: 128 bits that can't be mistaken for another type's.
public protocol LedgerIdentifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The bits.
    var value: Identifier128 { get }
    /// Makes an identifier of this type from its bits.
    init(_ value: Identifier128)
}

extension LedgerIdentifier {
    /// Orders as the 16 bytes do.
    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
    /// The 8-4-4-4-12 form.
    public var description: String { value.description }
    /// Reads the 8-4-4-4-12 form; nil for anything else.
    public init?(text: some StringProtocol) {
        guard let value = Identifier128(text) else { return nil }
        self.init(value)
    }
}

/// Who pays.
public struct AccountID: LedgerIdentifier {
    /// The bits.
    public let value: Identifier128
    /// Makes an identifier from its bits.
    public init(_ value: Identifier128) { self.value = value }
}

/// An API key (not its secret). Carries its journal.
public struct KeyID: LedgerIdentifier {
    /// The bits.
    public let value: Identifier128
    /// Makes an identifier from its bits.
    public init(_ value: Identifier128) { self.value = value }
    /// The journal of the key's account.
    public var journal: JournalID { value.embeddedJournal }
}

/// One run of a model. Carries its journal.
public struct ExecutionID: LedgerIdentifier {
    /// The bits.
    public let value: Identifier128
    /// Makes an identifier from its bits.
    public init(_ value: Identifier128) { self.value = value }
    /// The journal of the account that runs.
    public var journal: JournalID { value.embeddedJournal }
}

/// One HTTP request.
public struct RequestID: LedgerIdentifier {
    /// The bits.
    public let value: Identifier128
    /// Makes an identifier from its bits.
    public init(_ value: Identifier128) { self.value = value }
}

/// One command given to a journal; the same id given again changes nothing.
public struct CommandID: LedgerIdentifier {
    /// The bits.
    public let value: Identifier128
    /// Makes an identifier from its bits.
    public init(_ value: Identifier128) { self.value = value }
}

/// Credits or one grant run set aside for an execution.
public struct HoldID: LedgerIdentifier {
    /// The bits.
    public let value: Identifier128
    /// Makes an identifier from its bits.
    public init(_ value: Identifier128) { self.value = value }
}

/// Where credits came from.
public struct PotID: LedgerIdentifier {
    /// The bits.
    public let value: Identifier128
    /// Makes an identifier from its bits.
    public init(_ value: Identifier128) { self.value = value }
}

/// Free runs of one model for one account.
public struct GrantID: LedgerIdentifier {
    /// The bits.
    public let value: Identifier128
    /// Makes an identifier from its bits.
    public init(_ value: Identifier128) { self.value = value }
}

/// The number of a journal: 0 ..< the ledger's number of journals.
public struct JournalID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number.
    public let number: Int16
    /// Makes a journal id from its number.
    public init(_ number: Int16) { self.number = number }
    /// Orders by number.
    public static func < (left: JournalID, right: JournalID) -> Bool { left.number < right.number }
    /// The number in decimal.
    public var description: String { String(number) }
}

/// A moment: microseconds since 1970-01-01T00:00:00Z, the resolution of PostgreSQL's `timestamptz`.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since the Unix epoch.
    public let microseconds: Int64
    /// Makes a moment from microseconds since the Unix epoch.
    public init(microseconds: Int64) { self.microseconds = microseconds }
    /// Orders by time.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }
    /// Whole minutes since the Unix epoch, the number of the clock minute.
    public var minute: Int64 {
        let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 60_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
    /// This moment moved by a number of seconds.
    public func adding(seconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds + seconds * 1_000_000) }
}

extension AccountID {
    /// The journal an account lives in, for good: the first eight bytes of the SHA-256 of its id, modulo the number of
    /// journals that the ledger was created with.
    public func journal(of journalCount: Int16) -> JournalID {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(value.high)
        bytes.appendBigEndian(value.low)
        return JournalID(Int16(Digest(of: bytes).words.0 % UInt64(journalCount)))
    }
}
