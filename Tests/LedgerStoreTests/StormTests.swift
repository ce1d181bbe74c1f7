import Ledger
import LedgerStore
import LedgerTestSupport
import Postgres
import TestSupport
import Testing

@Suite("Lost backends", .gated, .database(LedgerDatabase.template(journals: 4)))
struct StormTests {
    @Test("a storm of terminated backends during 2,000 runs: what each caller was told is in the log once")
    func terminations() async throws {
        let log = RunLog()
        var settings = StoreSettings()
        settings.clientOptions.reconnectBase = .milliseconds(5)
        try await withStore(settings) { store in
            var tenants: [Tenant] = []
            for _ in 0..<16 { tenants.append(try await Tenant.open(in: store, credits: Credits(whole: 100))) }
            let everyone = tenants
            let reader = Task {
                // Questions are asked again by themselves.
                var answers = 0
                while !Task.isCancelled {
                    for tenant in everyone {
                        let state = try await store.state(of: tenant.account)
                        answers += state == nil ? 0 : 1
                    }
                    try? await Task.sleep(for: .milliseconds(10))
                }
                return answers
            }
            let storm = Task {
                var killed = 0
                while !Task.isCancelled {
                    let sql = """
                        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                        WHERE datname = current_database() AND application_name = 'runledger'
                        """
                    killed += try await count(sql)
                    try? await Task.sleep(for: .milliseconds(Int.random(in: 10...150)))
                }
                return killed
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<100 {
                    group.addTask {
                        for turn in 0..<20 {
                            try await log.run(everyone[(lane + turn) % everyone.count], store, settles: turn % 4 != 3)
                            // Spread over time, so that there is something to terminate.
                            try await Task.sleep(for: .milliseconds(20))
                        }
                    }
                }
                try await group.waitForAll()
            }
            storm.cancel()
            let killed = try await storm.value
            reader.cancel()
            #expect(try await reader.value > everyone.count)
            // The last to be killed are gone by then.
            try await Task.sleep(for: .milliseconds(500))
            #expect(killed > 10, "the storm was a breeze")
            let told = log.told
            #expect(told.admitted.count > 1_000)
            #expect(
                told.admitted.count + told.refused.count + told.notAdmitted.count + told.unknownAdmission.count == 2_000
            )
            // The budget outlasts the storm, so nobody is left in doubt.
            #expect(told.unknownAdmission.isEmpty)
            #expect(told.unknownSettlement.isEmpty)
            try await log.expectAgreement(with: tenants, in: store)
            try await expectSound(store)
        }
    }

    @Test("a statement that was cancelled, or waited too long for a lock, is tried again and not refused for good")
    func cancelledStatements() async throws {
        var settings = StoreSettings()
        settings.sessionSettings = [("statement_timeout", "1s")]
        try await withStore(settings) { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 5))
            let command = tenant.admit()
            // Another process has the journal's lock for longer than a statement may take.
            let waiting = try await withLockedJournal(tenant.journal) {
                let waiting = Task { try await store.submit(command) }
                try await Task.sleep(for: .seconds(4))
                return waiting
            }
            #expect(try await waiting.value.admission != nil)
            try await expectSound(store)
        }
    }
}
