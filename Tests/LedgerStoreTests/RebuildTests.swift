import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

@Suite("Rebuild", .gated, .database(LedgerDatabase.template(journals: 4)))
struct RebuildTests {
    private func withHistory(_ body: (LedgerStore, History) async throws -> Void) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            try await body(store, try await History.make(in: store, clock: clock, tenantCount: 8))
        }
    }

    private func rebuildAll(_ store: LedgerStore) async throws -> Int64 {
        var events: Int64 = 0
        for number in 0..<store.journalCount { events += try await store.rebuild(JournalID(number)) }
        return events
    }

    @Test("projections that were dropped come back row for row")
    func afterTruncate() async throws {
        try await withHistory { store, _ in
            let before = try await projectionDump()
            #expect(before.values.allSatisfy { !$0.isEmpty })
            for table in projectionTables { try await psql("TRUNCATE ledger.\(table)") }
            #expect(try await store.verify().isClean == false)
            #expect(try await rebuildAll(store) == Int64(count("SELECT count(*) FROM ledger.events")))
            #expect(try await projectionDump() == before)
            try await expectSound(store)
            // What it put there is what it finds: once more changes nothing.
            _ = try await rebuildAll(store)
            #expect(try await projectionDump() == before)
        }
    }

    @Test("rows that were changed, are gone, or are too many, are put right")
    func afterDamage() async throws {
        try await withHistory { store, history in
            let before = try await projectionDump()
            let tenant = history.tenants[0]
            try await psql(
                """
                UPDATE ledger.accounts SET posted = posted + 1000000 WHERE account_id = '\(tenant.account)';
                DELETE FROM ledger.holds WHERE account_id = '\(tenant.account)';
                INSERT INTO ledger.commands VALUES (\(tenant.journal), gen_random_uuid(), gen_random_uuid());
                UPDATE ledger.ended_executions SET status = 'lost' WHERE account_id = '\(tenant.account)'
                """
            )
            _ = try await store.rebuild(tenant.journal)
            #expect(try await projectionDump() == before)
            // The account goes on from where its events say that it is.
            #expect(try await store.submit(tenant.issueGrant(.runs(1))) == .done)
            try await expectSound(store)
        }
    }

    @Test("more rows than one statement puts back")
    func manyRows() async throws {
        try await withStore { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 6_000))
            _ = try await store.submitAtOnce((0..<5_500).map { _ in tenant.admit() })
            let before = try await projectionDump()
            _ = try await store.rebuild(tenant.journal)
            #expect(try await projectionDump() == before)
            #expect(try await count("SELECT count(*) FROM ledger.holds") == 5_500)
        }
    }

    @Test("beside live traffic, nothing is lost and nothing doubled")
    func besideTraffic() async throws {
        try await withStore { store in
            var tenants: [Tenant] = []
            for _ in 0..<8 { tenants.append(try await Tenant.open(in: store, credits: Credits(whole: 10_000))) }
            let everyone = tenants
            let log = RunLog()
            let load = Task {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for lane in 0..<16 {
                        group.addTask {
                            var turn = lane
                            while !Task.isCancelled {
                                try await log.run(everyone[turn % everyone.count], store, settles: turn % 5 != 0)
                                turn += 1
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            var before = 0
            for _ in 0..<5 {
                _ = try await rebuildAll(store)
                // The load has gone on meanwhile, or does now.
                while log.told.settled.count <= before { try await Task.sleep(for: .milliseconds(5)) }
                before = log.told.settled.count
            }
            load.cancel()
            try await load.value
            #expect(log.told.unknownAdmission.isEmpty)
            #expect(log.told.notAdmitted.isEmpty)
            try await log.expectAgreement(with: tenants, in: store)
            try await expectSound(store)
        }
    }

    @Test(
        "a damaged log is not rebuilt from: the finding is thrown, and nothing changes",
        arguments: ["an event in the middle", "the tail", "a changed event", "an unreadable event"]
    )
    func damagedLog(_ damage: String) async throws {
        try await withHistory { store, history in
            let journal = history.tenants[0].journal
            let of = "WHERE journal = \(journal) AND position"
            let (sql, kind): (String, VerificationFinding.Kind) =
                switch damage {
                case "an event in the middle": ("DELETE FROM ledger.events \(of) = 20", .position)
                case "the tail":
                    (
                        "DELETE FROM ledger.events \(of) = (SELECT max(position) FROM ledger.events WHERE journal = \(journal))",
                        .journalHead
                    )
                case "a changed event": ("UPDATE ledger.events SET command_id = gen_random_uuid() \(of) = 20", .hash)
                default: ("UPDATE ledger.events SET detail = '{ }' \(of) = 20", .unreadable)
                }
            try await tamper(sql)
            let before = try await projectionDump()
            let head = try await psql("SELECT * FROM ledger.journals ORDER BY journal")
            let finding = try await #require(throws: VerificationFinding.self) { _ = try await store.rebuild(journal) }
            #expect(finding.kind == kind)
            #expect(finding.journal == journal)
            #expect(try await projectionDump() == before)
            #expect(try await psql("SELECT * FROM ledger.journals ORDER BY journal") == head)
        }
    }
}
