import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

/// Goal: a run costs an old account what it costs a new one. Method: plans made on empty tables, as after every start of a
/// young ledger, then runs; the server's own counters tell which rows were read.
@Suite("What the run path reads", .gated, .database(LedgerDatabase.template(journals: 1)))
struct RunPathPlanTests {
    @Test("no more rows per run, however many runs the account has had")
    func look() async throws {
        let runs = 200
        try await withStore(UsageStoreTests.settings) { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 5_000))
            for _ in 0..<runs {
                let execution = tenant.newExecution()
                _ = try await store.submit(tenant.admit(execution))
                _ = try await store.submit(tenant.succeed(execution, cost: Credits(whole: 1)))
            }
        }
        // A session hands its counters over when it ends.
        let scans = try await psql(
            """
            SELECT indexrelname, idx_scan, idx_tup_read FROM pg_stat_user_indexes
            WHERE schemaname = 'ledger' AND relname = 'ended_executions' AND idx_tup_read > \(runs) ORDER BY 1
            """
        )
        #expect(scans.isEmpty)
        let lookedUp = try await psql(
            "SELECT idx_scan >= \(runs) FROM pg_stat_user_indexes WHERE indexrelname = 'ended_executions_pkey'"
        )
        #expect(lookedUp == "t", "the counters were read before the session ended")
    }
}
