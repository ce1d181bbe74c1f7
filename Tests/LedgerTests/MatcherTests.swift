import HistoryTestSupport
import Ledger
import Testing

@testable import Reconciliation

/// Goal: a comparison finds every mismatch of an invoice and nothing else. Method: invoices are made of random runs and a known
/// set of mismatches of every class.
@Suite("Comparing invoices") struct MatcherTests {
    private static let first = Day("2027-01-01")!
    private static let tolerance = Tolerance(absoluteMicroUSD: 3, relativeMillionths: 0)

    private static func id(_ number: Int) -> Identifier128 { Identifier128(high: 7, low: UInt64(number)) }

    private static func charge(
        _ number: Int,
        request: String? = nil,
        day: Day = first,
        model: String = "painter",
        vendorModel: String? = nil,
        booked: Int64 = 100,
        standing: Charge.Standing = .owed
    ) -> Charge {
        Charge(
            journal: JournalID(0),
            accountID: AccountID(id(1)),
            executionID: ExecutionID(id(number)),
            requestID: request,
            day: day,
            model: model,
            providerModel: vendorModel,
            booked: booked,
            standing: standing
        )
    }

    private static func charges(seed: UInt64) -> [Charge] {
        var random = SplitMix64(seed: seed)
        return (1...3_000).map { number in
            let model = ["painter", "singer", "bulk-text", "bulk-code"].randomElement(using: &random)!
            return charge(
                number,
                request: model == "bulk-code" ? nil : "r-\(number)",
                day: Day(number: first.number + Int64.random(in: 0..<20, using: &random)),
                model: model,
                booked: Int.random(in: 0..<10, using: &random) == 0 ? 0 : Int64.random(in: 10..<90_000, using: &random)
            )
        }
    }

    @Test("seeded mismatches are all found and nothing else", arguments: UInt64(1)...8)
    func seeded(seed: UInt64) throws {
        let charges = Self.charges(seed: seed)
        let invoice = SeededInvoice(of: charges, seed: seed, limit: Self.tolerance.absoluteMicroUSD)
        var reader = InvoiceReader(
            try InvoiceMapping(yaml: SeededInvoice.mapping, name: "test"),
            provider: "fal",
            currency: nil
        )
        try reader.read(Array(invoice.csv.utf8))
        let file = try reader.finish()
        let last = Day(number: Self.first.number + 19)
        let found = Matcher.reconcile(file.lines, with: charges, period: Self.first...last, tolerance: Self.tolerance)
        let findings = SeededInvoice.findings(found.items)
        #expect(findings == invoice.findings, "\(Set(findings).symmetricDifference(invoice.findings).prefix(5))")
        #expect(found.items.map(\.number) == Array(1...found.items.count))
        let counts = Dictionary(grouping: findings, by: \.outcome).mapValues(\.count)
        for outcome in InvoiceOutcome.allCases { #expect(counts[outcome, default: 0] > 5, "\(outcome)") }
        // The books: what is billed in all is what was booked in all and every difference.
        #expect(found.classes.reduce(0) { $0 + $1.billed } == file.billed)
        #expect(found.classes.reduce(0) { $0 + $1.booked } == charges.reduce(0) { $0 + $1.booked })
        let again = Matcher.reconcile(
            file.lines,
            with: charges.shuffled(),
            period: Self.first...last,
            tolerance: Self.tolerance
        )
        #expect(again.digest == found.digest)
    }

    @Test("what earlier invoices have said counts: billed before, lacked before, decided before")
    func earlier() throws {
        let before = InvoiceImportID(Self.id(99))
        let suspense = SuspenseItem(importID: before, number: 4)
        let charges = [
            Self.charge(1, request: "a", standing: .billed),
            Self.charge(2, request: "b", standing: .suspended(suspense)),
            Self.charge(3, request: "c", standing: .dropped), Self.charge(4, request: "d", standing: .billed),
            Self.charge(5, request: "e", standing: .suspended(suspense)),
            Self.charge(6, model: "bulk", standing: .billed),
        ]
        func line(
            _ number: Int,
            _ request: String?,
            part: String = "",
            model: String = "painter",
            _ billed: Int64 = 100
        )
            -> InvoiceLine
        {
            InvoiceLine(
                line: number,
                requestID: request,
                part: part,
                day: Self.first,
                model: model,
                billed: billed
            )
        }
        var earlier = Matcher.Earlier()
        earlier.parts[InvoicePart(requestID: "a", part: "")] = before
        earlier.parts[InvoicePart(requestID: "d", part: "")] = before
        earlier.days[DayModel(day: Self.first, model: "bulk")] = before
        let found = Matcher.reconcile(
            [
                line(2, "a"), line(3, "b"), line(4, "c"), line(5, "d", part: "output", 7), line(6, "d", -100),
                line(7, nil, model: "bulk"),
            ],
            with: charges,
            period: Self.first...Self.first,
            tolerance: Self.tolerance,
            earlier: earlier
        )
        let outcomes: [InvoiceOutcome] = [.duplicate, .matched, .missingWithUs, .priceDiffers, .duplicate]
        // What an earlier invoice lacked is not missing again, and neither is what was billed.
        #expect(found.items.map(\.outcome) == outcomes)
        #expect(found.items.map(\.difference) == [100, 0, 100, -93, 100])
        #expect(found.items.map(\.earlier) == [before, nil, nil, nil, before])
        #expect(found.arrived == [suspense])
    }

    @Test("days are compared under our name of a model or the provider's, each run once")
    func names() {
        let charges = [
            Self.charge(1, model: "big", vendorModel: "a/big-2"),
            Self.charge(2, model: "small", vendorModel: "a/big-2"),
            Self.charge(3, model: "other", vendorModel: "v/other", booked: 7),
        ]
        func line(_ number: Int, _ model: String, _ billed: Int64) -> InvoiceLine {
            InvoiceLine(line: number, requestID: nil, day: Self.first, model: model, billed: billed)
        }
        func found(_ lines: [InvoiceLine]) -> [SeededInvoice.Finding] {
            let period = Self.first...Self.first
            return SeededInvoice.findings(
                Matcher.reconcile(lines, with: charges, period: period, tolerance: Self.tolerance).items
            )
        }
        let day = "\(Self.first)"
        #expect(
            found([line(2, "a/big-2", 200), line(3, "v/other", 7)]) == [
                .init(.matched, "\(day) a/big-2", billed: 200, booked: 200),
                .init(.matched, "\(day) v/other", billed: 7, booked: 7),
            ]
        )
        #expect(
            found([line(2, "small", 100), line(3, "a/big-2", 100), line(4, "other", 7)]) == [
                .init(.matched, "\(day) a/big-2", billed: 100, booked: 100),
                .init(.matched, "\(day) other", billed: 7, booked: 7),
                .init(.matched, "\(day) small", billed: 100, booked: 100),
            ]
        )
    }

    @Test("runs outside of the period are found when they are named, and are not missing when they are not")
    func period() {
        let late = Day(number: Self.first.number + 1)
        let charges = [Self.charge(1, request: "a", day: late), Self.charge(2, request: "b", day: late)]
        let line = InvoiceLine(line: 2, requestID: "a", day: Self.first, model: nil, billed: 100)
        let found = Matcher.reconcile(
            [line],
            with: charges,
            period: Self.first...Self.first,
            tolerance: Self.tolerance
        )
        #expect(found.items.map(\.outcome) == [.matched] && found.items[0].model == "painter")
    }
}
