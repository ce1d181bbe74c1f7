import Books
import Foundation
import Ledger
import LedgerTestSupport
import TestSupport
import Testing

/// The rules and the chart are written down three times: for Swift, for SQL and for people.
@Suite("The rules of the books", .gated, .database(StoredLedger.template))
struct RuleTableTests {
    @Test("are the same in Swift, in SQL and in docs/books.md")
    func rules() async throws {
        let mine = PostingRule.all.map { rule in
            [
                rule.type.rawValue, rule.condition.rawValue, rule.quantity.rawValue, rule.debit.rawValue,
                rule.credit.rawValue,
            ]
        }
        let sql = try await psql(
            "SELECT type, condition, quantity, debit, credit FROM ledger.posting_rules ORDER BY rule"
        )
        #expect(rows(of: sql) == mine)
        let documented = try tables(under: "## Rules").map { row in
            [row[0], row[1], row[2], row[3], row[4]]
        }
        #expect(documented == mine)
    }

    @Test("and so is the chart of accounts, with what each one means")
    func chart() async throws {
        let mine = BookAccount.allCases.map { [$0.rawValue, $0.commodity.rawValue, $0.detail.rawValue] }
        let sql = rows(of: try await psql("SELECT book, commodity, detail, meaning FROM ledger.chart_of_accounts"))
        #expect(sql.map { Array($0.prefix(3)) } == mine)
        #expect(try tables(under: "## Chart of accounts") == sql)
    }

    private func rows(of output: String) -> [[String]] {
        output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    }

    /// The rows of the Markdown table in a section, without heading and code marks.
    private func tables(under heading: String) throws -> [[String]] {
        let text = try String(contentsOfFile: "\(PythonTools.sources)/docs/books.md", encoding: .utf8)
        let start = try #require(text.range(of: "\n\(heading)\n")).upperBound
        let section = text[start...].prefix(upTo: text[start...].range(of: "\n## ")?.lowerBound ?? text.endIndex)
        return section.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("|---") }.dropFirst().map {
            row in
            row.split(separator: "|").map { $0.trimmingCharacters(in: [" ", "`"]) }
        }
    }
}
