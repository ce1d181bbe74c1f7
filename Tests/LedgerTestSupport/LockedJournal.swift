public import Ledger
public import LedgerStore
import Postgres
import TestSupport

/// Runs a closure while another session has the lock on a journal's head, so that the journal's writers wait.
public func withLockedJournal<Value>(
    _ journal: JournalID,
    _ body: () async throws -> Value
) async throws -> Value {
    let configuration = try PostgresConfiguration(url: TestDatabase.url)
    let client = PostgresClient(configuration: configuration, catalogue: [], sessions: 1)
    try await client.start()
    do {
        let value = try await client.withSession { session in
            _ = try await session.simple("BEGIN")
            _ = try await session.simple("SELECT FROM ledger.journals WHERE journal = \(journal) FOR UPDATE")
            let value = try await body()
            _ = try await session.simple("ROLLBACK")
            return value
        }
        await client.shutdown()
        return value
    } catch {
        await client.shutdown()
        throw error
    }
}

/// Gives a command to a journal that is locked, and returns once its writer waits for the lock with that command alone:
/// what is given after that waits for the writer's next batch.
public func occupyWriter(of store: LedgerStore, with command: Command) async throws -> Task<Verdict, any Error> {
    let task = Task { try await store.submit(command) }
    let waiters = """
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
        """
    while try await count(waiters) == 0 { try await Task.sleep(for: .milliseconds(20)) }
    return task
}
