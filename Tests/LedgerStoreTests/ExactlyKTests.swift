import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

/// Goal: whatever 256 requests at once do to one another, no more runs are admitted than the account can pay for, and no
/// fewer. Method: 20 accounts with credit (or a grant) for k runs each, k different every time; the verdicts, the events
/// and the balances must all say k, and after the runs have ended nothing is on hold.
@Suite("Exactly k runs", .gated, .database(LedgerDatabase.template(journals: 4)))
struct ExactlyKTests {
    private static let rounds = 20
    private static let requestCount = 256

    enum Funds: String, CaseIterable {
        case credits, countGrant
    }

    /// Opens an account that can pay for k runs.
    private func fund(_ k: Int, _ funds: Funds, in store: LedgerStore) async throws -> Tenant {
        switch funds {
        case .credits:
            let tenant = try await Tenant.open(in: store)
            // Over three pots, none of which pays for a whole number of runs.
            let all = Int64(k) * 1_000_000
            for part in [all / 3, all / 5, all - all / 3 - all / 5] where part > 0 {
                try await store.succeed(tenant.addCredits(Credits(microcredits: part)))
            }
            return tenant
        case .countGrant:
            let tenant = try await Tenant.open(in: store)
            try await store.succeed(tenant.issueGrant(.runs(Int64(k))))
            return tenant
        }
    }

    private func expectExactly(_ k: Int, _ funds: Funds, across stores: [LedgerStore]) async throws {
        let tenant = try await fund(k, funds, in: stores[0])
        let verdicts = try await withThrowingTaskGroup(of: Verdict.self) { group in
            for index in 0..<Self.requestCount {
                group.addTask { try await stores[index % stores.count].submit(tenant.admit()) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let admitted = verdicts.compactMap(\.admission).map(\.executionID)
        try #require(admitted.count == k)
        let refusals = verdicts.compactMap(\.refusal)
        #expect(refusals.count == Self.requestCount - k)
        #expect(
            refusals.allSatisfy { refusal in
                switch (refusal, funds) {
                case (.insufficientCredits(_, let available), .credits): available == .zero
                case (.grantExhausted, .countGrant): true
                default: false
                }
            }
        )
        let held = try await stores[0].allEvents(of: tenant.account).filter {
            $0.content.type == .creditsHeld || $0.content.type == .grantHeld
        }
        #expect(Set(held.map(\.content.executionID)) == Set(admitted))
        #expect(held.count == k)

        // Half of them end well at half the price, the others fail: the account gets back what it did not use.
        let ends = admitted.enumerated().map { index, execution in
            index.isMultiple(of: 2)
                ? tenant.succeed(execution, cost: Credits(microcredits: 500_000)) : tenant.fail(execution)
        }
        let store = stores[k % stores.count]
        #expect(try await store.submitAtOnce(ends).allSatisfy { $0.settlement?.isRepeat == false })
        let state = try #require(try await store.state(of: tenant.account))
        let succeeded = Int64((k + 1) / 2)
        #expect(state.account?.held == .zero)
        switch funds {
        case .credits:
            let rest = Credits(microcredits: Int64(k) * 1_000_000 - succeeded * 500_000)
            #expect(state.account?.posted == rest)
        case .countGrant: #expect(state.grants.values.map { [$0.used, $0.held] } == [[succeeded, 0]])
        }
        let report = try await stores[0].verify()
        #expect(report.isClean, "\(report.findings)")
    }

    @Test("256 admissions at once on credit, or a grant, for k: k are admitted, 20 times", arguments: Funds.allCases)
    func oneStore(_ funds: Funds) async throws {
        try await withStore { store in
            for round in 0..<Self.rounds { try await expectExactly(1 + round * 12, funds, across: [store]) }
            try await expectSound(store)
        }
    }

    @Test("also from two processes' stores at once on one database", arguments: Funds.allCases)
    func twoStores(_ funds: Funds) async throws {
        try await withStore { first in
            try await withStore { second in
                for round in 0..<Self.rounds {
                    try await expectExactly(2 + round * 12, funds, across: [first, second])
                }
                try await expectSound(first)
            }
        }
    }

    @Test("a time grant admits every run from its first on, opens once, and none after it has closed")
    func timeGrant() async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            for _ in 0..<Self.rounds {
                let tenant = try await Tenant.open(in: store)
                try await store.succeed(tenant.issueGrant(.window(seconds: 600)))
                let first = try await store.submitAtOnce((0..<Self.requestCount).map { _ in tenant.admit() })
                let admitted = first.compactMap(\.admission)
                try #require(admitted.count == Self.requestCount)
                #expect(try await store.allEvents(of: tenant.account).count { $0.content.type == .grantOpened } == 1)
                // The clock jumps over the grant's end, and the runs' holds still stand.
                clock.advance(seconds: 601)
                let second = try await store.submitAtOnce((0..<16).map { _ in tenant.admit() })
                #expect(second.allSatisfy { if case .grantExhausted(.window)? = $0.refusal { true } else { false } })
                let ends = admitted.map { tenant.succeed($0.executionID, cost: .zero) }
                #expect(try await store.submitAtOnce(ends).allSatisfy { $0.settlement?.isRepeat == false })
                let grant = try #require(try await store.state(of: tenant.account)?.grants.values.first)
                #expect(grant.used == Int64(Self.requestCount))
                #expect(grant.held == 0)
                let report = try await store.verify()
                #expect(report.isClean, "\(report.findings)")
            }
            try await expectSound(store)
        }
    }

    @Test("of 1,500 admissions in one minute a Business account has 1,000 counted; 500 are in few rows of the log")
    func rateLimit() async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            let tenant = try await Tenant.open(in: store, tier: .business, credits: Credits(whole: 5_000))
            let verdicts = try await store.submitAtOnce((0..<1_500).map { _ in tenant.admit() })
            #expect(verdicts.count { $0.admission != nil } == 1_000)
            #expect(verdicts.count { $0.refusal == .rateLimited(tier: .business) } == 500)
            let counts = verdicts.compactMap { $0.admission?.window?.count }
            #expect(Set(counts) == Set(1...1_000))

            let events = try await store.allEvents(of: tenant.account)
            #expect(events.count { $0.content.type == .rateLimitCounted } == 1_000)
            let refused = events.filter { $0.content.type == .rateLimitExceeded }
            let counted = refused.compactMap { $0.content.detail?["refused"]?.integerValue }
            #expect(counted.reduce(0, +) == 500)
            // One for each batch that the limiter refused something in.
            #expect((1...20).contains(refused.count), "\(refused.count) rows for 500 refusals")
            #expect(try await store.state(of: tenant.account)?.windows[.modelRun]?.count == 1_000)

            clock.advance(seconds: 60)
            #expect(try await store.submit(tenant.admit()).admission?.window?.count == 1)
            try await expectSound(store)
        }
    }
}
