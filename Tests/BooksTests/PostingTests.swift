import Books
import HistoryTestSupport
import Ledger
import Testing

/// The books over random histories, without a database.
@Suite("Postings") struct PostingTests {
    @Test("every event balances, the books balance at every position, and say what the fold says", arguments: 1...6)
    func balance(seed: Int) throws {
        let ledger = RandomLedger(seed: UInt64(seed), journalCount: 2, eventCount: 3_000)
        var books = TrialBalance()
        var posted: [PostingRule: Int] = [:]
        for event in ledger.journals.joined() {
            let postings = try Posting.postings(of: event.content)
            for commodity in Commodity.allCases {
                let sum = postings.filter { $0.commodity == commodity }.reduce(0) { $0 + $1.units }
                try #require(sum == 0, "\(event.content)")
            }
            for rule in PostingRule.all where rule.type == event.content.type {
                if postings.contains(where: { $0.book == rule.debit }),
                    postings.contains(where: { $0.book == rule.credit })
                {
                    posted[rule, default: 0] += 1
                }
            }
            try books.add(event.content)
            for commodity in Commodity.allCases {
                try #require(books.difference(in: commodity) == 0, "journal \(event.journal), \(event.position)")
            }
        }
        // Invoices are of no account's history: ReconciliationTests import them.
        let house: Set<EventType> = [.invoiceCompared, .suspenseResolved]
        for rule in PostingRule.all
        where rule.condition != .refund && rule.type != .creditsShort && !house.contains(rule.type) {
            #expect(posted[rule, default: 0] > 0, "nothing posted by \(rule)")
        }
        try expectFold(ledger, books)
    }

    /// Pots, holds and grants as the rules know them, against the books.
    private func expectFold(_ ledger: RandomLedger, _ books: TrialBalance) throws {
        var expected: [String: Int64] = [:]
        var charged: Int64 = 0
        for (account, state) in ledger.states {
            for pot in state.pots.values {
                let place = "A-\(account):P-\(pot.id)"
                expected["Liabilities:Credits:Available:\(place)"] = -pot.remaining.microcredits
                expected["Liabilities:Credits:Held:\(place)"] = -pot.held.microcredits
            }
            for grant in state.grants.values { expected["Assets:Grants:Held:A-\(account):G-\(grant.id)"] = grant.held }
            // A workflow's charge is that of its nodes, which are executions of their own.
            charged += state.executions.values.filter { $0.workflowSlug == nil }
                .reduce(0) { $0 + $1.charged.microcredits }
        }
        let actual = books.units.filter { $0.key.contains(":A-") }
        #expect(actual == expected.filter { $0.value != 0 })
        #expect(books.totals[.incomeRuns] == -charged)
    }

    @Test(
        "amounts are written with all their decimals",
        arguments: [
            (Commodity.credit, Int64(1_500_000), "1.500000"), (.credit, -1, "-0.000001"), (.usd, 0, "0.000000"),
            (.usd, .min, "-9223372036854.775808"), (.grantRun, -3, "-3"),
        ]
    )
    func text(commodity: Commodity, units: Int64, text: String) { #expect(commodity.text(units) == text) }

    @Test("an event that says too little for its rule is refused")
    func damaged() throws {
        let account = AccountID(Identifier128(high: 1, low: 2))
        var event = EventContent(
            .creditsHeld,
            account: account,
            at: RandomHistory.midnight,
            command: CommandID(account.value)
        )
        #expect(throws: PostingError.self) { try Posting.postings(of: event) }
        event.type = .creditsAdded
        event.amount = Credits(whole: 1)
        #expect(throws: PostingError.self) { try Posting.postings(of: event) }
        event.detail = .object([.init("kind", .string("gift"))])
        #expect(throws: PostingError.self) { try Posting.postings(of: event) }
        event.detail = .object([.init("kind", .string("plan"))])
        #expect(try Posting.postings(of: event).count == 2)
    }

    @Test(
        "a month has a first and a last day",
        arguments: [
            ("2026-12", "2026-12-31", "2027-01"), ("2028-02", "2028-02-29", "2028-03"),
        ]
    )
    func months(text: String, lastDay: String, next: String) throws {
        let month = try #require(CalendarMonth(text))
        #expect(month.description == text)
        #expect(month.lastDay == lastDay)
        #expect(month.next.description == next)
        #expect(CalendarMonth(month.start) == month && CalendarMonth(month.end) == month.next)
        for wrong in ["2026-13", "2026-00", "26-01", "2026-1", "2026/01", "+026-01", "9999-01", ""] {
            #expect(CalendarMonth(wrong) == nil, "\(wrong)")
        }
    }
}
