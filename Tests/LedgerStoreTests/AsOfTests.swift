import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

/// What SQL says of the past, against a fold of every event from the first one on.
@Suite("Balances as of a time, and why", .gated, .database(LedgerDatabase.template(journals: 2)))
struct AsOfTests {
    private func withHistory(
        tenants: Int = 2,
        _ body: (LedgerStore, TestClock, [Tenant]) async throws -> Void
    ) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            let history = try await History.make(in: store, clock: clock, tenantCount: tenants)
            try await body(store, clock, history.tenants)
        }
    }

    @Test("a sequence, a position and a moment that mean the same event have the same answer, and why adds up to it")
    func everyEvent() async throws {
        try await withHistory { store, _, tenants in
            let tenant = tenants[0]
            var states: [(event: Event, state: LedgerState)] = []
            _ = try await store.replay(tenant.account) { event, state in states.append((event, state)) }
            for (event, state) in states {
                let account = try #require(state.account)
                for point in [
                    LedgerStore.ReplayEnd.sequence(event.sequence), .position(event.position),
                    .time(event.content.recordedAt),
                ] {
                    let found = try #require(try await store.balance(of: tenant.account, asOf: point))
                    #expect(found.balance == account.posted && found.held == account.held, "\(point)")
                    #expect(found.moment == event.content.recordedAt)
                }
                let point = LedgerStore.ReplayEnd.sequence(event.sequence)
                try await expect(account.posted.microcredits, .balance, store, tenant, point)
                try await expect(account.held.microcredits, .held, store, tenant, point)
                try await expect((account.posted - account.held).microcredits, .available, store, tenant, point)
                for pot in state.pots.values {
                    try await expect(pot.remaining.microcredits, .pot(pot.id), store, tenant, point)
                }
                for grant in state.grants.values {
                    guard case .runs(let given) = grant.allowance else { continue }
                    let left = grant.isRevoked ? 0 : given - grant.used - grant.held
                    try await expect(left, .grant(grant.id), store, tenant, point)
                }
                for execution in state.executions.values {
                    try await expect(execution.charged.microcredits, .charge(execution.id), store, tenant, point)
                }
            }
            #expect(states.count > 40)
        }
    }

    private func expect(
        _ number: Int64,
        _ subject: WhySubject,
        _ store: LedgerStore,
        _ tenant: Tenant,
        _ point: LedgerStore.ReplayEnd
    ) async throws {
        let found = try #require(try await store.why(subject, of: tenant.account, asOf: point))
        #expect(found.number == number, "\(subject) as of \(point): \(found.lines)")
    }

    @Test("why tells refusals by the numbers of then: credits, grant runs, requests in the minute, the plan")
    func refusals() async throws {
        try await withHistory { store, clock, tenants in
            let tenant = tenants[0]
            let events = try await store.allEvents(of: tenant.account)
            let short = try #require(events.first { $0.content.type == .creditsRefused })
            let credits = try await why(.refusal(sequence: short.sequence), store, tenant)
            #expect(credits.number == short.content.detail?["available"]?.amountValue?.microcredits)
            #expect(credits.unit == .credits)
            #expect(credits.lines.last?.priceVersion == "2026-01" && credits.lines.last?.change == nil)

            let spent = try #require(events.first { $0.content.type == .grantRefused })
            let grant = try await why(.refusedRequest(try #require(spent.content.requestID).value), store, tenant)
            #expect(grant.number == 0 && grant.unit == .runs)
            #expect(grant.lines.map(\.type) == [.grantIssued, .grantConsumed, .grantHeld, .grantRefused])

            let opened = try #require(events.first { $0.content.type == .grantOpened })
            let timed = WhySubject.grant(try #require(opened.content.grantID))
            let later = opened.content.recordedAt.adding(seconds: 30)
            let seconds = try #require(try await store.why(timed, of: tenant.account, asOf: .time(later)))
            #expect(seconds.number == 3_570 && seconds.unit == .seconds)

            // A pro account's key may run no model.
            _ = try await store.submit(tenant.admit())
            let last = try #require(try await store.allEvents(of: tenant.account).last)
            let denied = try await why(.refusal(sequence: last.sequence), store, tenant)
            #expect(denied.lines.map(\.type) == [.keyIssued, .accountTierChanged, .capabilityDenied])

            clock.advance(seconds: 600)
            let busy = try await Tenant.open(in: store, tier: .business, credits: Credits(whole: 5_000))
            _ = try await store.submitAtOnce((0..<1_001).map { _ in busy.admit(quote: Credits(whole: 1)) })
            let flood = try await store.allEvents(of: busy.account)
            let exceeded = try #require(flood.first { $0.content.type == .rateLimitExceeded })
            let limited = try await why(.refusal(sequence: exceeded.sequence), store, busy)
            #expect(limited.number == 1_000 && limited.unit == .requests)
            #expect(limited.lines.count == 1_002)
            #expect(limited.lines.suffix(2).map(\.type) == [.accountOpened, .rateLimitExceeded])
        }
    }

    private func why(_ subject: WhySubject, _ store: LedgerStore, _ tenant: Tenant) async throws -> Explanation {
        try #require(try await store.why(subject, of: tenant.account, asOf: .now))
    }

    @Test(
        "what is known now differs from what was known then by corrections, each from when the corrected event counts"
    )
    func corrections() async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            let tenant = try await Tenant.open(in: store, tier: .business)
            let pot = PotID(FreshID.bits())
            let before = clock.now
            clock.advance(seconds: 60)
            try await store.succeed(tenant.addCredits(Credits(whole: 10), pot: pot))
            let then = clock.now
            clock.advance(seconds: 3_600)
            func adjust(_ amount: Int64, corrects sequence: Int64?) async throws {
                let change = AdjustCredits(
                    potID: pot,
                    amount: Credits(whole: amount),
                    reason: "typo",
                    correctsSequence: sequence
                )
                try await store.succeed(tenant.command(.adjustCredits(change)))
            }
            try await adjust(-4, corrects: 3)
            clock.advance(seconds: 60)
            // A correction of the correction, and a change that corrects nothing.
            try await adjust(1, corrects: 4)
            try await adjust(2, corrects: nil)

            let found = try #require(try await store.balance(of: tenant.account, asOf: .time(then)))
            #expect(found.balance == Credits(whole: 10))
            #expect(found.balanceKnownNow == Credits(whole: 7))
            #expect(found.difference == Credits(whole: -3) && found.lateEvents == [4, 5])
            let early = try #require(try await store.balance(of: tenant.account, asOf: .time(before)))
            #expect(early.balance == .zero && early.balanceKnownNow == .zero && early.lateEvents.isEmpty)
            let now = try #require(try await store.balance(of: tenant.account, asOf: .now))
            #expect(now.balance == Credits(whole: 9) && now.balanceKnownNow == now.balance)
            // As known in between, the first correction alone.
            let between = try await psql(
                """
                SELECT balance_known_now, late_events
                FROM ledger.balance_as_of('\(tenant.account)', at_sequence => 3, known_at => (
                    SELECT recorded_at FROM ledger.events WHERE account_id = '\(tenant.account)' AND sequence = 4
                ))
                """
            )
            #expect(between == "6000000\t{4}")
            #expect(try await store.balance(of: AccountID(FreshID.bits()), asOf: .now) == nil)
        }
    }

    @Test("a balance at a moment is one probe of an index alone, in every partition")
    func plan() async throws {
        try await withHistory { _, _, tenants in
            try await psql("VACUUM ledger.events")
            let plan = try await psql(
                """
                SET enable_seqscan = off;
                EXPLAIN (COSTS OFF) SELECT events.balance_after, events.held_after
                FROM ledger.events
                WHERE events.journal = \(tenants[0].journal) AND events.account_id = '\(tenants[0].account)'
                    AND events.recorded_at <= now() AND events.balance_after IS NOT NULL
                ORDER BY events.recorded_at DESC
                LIMIT 1
                """
            )
            #expect(plan.contains("Index Only Scan Backward using events_"), "\(plan)")
            #expect(!plan.contains("->  Sort") && !plan.contains("Filter"), "\(plan)")
        }
    }
}
