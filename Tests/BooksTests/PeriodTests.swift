import Administration
import Books
import HistoryTestSupport
import Ledger
import LedgerStore
import LedgerTestSupport
import LocalCluster
import Registry
import TestSupport
import Testing
import TransparencyLog

/// Months of the books: closed over random histories, listed, checked, and found out when something in them is changed.
@Suite("Periods", .gated, .database(StoredLedger.template))
struct PeriodTests {
    private static let call = AdminCall(
        actor: Actor("operator:ann")!,
        requestID: nil,
        commandID: CommandID(FreshID.bits())
    )
    // Long after the histories, and a moment that the journals' clock is at too.
    private static let now = Timestamp(rfc3339: "2027-06-15T12:00:00Z")!
    private static let months = (CalendarMonth("2026-01")!, CalendarMonth("2026-02")!)

    private func withDesk(_ body: (AdminDesk, LedgerStore) async throws -> Void) async throws {
        var settings = StoreSettings()
        settings.clock = { Self.now }
        try await withStore(settings) { store in
            try await body(AdminDesk(store: store, models: nil, clock: { Self.now }), store)
        }
    }

    @Test("a closed month freezes positions, hashes and totals, and what comes later belongs to the next")
    func closing() async throws {
        let ledger = RandomLedger(seed: 44, journalCount: StoredLedger.journalCount, eventCount: 3_000)
        try await StoredLedger.store(ledger)
        let (january, february) = Self.months
        try await withDesk { desk, store in
            let closed = try await desk.closePeriod(january, Self.call)
            #expect(closed.count == Int(StoredLedger.journalCount))
            for period in closed {
                let events = ledger.journals[Int(period.journal.number)].prefix { $0.content.recordedAt < january.end }
                #expect(period.through == Int64(events.count))
                #expect(period.headHash == events.reduce(Digest.zero) { $0.chained(with: $1.hash) })
                var edge = RightEdge()
                for event in events { edge.append(event.hash) }
                #expect(period.root == edge.root)
                var books = TrialBalance()
                for event in events { try books.add(event.content) }
                #expect(period.totals.count == BookAccount.allCases.count)
                for total in period.totals {
                    let book = try #require(BookAccount(rawValue: total.account))
                    #expect(total.units == books.totals[book, default: 0], "\(total.account)")
                }
            }
            // Again changes nothing; what is not next, or not over, is refused.
            let heads = try await psql("SELECT journal, position FROM ledger.journals")
            #expect(try await desk.closePeriod(january, Self.call) == closed)
            await expectInvalid(desk, "2026-03", "2026-01 is closed, so the next one to close is 2026-02")
            await expectInvalid(desk, "2025-12", "2026-01 is closed, so the next one to close is 2026-02")
            await expectInvalid(desk, "2027-06", "it is not over: it ends at 2027-07-01T00:00:00.000000Z")
            #expect(try await psql("SELECT journal, position FROM ledger.journals") == heads)
            _ = try await desk.closePeriod(february, Self.call)
            #expect(try await desk.periods().map(\.month) == [january, february, january, february, january, february])
            #expect(try await desk.checkPeriods().isEmpty)
            try await expectSound(store)
            for number in 0..<StoredLedger.journalCount { _ = try await store.rebuild(JournalID(number)) }
            try await expectSound(store)
            try await expectMonths(desk, store, ledger)
        }
    }

