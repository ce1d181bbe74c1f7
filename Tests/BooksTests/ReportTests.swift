import Foundation
import HistoryTestSupport
import LedgerTestSupport
import LocalCluster
import TestSupport
import Testing

/// The reports, as finance runs them: psql alone, under its role, on a ledger that is the same every time.
@Suite("Reports", .gated, .database(StoredLedger.template))
struct ReportTests {
    private static let definitions = """
        INSERT INTO ledger.definition_versions (
            model, version, model_sha256, provider_sha256, model_text, provider_text, first_seen_at
        )
        SELECT model, version, sha256('m'), sha256('p'), 'use', E'# A provider.\\nname: ' || provider, first_seen_at
        FROM (
            VALUES
            ('image', 1, 'fal', '2025-12-01 00:00Z'::timestamptz), ('image', 2, 'replicate', '2026-02-01 00:00Z'),
            ('video', 1, '"kling"', '2025-12-01 00:00Z')
        ) AS definition (model, version, provider, first_seen_at)
        """

    @Test("print what they should of a sample ledger, and agree with the books")
    func golden() async throws {
        try await StoredLedger.store(RandomLedger(seed: 44, journalCount: StoredLedger.journalCount, eventCount: 5_000))
        try await psql(Self.definitions)
        try await psql(
            "UPDATE ledger.holds SET status = 'unresolved', provider_request_id = 'job-7' WHERE model = 'song' AND amount > 5000000"
        )
        let reports: [(name: String, variables: [String])] = [
            ("balances", []), ("liabilities", []),
            ("revenue", ["from=2026-01-01", "until=2026-03-01", "usd_per_credit=0.01"]), ("usage", []),
            ("losses", ["from=2026-01-01", "until=2026-03-01"]), ("holds", []), ("trial_balance", []),
        ]
        for (name, variables) in reports {
            let (exit, output) = try await Report.run(name, variables)
            #expect(exit == .exited(code: 0), "\(name): \(output)")
            expectGolden(output, named: "\(name).txt")
        }
        let (exit, output) = try await Report.run("trial_balance", ["positions=10,20,0"])
        #expect(exit == .exited(code: 0) && output.contains("Every commodity sums to zero."))
        let (all, everything) = try await Report.run("revenue", [])
        #expect(all == .exited(code: 0) && everything.contains("all"))
        try await expectAgreement()
        try await ConsoleReports.expectSame()
        try await ConsoleReports.expectReplays()
    }

    /// The views that sum up projections, against the books that are summed up from events.
    private func expectAgreement() async throws {
        let pairs = [
            ("Income:Runs", "SELECT -sum(charged) FROM ledger.runs_by_day"),
            ("Expenses:Absorbed", "SELECT sum(absorbed) FROM ledger.runs_by_day"),
            ("Expenses:Providers", "SELECT sum(provider_microusd) FROM ledger.runs_by_day"),
            ("Expenses:Grants:Used", "SELECT sum(free_runs) FROM ledger.runs_by_day"),
            ("Income:Breakage", "SELECT -sum(amount) FROM ledger.breakage"),
            ("Liabilities:Credits:Available", "SELECT -sum(available + expired) FROM ledger.liabilities"),
            ("Liabilities:Credits:Held", "SELECT -sum(held) FROM ledger.liabilities"),
            ("Expenses:Corrections", "SELECT sum(amount) FROM ledger.refunds WHERE kind = 'correction'"),
        ]
        for (book, sql) in pairs {
            let summed = try await psql(sql)
            let books = try await psql(
                "SELECT coalesce(sum(units), 0) FROM ledger.trial_balance() WHERE name = '\(book)'"
            )
            #expect(summed == books, "\(book)")
        }
        let runs = try await count("SELECT count(*) FROM ledger.rated_runs")
        #expect(
            try await count("SELECT count(*) FROM ledger.ended_executions WHERE model NOT LIKE 'workflow:%'") == runs
        )
    }

    @Test("of views have plans in proportion to the ledger")
    func plans() async throws {
        let eventCount = 8_000
        let ledger = RandomLedger(seed: 32, journalCount: StoredLedger.journalCount, eventCount: eventCount)
        try await StoredLedger.store(ledger)
        for view in [
            "postings", "breakage", "refunds", "rated_runs", "runs_by_day", "liabilities", "grants_outstanding",
            "unresolved_executions", "account_tiers",
        ] {
            let plan = try await psql("EXPLAIN (FORMAT JSON) SELECT * FROM ledger.\(view)")
            let tree = try #require(JSONSerialization.jsonObject(with: Data(plan.utf8)) as? [[String: Any]])
            let top = try #require(tree.first?["Plan"] as? [String: Any])
            let cost = try #require(top["Total Cost"] as? Double)
            // 1 is the cost of reading a page, and of passing on a hundred rows: 3 an event is far from a nested scan.
            #expect(cost < 3 * Double(eventCount), "\(view) costs \(cost)")
        }
    }
}
