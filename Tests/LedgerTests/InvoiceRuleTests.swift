import Ledger
import Testing

/// The rules of recording invoices and of resolving their differences, and the form of their events.
@Suite("Recording invoices") struct InvoiceRuleTests {
    private static let house = AccountID.house(of: JournalID(0), journalCount: 16)
    private static let importID = InvoiceImportID(Identifier128(high: 1, low: 2))

    private func command(_ number: UInt64, _ action: Command.Action, account: AccountID = house) -> Command {
        Command(
            id: CommandID(Identifier128(high: 9, low: number)),
            accountID: account,
            actor: Actor("operator:ann"),
            action: action
        )
    }

    private func invoice(
        classes: [InvoiceClass] = [
            InvoiceClass(outcome: .matched, count: 3, billed: 31, booked: 30),
            InvoiceClass(outcome: .missingWithThem, count: 1, billed: 0, booked: 7),
        ],
        provider: String = "fal",
        days: (String, String) = ("2027-01-01", "2027-01-31"),
        positions: [Int64] = [5, 0],
        after: Timestamp? = nil
    ) -> Command.Action {
        .recordInvoice(
            RecordInvoice(
                importID: Self.importID,
                provider: provider,
                invoice: "A-1",
                fromDay: days.0,
                untilDay: days.1,
                file: .zero,
                result: .zero,
                kept: Digest(of: [1]),
                positions: positions,
                classes: classes,
                after: after
            )
        )
    }

    private func resolution(
        items: [Int64] = [4],
        reason: String = "agreed",
        after: Timestamp?
    ) -> Command.Action {
        .resolveSuspense(
            ResolveSuspense(
                importID: Self.importID,
                items: items,
                microUSD: -7,
                resolution: .accepted,
                reason: reason,
                after: after
            )
        )
    }

    private let moment = Timestamp(rfc3339: "2027-02-01T00:00:00Z")!

    @Test("an import opens the house's account, says what was found, and once; so does a resolution")
    func events() throws {
        var state = LedgerState()
        let decision = state.perform(command(1, invoice()), at: moment)
        #expect(decision.verdict == .done)
        #expect(
            decision.events.map(\.type) == [.accountOpened, .invoiceImported, .invoiceCompared, .invoiceCompared]
        )
        #expect(
            decision.events.last?.detail?.text
                == #"{"actor":"operator:ann","billed":"0","booked":"7","count":1,"#
                + #""import":"\#(Self.importID)","microusd":"-7","outcome":"missing_with_them"}"#
        )
        let imported = try #require(decision.events[1].detail)
        #expect(imported["kept"]?.stringValue == "\(Digest(of: [1]))")
        #expect(state.perform(command(1, invoice()), at: moment).verdict == .alreadyDone)
        // Whoever did not see the first one is too late, also before the writer has numbered its events.
        let last = state.account?.lastRecordedAt
        #expect(state.perform(command(2, invoice()), at: moment).verdict == .refused(.invoiceInvalid, window: nil))
        let resolved = state.perform(command(3, resolution(after: last)), at: moment)
        #expect(resolved.verdict == .done && resolved.events.map(\.type) == [.suspenseResolved])
        #expect(
            resolved.events.last?.detail?.text
                == #"{"actor":"operator:ann","as":"accepted","import":"\#(Self.importID)","items":[4],"#
                + #""microusd":"-7","reason":"agreed"}"#
        )
    }

    @Test("what is not the house's, not in order, too long or overtaken is refused, and leaves no event")
    func refusals() {
        var state = LedgerState()
        _ = state.perform(command(1, invoice()), at: moment)
        let last = state.account?.lastRecordedAt
        let early = Timestamp(microseconds: moment.microseconds - 1)
        let stranger = AccountID(Identifier128(high: 1, low: 2))
        let none = InvoiceClass(outcome: .duplicate, count: -1, billed: 0, booked: 0)
        let wrong: [Command] = [
            command(2, invoice(after: early)), command(2, invoice(provider: "", after: last)),
            command(2, invoice(days: ("2027-01-02", "2027-01-01"), after: last)),
            command(2, invoice(positions: [], after: last)), command(2, invoice(classes: [none], after: last)),
            command(2, invoice(classes: [none, none], after: last)), command(2, resolution(items: [], after: last)),
            command(2, resolution(items: [2, 1], after: last)), command(2, resolution(items: [0], after: last)),
            command(2, resolution(items: Array(1...501), after: last)), command(2, resolution(after: early)),
        ]
        for command in wrong {
            let decision = LedgerState.decide(state, command, at: moment)
            #expect(decision.verdict == .refused(.invoiceInvalid, window: nil) && decision.events.isEmpty)
        }
        for reason in ["", String(repeating: "x", count: 501)] {
            let decision = LedgerState.decide(state, command(2, resolution(reason: reason, after: last)), at: moment)
            #expect(decision.verdict == .refused(.reasonInvalid, window: nil) && decision.events.isEmpty)
        }
        let other = LedgerState.decide(LedgerState(), command(2, invoice(), account: stranger), at: moment)
        #expect(other.verdict == .refused(.invoiceInvalid, window: nil))
    }
}
