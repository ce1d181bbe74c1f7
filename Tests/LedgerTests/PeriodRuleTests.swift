import Ledger
import Testing

/// The rules of closing a month, and the one form of its event.
@Suite("Closing a month") struct PeriodRuleTests {
    private static let house = AccountID.house(of: JournalID(2), journalCount: 16)
    private struct NoObject: Error {}

    private static let february = Timestamp(rfc3339: "2026-02-01T00:00:00Z")!

    private func command(
        _ number: UInt64 = 1,
        account: AccountID = house,
        through: Int64 = 5,
        totals: [PeriodTotal] = [
            PeriodTotal(account: "Income:Runs", units: -3), PeriodTotal(account: "Liabilities:Credits:Held", units: 3),
        ],
        month: String = "2026-01",
        root: Digest? = Digest.zero,
        after: Timestamp? = nil
    ) -> Command {
        let close = ClosePeriod(
            month: CalendarMonth(month)!,
            through: through,
            headHash: Digest.zero,
            root: root,
            totals: totals,
            after: after
        )
        return Command(
            id: CommandID(Identifier128(high: 9, low: number)),
            accountID: account,
            actor: Actor("operator:ann"),
            action: .closePeriod(close)
        )
    }

    @Test("the first close opens the house's account, and says all that it froze")
    func event() throws {
        var state = LedgerState()
        let decision = state.perform(command(), at: Self.february)
        #expect(decision.verdict == .done)
        #expect(decision.events.map(\.type) == [.accountOpened, .periodClosed])
        let zeros = String(repeating: "0", count: 64)
        #expect(
            decision.events.last?.detail?.text
                == #"{"actor":"operator:ann","hash":"\#(zeros)","month":"2026-01","#
                + #""root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","through":5,"#
                + #""totals":[["Income:Runs","-3"],["Liabilities:Credits:Held","3"]]}"#
        )
        #expect(state.account?.isApproved == false && state.keys.isEmpty)
        // Given again, it changes nothing; given after another close, also one of the same batch, it is void.
        #expect(state.perform(command(), at: Self.february).verdict == .alreadyDone)
        let march = Timestamp(rfc3339: "2026-03-01T00:00:00Z")!
        let before = state.account?.sequence
        let next = command(2, month: "2026-02")
        #expect(state.perform(next, at: march).verdict == .refused(.periodInvalid, window: nil))
        #expect(state.account?.sequence == before)
        let informed = command(3, month: "2026-02", after: state.account?.lastRecordedAt)
        #expect(state.perform(informed, at: march).verdict == .done)
    }

    @Test("a close from before roots were frozen is read without one; a root that is none is not read")
    func roots() throws {
        var state = LedgerState()
        let old = state.perform(command(root: nil), at: Self.february)
        var closing = try #require(old.events.last)
        #expect(closing.detail?["root"] == nil)
        let event = { (content: EventContent) in
            Event(sealing: content, journal: JournalID(2), position: 6, sequence: 2, previousHash: .zero)
        }
        #expect(try #require(ClosedPeriod(event(closing))).root == nil)
        let new = LedgerState.decide(LedgerState(), command(root: Digest(of: [7])), at: Self.february)
        closing = try #require(new.events.last)
        #expect(ClosedPeriod(event(closing))?.root == Digest(of: [7]))
        guard case .object(let members) = try #require(closing.detail) else { throw NoObject() }
        closing.detail = .sorted(members.map { $0.key == "root" ? .init("root", .string("AAAA")) : $0 })
        #expect(ClosedPeriod(event(closing)) == nil)
    }

    @Test(
        "a close is refused for an account that is not the house's, a month that is not over, or numbers out of order"
    )
    func refusals() {
        let totals = [PeriodTotal(account: "B", units: 0), PeriodTotal(account: "A", units: 0)]
        let stranger = AccountID(Identifier128(high: 1, low: 2))
        let wrong: [(Command, Timestamp)] = [
            (command(account: stranger), Self.february), (command(totals: totals), Self.february),
            (command(through: -1), Self.february), (command(after: Self.february), Self.february),
            (command(), Timestamp(microseconds: Self.february.microseconds - 1)),
        ]
        for (command, moment) in wrong {
            let decision = LedgerState.decide(LedgerState(), command, at: moment)
            #expect(decision.verdict == .refused(.periodInvalid, window: nil))
            #expect(decision.events.isEmpty)
        }
    }

    @Test("every journal has a house account of its own", arguments: [Int16(1), 3, 16, 4_096])
    func accounts(journalCount: Int16) {
        for number in Set([0, journalCount / 2, journalCount - 1]) {
            let account = AccountID.house(of: JournalID(number), journalCount: journalCount)
            #expect(account.journal(of: journalCount) == JournalID(number))
            #expect(account.isHouse)
        }
    }
}
