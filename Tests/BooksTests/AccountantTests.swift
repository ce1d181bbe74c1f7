import Books
import Foundation
import HistoryTestSupport
import Ledger
import LedgerTestSupport
import LocalCluster
import TestSupport
import Testing

/// Goal: Swift, SQL, Beancount and hledger keep the same books, to the unit, at the same position. Method: a random history
/// of several accounts is copied into a ledger and written out for each; `RUNLEDGER_BOOKS_EVENTS` asks for a longer one.
@Suite("Accountants", .gated, .database(StoredLedger.template))
struct AccountantTests {
    private static let eventCount =
        ProcessInfo.processInfo.environment["RUNLEDGER_BOOKS_EVENTS"].flatMap { Int($0) } ?? 20_000

    @Test("agree with each other to the unit after a random history, and each finds a changed unit")
    func agreement() async throws {
        let seed = Seed.announced(for: "accountants")
        let ledger = RandomLedger(
            seed: seed.value,
            journalCount: StoredLedger.journalCount,
            eventCount: Self.eventCount
        )
        try await StoredLedger.store(ledger)
        let books = try await expectPostings(of: ledger)
        try await expectTotalsAtPositions(of: ledger)
        try await expectProjections(books)
        try await withTemporaryFolder { folder in
            for accountant in Accountant.all {
                var text = PlainTextBooks(accountant.format)
                var pieces = [text.heading(title: "a random history")]
                for event in ledger.journals.joined() { pieces.append(try text.transaction(event)) }
                pieces.append(text.ending())
                #expect(text.balance == books)
                let whole = pieces.joined()
                let assertions = whole.split(separator: "\n").count { $0.contains(accountant.assertionMark) }
                #expect(assertions > text.balance.units.count)
                let file = "\(folder)/books.\(accountant.format)"
                try await expect(accountant, reads: whole, as: books, at: file)
            }
        }
    }

    /// Every posting, as Swift and as SQL derive it.
    private func expectPostings(of ledger: RandomLedger) async throws -> TrialBalance {
        var books = TrialBalance()
        var expected: [String] = []
        for event in ledger.journals.joined() {
            let postings = try Posting.postings(of: event.content)
            try books.add(postings)
            for posting in postings {
                let pot = posting.potID.map(\.description) ?? ""
                expected.append(
                    "\(event.journal)\t\(event.position)\t\(posting.line)\t\(posting.book.rawValue)\t\(posting.name)\t"
                        + "\(pot)\t\(posting.commodity.rawValue)\t\(posting.units)"
                )
            }
        }
        let found = try await psql(
            """
            SET ROLE runledger_finance;
            SELECT journal, position, line, book, name, pot_id, commodity, units FROM ledger.postings
            ORDER BY journal, position, line
            """
        ).split(separator: "\n").map(String.init)
        #expect(expected.count > Self.eventCount / 5)
        let difference = zip(expected, found).first { $0 != $1 }
        #expect(difference == nil && expected.count == found.count, "\(expected.count) in Swift, \(found.count) in SQL")
        return books
    }

    /// The trial balance at some positions, as Swift and as SQL sum it up.
    private func expectTotalsAtPositions(of ledger: RandomLedger) async throws {
        for share in [3, 7, 10] {
            let parts = ledger.journals.map { $0.prefix($0.count * share / 10) }
            var books = TrialBalance()
            for event in parts.joined() { try books.add(event.content) }
            let positions = parts.map { String($0.count) }.joined(separator: ",")
            let found = try await psql("SELECT name, units FROM ledger.trial_balance('{\(positions)}')")
            let expected = books.totals.filter { $0.value != 0 }.map { "\($0.key.rawValue)\t\($0.value)" }.sorted()
            #expect(found.split(separator: "\n").map(String.init).sorted() == expected)
            let difference = """
                SELECT count(*) FROM (
                    SELECT FROM ledger.trial_balance('{\(positions)}') GROUP BY commodity HAVING sum(units) <> 0
                ) AS unbalanced
                """
            #expect(try await count(difference) == 0)
        }
    }

    /// The projections, which other code keeps, against the books.
    private func expectProjections(_ books: TrialBalance) async throws {
        let pots = try await psql(
            """
            SELECT 'A-' || account_id || ':P-' || pot_id, -remaining, -held FROM ledger.pots
            WHERE remaining <> 0 OR held <> 0
            """
        )
        var found: [String: Int64] = [:]
        for row in pots.split(separator: "\n") {
            let columns = row.split(separator: "\t")
            found["Liabilities:Credits:Available:\(columns[0])"] = Int64(columns[1])
            found["Liabilities:Credits:Held:\(columns[0])"] = Int64(columns[2])
        }
        #expect(found.filter { $0.value != 0 } == books.units.filter { $0.key.hasPrefix("Liabilities:Credits:") })
        let runs = try await count("SELECT coalesce(sum(charged), 0) FROM ledger.ended_executions")
        #expect(books.totals[.incomeRuns] == -Int64(runs))
    }

    private func expect(
        _ accountant: Accountant,
        reads text: String,
        as books: TrialBalance,
        at file: String
    ) async throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        let (isGood, output) = try await accountant.check(file)
        #expect(isGood, "\(accountant.format): \(output.prefix(2_000))")
        let found = try await accountant.balances(file)
        let isSame = found == books.units
        let first = found.first { books.units[$0.key] != $0.value }
        #expect(
            isSame,
            "\(accountant.format) has \(found.count) balances of \(books.units.count), first: \(first as Any)"
        )
        // One unit more on both sides of a transaction: it still balances, and the assertions do not hold.
        let changed = try #require(accountant.changingOneUnit(in: text))
        try Data(changed.utf8).write(to: URL(fileURLWithPath: file))
        let (isStillGood, complaint) = try await accountant.check(file)
        #expect(!isStillGood)
        #expect(complaint.lowercased().contains("balance"), "\(complaint.prefix(500))")
    }
}
