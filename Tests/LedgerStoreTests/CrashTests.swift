import Ledger
import LedgerStore
import LedgerTestSupport
import LocalCluster
import Postgres
import TestSupport
import Testing

@Suite("A server that dies", .serialized, .gated)
struct CrashTests {
    @Test("kill -9 of PostgreSQL in mid-load, three times: every verdict returned is in the log, exactly once")
    func kills() async throws {
        try await TemporaryCluster.with(durable: true) { cluster in
            try await cluster.psql("CREATE DATABASE ledger")
            let url = cluster.connectionURL(database: "ledger")
            try await LedgerDatabase.prepare(url, journals: 4)
            let log = RunLog()
            try await withStore(at: url) { store in
                var tenants: [Tenant] = []
                for _ in 0..<16 { tenants.append(try await Tenant.open(in: store, credits: Credits(whole: 10_000))) }
                let everyone = tenants
                for round in 1...3 {
                    let load = Task {
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            for lane in 0..<64 {
                                group.addTask {
                                    var turn = lane
                                    while !Task.isCancelled {
                                        try await log.run(everyone[turn % everyone.count], store)
                                        turn += 1
                                    }
                                }
                            }
                            try await group.waitForAll()
                        }
                    }
                    let before = log.told.settled.count
                    try await waitUntil { log.told.settled.count > before + 300 }
                    try await cluster.killPostmaster()
                    try await cluster.start()
                    let after = log.told.settled.count
                    try await waitUntil { log.told.settled.count > after + 300 }
                    load.cancel()
                    try await load.value
                    try await log.expectAgreement(with: tenants, in: store)
                    try await expectSound(store, at: url)
                    #expect(log.told.unknownAdmission.isEmpty, "round \(round)")
                    #expect(log.told.unknownSettlement.isEmpty, "round \(round)")
                }
            }
        }
    }

    @Test("a stopped server: unavailable when the budget ends, nothing recorded, and work again once it is back")
    func stopped() async throws {
        try await TemporaryCluster.with(durable: false) { cluster in
            try await cluster.psql("CREATE DATABASE ledger")
            let url = cluster.connectionURL(database: "ledger")
            try await LedgerDatabase.prepare(url, journals: 2)
            var settings = StoreSettings()
            settings.options.retryBudget = .seconds(2)
            settings.clientOptions.leaseTimeout = .milliseconds(300)
            try await withStore(at: url, settings) { store in
                let tenant = try await Tenant.open(in: store, credits: Credits(whole: 100))
                try await cluster.stop()
                let commands = (0..<20).map { _ in tenant.admit() }
                let errors = await withTaskGroup(of: LedgerStoreError?.self) { group in
                    for command in commands {
                        group.addTask {
                            do throws(LedgerStoreError) {
                                _ = try await store.submit(command)
                                return nil
                            } catch {
                                return error
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(errors.allSatisfy { $0?.code == .unavailable })
                #expect(errors.allSatisfy { $0.map { $0.outcome != .unknown } ?? false })

                try await cluster.start()
                var verdict: Verdict?
                let deadline = ContinuousClock.now + .seconds(120)
                while verdict == nil, ContinuousClock.now < deadline { verdict = try? await store.submit(commands[0]) }
                #expect(verdict?.admission != nil)
                #expect(try await store.allEvents(of: tenant.account).count { $0.content.type == .creditsHeld } == 1)
                try await expectSound(store, at: url)
            }
        }
    }

    private func waitUntil(_ isTrue: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(240)
        while !isTrue() {
            try #require(ContinuousClock.now < deadline, "the load stands still")
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
