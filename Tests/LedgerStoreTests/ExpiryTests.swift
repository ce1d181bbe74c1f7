import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

@Suite("What has expired does not count, without any job", .gated, .database(LedgerDatabase.template(journals: 2)))
struct ExpiryTests {
    private func withClock(_ body: (LedgerStore, TestClock) async throws -> Void) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { try await body($0, clock) }
    }

    /// The types of an account's events after a sequence.
    private func types(_ tenant: Tenant, after sequence: Int64, in store: LedgerStore) async throws -> [EventType] {
        try await store.events(of: tenant.account, after: sequence).map(\.content.type)
    }

    @Test("a hold that expired is released by its policy for the next run that needs its credits")
    func releasedHold() async throws {
        try await withClock { store, clock in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 1))
            let lost = tenant.newExecution()
            _ = try await store.submit(tenant.admit(lost, deadlineSeconds: 10, unresolvedHoldSeconds: 20))
            clock.advance(seconds: 29)
            let early = try await store.submit(tenant.admit()).refusal
            #expect(early == .insufficientCredits(required: Credits(whole: 1), available: .zero))
            #expect(try await store.expiredHolds(in: tenant.journal, by: clock.now).isEmpty)

            clock.advance(seconds: 2)
            #expect(try await store.expiredHolds(in: tenant.journal, by: clock.now).map(\.hold.executionID) == [lost])
            let before = try #require(try await store.state(of: tenant.account)?.account?.sequence)
            #expect(try await store.submit(tenant.admit()).admission != nil)
            #expect(
                try await types(tenant, after: before, in: store) == [
                    .requestReceived, .capabilityGranted, .executionFailed, .creditsReleased, .creditsHeld,
                ]
            )
            let events = try await store.events(of: tenant.account, after: before)
            #expect(events[2].content.detail?["by"]?.stringValue == "policy")
            #expect(events[2].content.executionID == lost)
            let late = try await store.submit(tenant.succeed(lost, cost: Credits(whole: 1))).settlement
            #expect(late?.isRepeat == true)
            #expect(late?.execution.status == .failed)
            #expect(late?.execution.charged == .zero)
            try await expectSound(store)
        }
    }

    @Test("a hold whose policy is to charge is debited when it has expired, and the next run is refused for certain")
    func chargedHold() async throws {
        try await withClock { store, clock in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 1))
            let lost = tenant.newExecution()
            _ = try await store.submit(
                tenant.admit(lost, deadlineSeconds: 10, unresolvedHoldSeconds: 20, policy: .charge)
            )
            clock.advance(seconds: 31)
            #expect(try await store.submit(tenant.admit()).refusal != nil)
            let account = try #require(try await store.state(of: tenant.account)?.account)
            #expect(account.posted == .zero)
            #expect(account.held == .zero)
            #expect(try await store.execution(lost, of: tenant.account)?.charged == Credits(whole: 1))
            try await expectSound(store)
        }
    }

    @Test("a grant run on an expired hold can be run again")
    func expiredGrantHold() async throws {
        try await withClock { store, clock in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 5))
            try await store.succeed(tenant.issueGrant(.runs(1)))
            let lost = tenant.newExecution()
            _ = try await store.submit(tenant.admit(lost, deadlineSeconds: 10, unresolvedHoldSeconds: 0))
            clock.advance(seconds: 9)
            #expect(
                try await store.submit(tenant.admit()).refusal == .grantExhausted(.runs(granted: 1, used: 1))
            )
            clock.advance(seconds: 2)
            #expect(try await store.submit(tenant.admit()).admission?.grantID != nil)
            #expect(try await store.execution(lost, of: tenant.account)?.status == .failed)
            #expect(try await store.state(of: tenant.account)?.account?.posted == Credits(whole: 5))
            try await expectSound(store)
        }
    }

    @Test("an expired hold is left alone by a run that has credits enough")
    func notNeeded() async throws {
        try await withClock { store, clock in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 2))
            let lost = tenant.newExecution()
            _ = try await store.submit(tenant.admit(lost, deadlineSeconds: 1, unresolvedHoldSeconds: 1))
            clock.advance(seconds: 100)
            #expect(try await store.submit(tenant.admit()).admission != nil)
            #expect(try await store.execution(lost, of: tenant.account)?.status == .admitted)
            // Its answer came late, but before anybody needed the credits: it counts.
            let settlement = try await store.submit(tenant.succeed(lost, cost: Credits(whole: 1))).settlement
            #expect(settlement?.isRepeat == false)
            try await expectSound(store)
        }
    }

    @Test("2,500 expired holds of one account, in a batch with another's, all give their credits back at once")
    func manyExpiredHolds() async throws {
        try await withClock { store, clock in
            let journal = JournalID(0)
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 2_500), journal: journal)
            let other = try await Tenant.open(in: store, credits: Credits(whole: 1), journal: journal)
            let runs = ((0..<2_500).map { _ in tenant } + [other]).map {
                $0.admit(deadlineSeconds: 10, unresolvedHoldSeconds: 10)
            }
            #expect(try await store.submitAtOnce(runs).allSatisfy { $0.admission != nil })
            clock.advance(seconds: 21)
            let verdicts = try await store.submitAtOnce([tenant.admit(quote: Credits(whole: 2_500)), other.admit()])
            #expect(verdicts.allSatisfy { $0.admission != nil }, "\(verdicts)")
            #expect(try await count("SELECT count(*) FROM ledger.holds") == 2)
            try await expectSound(store)
        }
    }

    @Test("what is left in an expired pot goes before the first run that would have drawn on it, other pots stay")
    func expiredPot() async throws {
        try await withClock { store, clock in
            let tenant = try await Tenant.open(in: store)
            let plan = tenant.addCredits(
                Credits(whole: 3),
                kind: .plan,
                expiresAt: clock.now.adding(seconds: 60)
            )
            try await store.succeed(plan)
            try await store.succeed(tenant.addCredits(Credits(whole: 2)))
            clock.advance(seconds: 60)
            let refusal = try await store.submit(tenant.admit(quote: Credits(whole: 5))).refusal
            #expect(refusal == .insufficientCredits(required: Credits(whole: 5), available: Credits(whole: 2)))
            #expect(
                try await types(tenant, after: 4, in: store) == [
                    .requestReceived, .capabilityGranted, .creditsExpired, .creditsRefused,
                ]
            )
            #expect(try await store.submit(tenant.admit(quote: Credits(whole: 2))).admission != nil)
            #expect(try await store.allEvents(of: tenant.account).count { $0.content.type == .creditsExpired } == 1)
            try await expectSound(store)
        }
    }

    @Test("credits on hold outlive their pot's expiry, and go when they come back to it")
    func heldFromExpiredPot() async throws {
        try await withClock { store, clock in
            let tenant = try await Tenant.open(in: store)
            try await store.succeed(
                tenant.addCredits(Credits(whole: 3), expiresAt: clock.now.adding(seconds: 60))
            )
            let (paid, failed) = (tenant.newExecution(), tenant.newExecution())
            for execution in [paid, failed] { _ = try await store.submit(tenant.admit(execution)) }
            clock.advance(seconds: 100)
            let settlement = try await store.submit(tenant.succeed(paid, cost: Credits(whole: 1))).settlement
            #expect(settlement?.execution.charged == Credits(whole: 1))
            _ = try await store.submit(tenant.fail(failed))
            #expect(
                try await store.submit(tenant.admit()).refusal
                    == .insufficientCredits(required: Credits(whole: 1), available: .zero)
            )
            let account = try #require(try await store.state(of: tenant.account)?.account)
            #expect(account.posted == .zero)
            #expect(account.held == .zero)
            try await expectSound(store)
        }
    }

    @Test("an account closes once its last hold has expired, and not before")
    func closing() async throws {
        try await withClock { store, clock in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 3))
            _ = try await store.submit(tenant.admit(deadlineSeconds: 10, unresolvedHoldSeconds: 10))
            #expect(try await store.submit(tenant.command(.closeAccount)).refusal == .accountInUse)
            clock.advance(seconds: 21)
            #expect(try await store.submit(tenant.command(.closeAccount)) == .done)
            #expect(try await store.submit(tenant.admit()).refusal == .unauthorized)
            try await expectSound(store)
        }
    }

    @Test("a sweeper may end an expired hold, and only an expired one")
    func sweeping() async throws {
        try await withClock { store, clock in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 3))
            let execution = tenant.newExecution()
            let hold = try #require(
                try await store.submit(tenant.admit(execution, deadlineSeconds: 10, unresolvedHoldSeconds: 10))
                    .admission
            )
            #expect(try await store.submit(tenant.command(.expireHold(hold.holdID))).refusal == .holdNotExpired)
            clock.advance(seconds: 21)
            #expect(try await store.submit(tenant.command(.expireHold(hold.holdID))) == .done)
            #expect(try await store.submit(tenant.command(.expireHold(hold.holdID))) == .alreadyDone)
            #expect(try await store.state(of: tenant.account)?.account?.available == Credits(whole: 3))
            try await expectSound(store)
        }
    }
}
