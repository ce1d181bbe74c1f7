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

    /// Every event of a run so far, in order: from the request to the last of the command that ended it.
    ///
    /// Its first and its end are found by their times, which grow in an account's stream: some tens of look-ups by key. What
    /// is read between them is what the account did while the run went on.
    public func events(of execution: Execution, account: AccountID) async throws(LedgerStoreError) -> [Event] {
        let events = try await ask(
            ReadExecutionEvents(
                journal: journal(of: account),
                account: account,
                execution: execution.id,
                from: execution.admittedAt,
                to: execution.endedAt
            )
        )
        guard let end = execution.endedAt else { return events }
        let command = events.last { $0.content.recordedAt <= end }?.content.commandID
        return events.filter { $0.content.recordedAt <= end || $0.content.commandID == command }
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
