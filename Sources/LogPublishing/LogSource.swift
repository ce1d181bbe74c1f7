public import Ledger
public import LedgerStore
import TransparencyLog

/// What a log is made of: entries by position, from 1 without a gap.
public protocol LogSource: Sendable {
    /// A page of entries in order, from the one after a position on.
    ///
    /// - Throws: a `LogPublishingError` for an entry that is damaged; what the ledger throws.
    func entries(after position: Int64, limit: Int) async throws -> [LogEntry]
}

/// An entry of a log.
public struct LogEntry: Sendable {
    /// Its place, from 1.
    public let position: Int64
    /// Its bytes.
    public let bytes: [UInt8]
    /// Its hash.
    public let leaf: Digest
}

/// The events of a journal: an entry is an event's canonical bytes, and its leaf the event's own hash.
public struct JournalSource: LogSource {
    private let journal: JournalID
    private let store: LedgerStore

    /// Names a journal.
    public init(_ journal: JournalID, in store: LedgerStore) {
        self.journal = journal
        self.store = store
    }

    /// A page of events.
    public func entries(after position: Int64, limit: Int) async throws -> [LogEntry] {
        try await store.events(in: journal, after: position, limit: limit).map { event in
            let bytes = event.canonicalBytes
            guard MerkleHash.leaf(bytes) == event.hash else {
                throw LogPublishingError.eventDamaged(position: event.position)
            }
            return LogEntry(position: event.position, bytes: bytes, leaf: event.hash)
        }
    }
}

/// The checkpoints of journals, in the order in which the ledger took them down.
public struct CheckpointSource: LogSource {
    private let store: LedgerStore

    /// Names a ledger.
    public init(in store: LedgerStore) { self.store = store }

    /// A page of checkpoints.
    public func entries(after position: Int64, limit: Int) async throws -> [LogEntry] {
        try await store.logCheckpoints(after: position, limit: limit).map { row in
            let bytes = Array(row.note.utf8)
            return LogEntry(position: row.position, bytes: bytes, leaf: MerkleHash.leaf(bytes))
        }
    }
}
