import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

@Suite("Replay", .gated, .database(LedgerDatabase.template(journals: 2)))
struct ReplayTests {
    private func withHistory(_ body: (LedgerStore, Tenant, [Event]) async throws -> Void) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            let history = try await History.make(in: store, clock: clock)
            try await body(store, history.tenants[0], try await store.allEvents(of: history.tenants[0].account))
        }
    }

    @Test("the account as of any event, by sequence or by time, has the balance that the event recorded")
    func asOfEveryEvent() async throws {
        try await withHistory { store, tenant, events in
            #expect(events.count > 40)
            var compared = 0
            for event in events {
                let bySequence = try await store.replay(tenant.account, to: .sequence(event.sequence))
                let byTime = try await store.replay(tenant.account, to: .time(event.content.recordedAt))
                #expect(bySequence == byTime)
                #expect(bySequence.account?.sequence == event.sequence)
                #expect(bySequence.account?.headHash == event.hash)
                guard let balance = event.content.balanceAfter else { continue }
                #expect(bySequence.account?.posted == balance)
                #expect(bySequence.account?.held == event.content.heldAfter)
                compared += 1
            }
            #expect(compared > 10)
        }
    }

    @Test("a microsecond before an event is the state after the one before; before the first, nothing is known")
    func betweenEvents() async throws {
        try await withHistory { store, tenant, events in
            for (earlier, later) in zip(events, events.dropFirst()) {
                let moment = Timestamp(microseconds: later.content.recordedAt.microseconds - 1)
                let state = try await store.replay(tenant.account, to: .time(moment))
                #expect(state.account?.sequence == earlier.sequence)
            }
            let start = Timestamp(microseconds: events[0].content.recordedAt.microseconds - 1)
            #expect(try await store.replay(tenant.account, to: .time(start)).account == nil)
            #expect(try await store.replay(AccountID(FreshID.bits())).account == nil)
        }
    }

    @Test("a replay to the end visits every event with the state after it, and ends at the live rows")
    func toTheEnd() async throws {
        try await withHistory { store, tenant, events in
            var visited: [Event] = []
            let end = try await store.replay(tenant.account) { event, state in
                visited.append(event)
                #expect(state.account?.sequence == event.sequence)
            }
            #expect(visited == events)
            let live = try #require(try await store.state(of: tenant.account))
            #expect(end.account == live.account)
            #expect(end.grants == live.grants)
            #expect(end.windows == live.windows)
            #expect(end.pots.filter { $0.value.remaining.isPositive || $0.value.held.isPositive } == live.pots)
        }
    }

    @Test("a stream longer than a page is replayed to its end")
    func manyPages() async throws {
        try await withStore { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 1_000))
            // 3 to begin with, and 3 for each admission: 2,001 events are two full pages and one more.
            _ = try await store.submitAtOnce((0..<666).map { _ in tenant.admit() })
            let state = try await store.replay(tenant.account)
            #expect(state.account?.sequence == 2_001)
            #expect(state.account?.held == Credits(whole: 666))
        }
    }

    @Test("an event that is missing or was changed stops the replay, with its place", arguments: ["gone", "changed"])
    func damage(_ how: String) async throws {
        try await withHistory { store, tenant, events in
            let victim = events[20]
            let place = "journal = \(victim.journal) AND position = \(victim.position)"
            let change =
                how == "gone"
                ? "DELETE FROM ledger.events WHERE \(place)"
                : "UPDATE ledger.events SET request_id = gen_random_uuid() WHERE \(place)"
            try await tamper(change)
            let finding = try await #require(throws: VerificationFinding.self) {
                _ = try await store.replay(tenant.account)
            }
            #expect(finding.account == tenant.account)
            #expect(finding.position == (how == "gone" ? events[21].position : victim.position))
            // What came before is not affected.
            #expect(try await store.replay(tenant.account, to: .sequence(20)).account?.sequence == 20)
        }
    }

    @Test("an event that can't be read is told from a database that can't be asked")
    func unreadable() async throws {
        try await withHistory { store, tenant, events in
            try await tamper(
                """
                UPDATE ledger.events SET type = 'account.vanished'
                WHERE journal = \(tenant.journal) AND position = \(events[20].position)
                """
            )
            let error = try await storeError { try await store.replay(tenant.account) }
            #expect(error.code == .damaged)
        }
    }
}
