import Books
import HistoryTestSupport
import Ledger
import LedgerTestSupport
import Postgres
import TestSupport
import Testing

@testable import LedgerStore

/// A random ledger in the running test's database: its events are copied in, and the projections derived from them.
enum StoredLedger {
    /// The journals of the databases.
    static let journalCount: Int16 = 3
    /// A database with an empty ledger.
    static let template = LedgerDatabase.template(journals: journalCount)

    /// Puts a history into the database.
    static func store(_ ledger: RandomLedger) async throws {
        try await append(ledger)
        try await withStore { store in
            for number in 0..<journalCount { _ = try await store.rebuild(JournalID(number)) }
            let report = try await store.verify()
            try #require(report.isClean, "\(report.findings)")
        }
        try await psql("ANALYZE ledger.events, ledger.ended_executions, ledger.pots, ledger.accounts")
    }

    private static func append(_ ledger: RandomLedger) async throws {
        var configuration = try PostgresConfiguration(url: TestDatabase.url)
        configuration.role = LedgerDatabase.serviceRole
        let client = PostgresClient(configuration: configuration, catalogue: ledgerStatements, sessions: 1)
        try await client.start()
        do {
            try await client.withSession { session in
                for events in ledger.journals where !events.isEmpty { try await append(events, session) }
            }
            await client.shutdown()
        } catch {
            await client.shutdown()
            throw error
        }
    }

    private static func append(_ events: [Event], _ session: PostgresSession) async throws {
        let journal = events[0].journal
        let hash = events.reduce(Digest.zero) { $0.chained(with: $1.hash) }
        _ = try await session.query(EnsureEventPartitions(position: Int64(events.count)))
        for start in stride(from: 0, to: events.count, by: 5_000) {
            let part = Array(events[start..<min(start + 5_000, events.count)])
            var opening = PipelineBatch()
            opening.begin()
            _ = try await session.execute(opening)
            try await session.copy(CopyRows(appending: part))
        }
        var head = PipelineBatch()
        head.append(AdvanceJournal(journal: journal, head: JournalHead(position: Int64(events.count), hash: hash)))
        _ = try await session.execute(head)
    }
}
