public import Ledger

/// What the canonical bytes of an event say, read without the ledger (``CanonicalBytes`` tells their form).
public struct EntryFields: Hashable, Sendable {
    /// The names of the columns, in the order of the bytes.
    public static let names = [
        "version", "journal", "position", "account_id", "sequence", "type", "recorded_at", "effective_at", "command_id",
        "request_id", "execution_id", "key_id", "model", "grant_id", "hold_id", "pot_id", "amount", "balance_after",
        "held_after", "price_version", "detail", "previous_hash",
    ]

    private let fields: [[UInt8]?]

    /// Reads the bytes of an entry; nil when they are not those of an event.
    public init?(_ entry: [UInt8]) {
        var rest = entry[...]
        var fields: [[UInt8]?] = []
        while !rest.isEmpty {
            guard rest.count >= 4 else { return nil }
            let length = Int32(truncatingIfNeeded: rest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
            rest = rest.dropFirst(4)
            guard length >= 0 else {
                guard length == -1 else { return nil }
                fields.append(nil)
                continue
            }
            guard rest.count >= Int(length) else { return nil }
            fields.append(Array(rest.prefix(Int(length))))
            rest = rest.dropFirst(Int(length))
        }
        guard fields.count == Self.names.count else { return nil }
        self.fields = fields
        guard fields[1]?.count == 2, fields[2]?.count == 8, fields[3]?.count == 16, fields[4]?.count == 8,
            fields[5] != nil
        else { return nil }
    }

    /// The journal that the event is in.
    public var journal: Int64 { number(1) }
    /// Its place in the journal, from 1.
    public var position: Int64 { number(2) }
    /// Whose stream it is in.
    public var account: String { text(3) ?? "" }
    /// Its place in the account's stream, from 1.
    public var sequence: Int64 { number(4) }
    /// What happened.
    public var type: String { text(5) ?? "" }
    /// The hash of the account's event before; nil for the first.
    public var previousHash: Digest? { fields[21].flatMap { Digest(bytes: $0) } }

    /// The columns that apply and what they say: times in UTC, amounts in credits, hashes in hexadecimal.
    public var described: [(name: String, value: String)] {
        Self.names.indices.compactMap { index in text(index).map { (Self.names[index], $0) } }
    }

    private func number(_ index: Int) -> Int64 {
        let bytes = fields[index] ?? []
        let isNegative = (bytes.first ?? 0) & 0x80 != 0
        return bytes.reduce(isNegative ? -1 : 0) { $0 << 8 | Int64($1) }
    }

    private func text(_ index: Int) -> String? {
        guard let bytes = fields[index] else { return nil }
        switch index {
        case 0, 1, 2, 4: return String(number(index))
        case 6, 7: return Timestamp(microseconds: number(index)).rfc3339
        case 3, 8...11, 13...15: return Self.identifier(bytes)
        case 16...18: return Credits(microcredits: number(index)).description
        case 21: return Digest(bytes: bytes)?.description ?? ""
        default: return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func identifier(_ bytes: [UInt8]) -> String {
        let half = { (bytes: ArraySlice<UInt8>) in bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        return AccountID(Identifier128(high: half(bytes.prefix(8)), low: half(bytes.dropFirst(8)))).description
    }
}
