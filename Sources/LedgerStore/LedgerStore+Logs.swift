public import Ledger
public import Postgres

/// A journal's signed checkpoint as an entry of the ledger's log.
public struct LogCheckpointRecord: Hashable, Sendable {
    /// Its place in the ledger's log, from 1.
    public let position: Int64
    /// The journal.
    public let journal: JournalID
    /// Events in the journal's log at that time.
    public let size: Int64
    /// The note, with the log's own signature and no other.
    public let note: String
}

extension LedgerStore {
    /// Where every journal ends, by journal.
    public func journalPositions() async throws(LedgerStoreError) -> [(journal: JournalID, position: Int64)] {
        try await ask(ReadJournalPositions())
    }

    /// A page of the checkpoints that the ledger took down, from the one after a place on.
    public func logCheckpoints(
        after position: Int64,
        limit: Int
    ) async throws(LedgerStoreError) -> [LogCheckpointRecord] {
        try await ask(ReadLogCheckpoints(after: position, limit: Int64(limit)))
    }

    /// A journal's latest checkpoint that the ledger took down, up to a place; nil when there is none.
    public func logCheckpoint(
        of journal: JournalID,
        upTo position: Int64
    ) async throws(LedgerStoreError) -> LogCheckpointRecord? {
        try await ask(FindLogCheckpoint(journal: journal, upTo: position)).first
    }

    /// Takes a journal's checkpoint down as the next entry of the ledger's log; does nothing if one as large is there.
    ///
    /// - Returns: whether one is there now. None is when another process took the place at the same time: try again.
    public func recordLogCheckpoint(
        _ note: String,
        of journal: JournalID,
        size: Int64
    ) async throws(LedgerStoreError) -> Bool {
        // Asking twice does no harm: the second finds it.
        _ = try await ask(InsertLogCheckpoint(journal: journal, size: size, note: note))
        return (try await logCheckpoint(of: journal, upTo: .max)?.size ?? 0) >= size
    }

    /// The events of a run that are written when it is admitted and when it ends, in order.
    ///
    /// They are found by their times, which grow in an account's stream: some tens of look-ups by key, however long it is.
    public func bounds(of execution: Execution, account: AccountID) async throws(LedgerStoreError) -> [Event] {
        var events: [Event] = []
        for moment in [execution.admittedAt, execution.endedAt].compactMap({ $0 }) {
            // A command's events are next to each other, and the moment is that of one of them.
            let near = max(0, try await lastSequence(before: moment, of: account) - 16)
            for event in try await self.events(of: account, after: near, limit: 48)
            where event.content.executionID == execution.id && event.sequence > events.last?.sequence ?? 0 {
                events.append(event)
            }
        }
        return events
    }

    /// The sequence of an account's last event before a moment; 0 when there is none.
    private func lastSequence(before moment: Timestamp, of account: AccountID) async throws(LedgerStoreError) -> Int64 {
        guard let end = try await state(of: account)?.account?.sequence else { return 0 }
        var before: Int64 = 0
        var notBefore = end + 1
        while notBefore - before > 1 {
            let middle = before + (notBefore - before) / 2
            guard let event = try await events(of: account, after: middle - 1, limit: 1).first,
                event.content.recordedAt < moment
            else {
                notBefore = middle
                continue
            }
            before = middle
        }
        return before
    }

    private func events(
        of account: AccountID,
        after sequence: Int64,
        limit: Int64
    ) async throws(LedgerStoreError) -> [Event] {
        let journal = journal(of: account)
        return try await ask(ReadAccountEvents(journal: journal, account: account, after: sequence, limit: limit))
    }
}

/// Says that a process is the one that publishes: an advisory lock that PostgreSQL drops with the connection.
///
/// It saves work. That no two trees are signed does not depend on it.
public final class PublisherLease: Sendable {
    private let client: PostgresClient

    /// Makes a lease with a client of its own, of one session.
    public init(configuration: PostgresConfiguration) {
        self.client = PostgresClient(configuration: configuration, catalogue: [LockPublisher.self], sessions: 1)
    }

    /// Connects.
    public func start() async throws(LedgerStoreError) {
        do throws(PostgresError) {
            try await client.start()
        } catch {
            throw LedgerStoreError(error)
        }
    }

    /// Whether this process publishes now: it holds the lock, or has just taken it.
    public func isHeld() async -> Bool { ((try? await client.query(LockPublisher())) ?? []).first ?? false }

    /// Lets go.
    public func stop() async { await client.shutdown() }
}