    /// A correction of a closed month is in the month in which it was recorded; the closed ones stay as they were.
    private func expectMonths(_ desk: AdminDesk, _ store: LedgerStore, _ ledger: RandomLedger) async throws {
        let frozen = "SELECT * FROM ledger.trial_by_month WHERE is_closed ORDER BY month, book"
        let before = try await psql(frozen)
        #expect(before.contains("2026-01\t") && before.contains("2026-02\t"))
        let (account, state) = try #require(
            ledger.states.first { $0.value.account?.isClosed == false && !$0.value.pots.isEmpty }
        )
        let pot = try #require(state.pots.values.first { $0.expiresAt == nil } ?? state.pots.values.first)
        let correction = AdjustCredits(
            potID: pot.id,
            amount: Credits(whole: 7),
            reason: "January was wrong",
            correctsSequence: 3
        )
        let command = Command(id: CommandID(FreshID.bits()), accountID: account, action: .adjustCredits(correction))
        try await store.succeed(command)
        #expect(try await psql(frozen) == before)
        let corrected = """
            SELECT month, units FROM ledger.trial_by_month
            WHERE book = 'Expenses:Corrections' AND month = '2027-06' AND NOT is_closed
            """
        #expect(try await psql(corrected) == "2027-06\t7000000")
        let difference = """
            SELECT count(*) FROM (
                SELECT book, sum(units) AS units FROM ledger.trial_by_month GROUP BY book
                EXCEPT SELECT name, units FROM ledger.trial_balance()
            ) AS different WHERE units <> 0
            """
        #expect(try await count(difference) == 0)
        let (exit, output) = try await Report.run("months", [])
        #expect(exit == .exited(code: 0) && output.contains("2026-02 | closed") && output.contains("2027-06 | open"))
        // Whoever changes an event of a closed month is found out, and so is who changes what was frozen.
        try await tamper(
            """
            UPDATE ledger.events SET amount = amount + 1 WHERE journal = 1 AND position = (
                SELECT min(first.position) FROM ledger.events first WHERE first.journal = 1 AND first.amount > 0
            )
            """
        )
        try await tamper(
            """
            UPDATE ledger.events SET detail = regexp_replace(detail, '"root":"....', '"root":"AAAA')
            WHERE journal = 2 AND type = 'period.closed' AND detail::jsonb ->> 'month' = '2026-02'
            """
        )
        let findings = try await desk.checkPeriods()
        #expect(findings.map(\.journal) == [JournalID(1), JournalID(2)])
        #expect(findings.map(\.month) == [Self.months.0, Self.months.1])
        #expect(findings.first?.message.contains("running hash") == true)
        #expect(findings.last?.message.contains("the root over the events") == true)
    }

    @Test(
        "who closes months at once, in one process or two, closes them in order and once",
        arguments: [UInt64(1), 2, 3, 4]
    )
    func closingAtOnce(seed: UInt64) async throws {
        try await StoredLedger.store(
            RandomLedger(seed: seed, journalCount: StoredLedger.journalCount, eventCount: 300)
        )
        let months = ["2026-01", "2026-02", "2026-03"].map { CalendarMonth($0)! }
        try await withDesk { one, store in
            try await withDesk { other, _ in
                for _ in 0..<3 {
                    let failures = await withTaskGroup(of: AdminFailure?.self) { tasks in
                        for desk in [one, other] {
                            for month in months.reversed() + months {
                                tasks.addTask { await Self.failure(desk, month) }
                            }
                        }
                        return await tasks.reduce(into: [AdminFailure?]()) { $0.append($1) }
                    }
                    #expect(failures.contains(nil))
                    for failure in failures.compactMap({ $0 }) {
                        guard case .invalid(let issues) = failure else { throw failure }
                        #expect(issues.map(\.field) == ["month"])
                        #expect(issues.first?.message.contains("next one to close") == true, "\(issues)")
                    }
                }
            }
            // Whichever was first is the first in every journal, and those after it can all be closed.
            let first = try #require(try await one.periods().map(\.month).min())
            var expected: [CalendarMonth] = []
            var month = first
            while month <= CalendarMonth("2026-04")! {
                _ = try await one.closePeriod(month, Self.call)
                expected.append(month)
                month = month.next
            }
            let closed = try await one.periods()
            for number in 0..<StoredLedger.journalCount {
                let own = closed.filter { $0.journal == JournalID(number) }
                #expect(own.map(\.month) == expected)
                #expect(own.map(\.closedBy) == own.map(\.closedBy).sorted())
            }
            #expect(try await one.checkPeriods().isEmpty)
            try await expectSound(store)
        }
    }

    private static func failure(_ desk: AdminDesk, _ month: CalendarMonth) async -> AdminFailure? {
        do throws(AdminFailure) {
            _ = try await desk.closePeriod(month, call)
            return nil
        } catch {
            return error
        }
    }

    @Test("a close from before roots were frozen stays valid, and the next one has a root")
    func closedWithoutARoot() async throws {
        let ledger = RandomLedger(seed: 9, journalCount: StoredLedger.journalCount, eventCount: 300)
        try await StoredLedger.store(ledger)
        let (january, february) = Self.months
        try await withDesk { desk, store in
            let closed = try await desk.closePeriod(january, Self.call)
            for period in try await desk.closePeriod(february, Self.call) { #expect(period.root != nil) }
            // The next one as it was recorded then.
            let march = CalendarMonth("2026-03")!
            for period in closed {
                let house = AccountID.house(of: period.journal, journalCount: store.journalCount)
                let events = ledger.journals[Int(period.journal.number)].prefix { $0.content.recordedAt < march.end }
                var books = TrialBalance()
                for event in events { try books.add(event.content) }
                let close = ClosePeriod(
                    month: march,
                    through: Int64(events.count),
                    headHash: events.reduce(Digest.zero) { $0.chained(with: $1.hash) },
                    root: nil,
                    totals: BookAccount.allCases
                        .map { PeriodTotal(account: $0.rawValue, units: books.totals[$0, default: 0]) }
                        .sorted { $0.account < $1.account },
                    after: try await store.state(of: house)?.account?.lastRecordedAt
                )
                try await store.succeed(
                    Command(
                        id: CommandID(FreshID.bits()),
                        accountID: house,
                        actor: Self.call.actor,
                        action: .closePeriod(close)
                    )
                )
            }
            let old = try await desk.closePeriod(march, Self.call)
            #expect(old.allSatisfy { $0.root == nil && $0.json["root"] == .null })
            #expect(try await desk.closePeriod(march.next, Self.call).allSatisfy { $0.root != nil })
            #expect(try await desk.checkPeriods().isEmpty)
            let kept = "SELECT count(*) FROM ledger.closed_periods WHERE month = '2026-03' AND root IS NULL"
            #expect(try await count(kept) == Int(StoredLedger.journalCount))
            try await expectSound(store)
        }
    }

    private func expectInvalid(_ desk: AdminDesk, _ month: String, _ message: String) async {
        await #expect(throws: AdminFailure.invalid([FieldIssue(field: "month", message: message)])) {
            try await desk.closePeriod(CalendarMonth(month)!, Self.call)
        }
    }
}
