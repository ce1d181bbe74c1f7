import Foundation
import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

/// Goal: the ledger answers and accounts as pencil and paper would, whatever happens in whatever order.
/// Method: thousands of random wishes for several accounts over several journals; see `Machine`. A run in which too little of
/// anything happened goes on for a while, and fails if that does not help. In the end every projection is rebuilt and must be equal row for row.
@Suite("The ledger and a naive model", .gated, .database(LedgerDatabase.template(journals: 4)))
struct ModelTests {
    private static let stepCount = 3_000

    enum Mode: String, CaseIterable {
        case oneAtATime, manyAtOnce

        var size: Int { self == .oneAtATime ? 1 : 32 }
    }

    @Test("agree on every answer and balance, from a fixed seed", arguments: Mode.allCases)
    func fixedSeed(_ mode: Mode) async throws {
        try await run(Seed(20_270_115), mode)
    }

    @Test("agree on every answer and balance, from a random seed", arguments: Mode.allCases)
    func randomSeed(_ mode: Mode) async throws {
        try await run(Seed.announced(for: "model test, \(mode.rawValue)"), mode)
    }

    private func run(_ seed: Seed, _ mode: Mode) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            var machine = try await Machine(store, clock, seed, tenantCount: mode == .oneAtATime ? 6 : 12)
            var floods = 0
            var steps = 0
            var missing: [String] = []
            do {
                while steps < Self.stepCount || (steps < 2 * Self.stepCount && !missing.isEmpty) {
                    if steps >= 1_200 * (floods + 1) {
                        try await machine.flood()
                        floods += 1
                    }
                    try await machine.round(of: mode.size)
                    steps += mode.size
                    let beyond = steps - Self.stepCount
                    if beyond >= 0, beyond % 96 < mode.size { missing = try await whatIsMissing(machine) }
                }
            } catch let difference as Machine.Difference {
                Issue.record("SEED=\(seed.value), step \(machine.stepCount): \(difference)")
                return
            }
            #expect(machine.stepCount >= Self.stepCount)
            #expect(missing.isEmpty, "SEED=\(seed.value)")
            #expect(Set(machine.tenants.map(\.journal)).count > 1)
            let report = try await expectSound(store)
            #expect(report.events > 5_000)

            let before = try await projectionDump()
            for number in 0..<store.journalCount { _ = try await store.rebuild(JournalID(number)) }
            let after = try await projectionDump()
            for table in projectionTables { #expect(after[table] == before[table], "\(table) differs when rebuilt") }
            try await expectSound(store)
        }
    }

    /// Of what too little has happened for an agreement to mean anything.
    private func whatIsMissing(_ machine: Machine) async throws -> [String] {
        let rows = try await psql("SELECT type, count(*) FROM ledger.events GROUP BY type")
        var events: [String: Int] = [:]
        for row in rows.split(separator: "\n") {
            let parts = row.split(separator: "\t")
            events[String(parts[0])] = Int(parts[1])
        }
        let partial = try await count(
            """
            SELECT count(*) FROM ledger.executions e
            WHERE (SELECT count(DISTINCT type) FROM ledger.events WHERE events.journal = e.journal
                AND events.execution_id = e.execution_id AND type IN ('credits.debited', 'credits.released')) = 2
            """
        )
        let byPolicy = try await count("SELECT count(*) FROM ledger.events WHERE detail LIKE '%\"by\":\"policy\"%'")
        let renewed = try await count("SELECT count(*) FROM ledger.events WHERE detail LIKE '%\"period\":%'")
        let happened: [(what: String, count: Int, atLeast: Int)] = [
            ("admitted on credits", events["credits.held"] ?? 0, 150),
            ("insufficient", machine.answers["INSUFFICIENT_CREDITS"] ?? 0, 50),
            ("paid by a grant", events["grant.consumed"] ?? 0, 40),
            ("grant exhausted", machine.answers["grant_exhausted"] ?? 0, 20),
            ("time grant opened", events["grant.opened"] ?? 0, 5),
            ("rate limited", machine.answers["RATE_LIMIT_EXCEEDED"] ?? 0, 50),
            ("partly debited", partial, 20),
            ("released", events["credits.released"] ?? 0, 50),
            ("grant run given back", events["grant.released"] ?? 0, 10),
            ("hold ended by policy", byPolicy, 15),
            ("pot expired", events["credits.expired"] ?? 0, 5),
            ("cost absorbed", events["cost.absorbed"] ?? 0, 5),
            ("unresolved", events["execution.unresolved"] ?? 0, 10),
            ("corrected", events["credits.adjusted"] ?? 0, 5),
            ("added before", machine.answers["added"] ?? 0, 3),
            ("renewed", renewed, 5),
            ("refund short", events["credits.short"] ?? 0, 1),
            ("alerted", events["alert.raised"] ?? 0, 3),
            ("topped up", events["top_up.paid"] ?? 0, 3),
            ("top-up failed", events["top_up.failed"] ?? 0, 2),
        ]
        let missing = happened.filter { $0.count < $0.atLeast }.map { "\($0.what): \($0.count) of \($0.atLeast)" }
        let summary = happened.map { "\($0.what) \($0.count)" }.joined(separator: ", ")
        FileHandle.standardError.write(Data("model test: \(machine.stepCount) steps, \(summary)\n".utf8))
        return missing
    }
}
