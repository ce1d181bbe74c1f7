import Ledger
import LedgerStore
import LedgerTestSupport
import Postgres
import SQLFiles
import TestSupport
import Testing

@Suite("Usage in the store", .gated, .database(LedgerDatabase.template(journals: 2)))
struct UsageStoreTests {
    /// The settings of the service's sessions: plans that never change into a scan.
    static var settings: StoreSettings {
        var settings = StoreSettings()
        settings.sessionSettings = [
            ("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"),
            ("enable_bitmapscan", "off"), ("enable_material", "off"), ("enable_sort", "off"),
            ("plan_cache_mode", "force_generic_plan"), ("jit", "off"),
        ]
        return settings
    }

    private static let runs = 100_000

    @Test("pages of 100,000 runs, filtered or not, first or last, come within a fraction of a second")
    func fast() async throws {
        try await withStore(Self.settings) { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 5))
            try await Self.fill(tenant)
            let open = tenant.newExecution()
            _ = try await store.submit(tenant.admit(open))
            func ask(
                _ statuses: [Execution.Status] = [],
                model: String? = nil,
                before: Timestamp? = nil,
                limit: Int = 50,
                offset: Int = 0
            ) async throws -> (runs: [Execution], total: Int64, elapsed: Duration) {
                let start = ContinuousClock.now
                let page = try await store.usage(
                    of: tenant.account,
                    statuses: statuses,
                    model: model,
                    before: before,
                    limit: limit,
                    offset: offset
                )
                return (page.runs, page.total, start.duration(to: .now))
            }
            let first = try await ask()
            #expect(first.total == Int64(Self.runs) + 1 && first.runs.first?.id == open && first.runs.count == 50)
            let last = try await ask(offset: Self.runs - 9)
            #expect(last.runs.count == 10)
            let key = try await ask(before: last.runs.first?.admittedAt, limit: 500)
            #expect(key.runs == Array(last.runs.dropFirst()))
            let rare = try await ask([.failed], model: "rare")
            #expect(rare.total == 10 && rare.runs.count == 10)
            let none = try await ask([.cancelled], model: "nothing", limit: 500)
            #expect(none.total == 0)
            for page in [first, last, key, rare, none] {
                print("usage of 100,000 runs: \(page.elapsed)")
                // A look at every row of the table would take several times as long even on an idle machine.
                #expect(page.elapsed < .seconds(1))
            }
        }
    }

    /// Runs that have ended, as rows without events.
    private static func fill(_ tenant: Tenant) async throws {
        try await psql(
            """
            INSERT INTO ledger.ended_executions (
                journal, execution_id, account_id, key_id, model, quote, price_version, instance, admitted_at,
                deadline_at, status, charged, absorbed, ended_at, provider_microusd, duration_ms
            )
            SELECT \(tenant.journal), gen_random_uuid(), '\(tenant.account)', '\(tenant.key)',
                CASE WHEN n % 10000 = 0 THEN 'rare' ELSE 'painter' END, 1000000, '1', 1,
                timestamptz '2026-01-01' + n * interval '1 second', timestamptz '2026-01-01' + n * interval '1 second',
                CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'succeeded' END, 0, 0,
                timestamptz '2026-01-01' + n * interval '1 second', 900, 17
            FROM generate_series(1, \(runs)) n;
            """
        )
        try await psql("VACUUM ANALYZE ledger.ended_executions")
    }

    @Test("the migration gives the runs that had ended what only their events knew")
    func migration() async throws {
        try await withStore { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 5))
            for end in [true, false] {
                let execution = tenant.newExecution()
                _ = try await store.submit(tenant.admit(execution))
                let ending = end ? tenant.succeed(execution, cost: Credits(whole: 1)) : tenant.fail(execution)
                _ = try await store.submit(ending)
            }
            let before = try await projectionDump()
            try await psql("UPDATE ledger.ended_executions SET provider_microusd = NULL, duration_ms = NULL")
            #expect(try await projectionDump() != before)
            let migration = try #require(try SQLFiles.bundled()[.migrations].first { $0.name.contains("usage") })
            let start = try #require(migration.text.firstRange(of: "UPDATE ledger.ended_executions"))
            let statement = migration.text[start.lowerBound...].prefix { $0 != ";" }
            try await psql(String(statement))
            #expect(try await projectionDump() == before)
            try await expectSound(store)
        }
    }
}
