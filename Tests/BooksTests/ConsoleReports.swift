import Foundation
import Ledger
import LedgerStore
import LedgerTestSupport
import LocalCluster
import Logging
import Postgres
import TestSupport
import Testing

@testable import Console

/// The console's reports beside those that psql prints of the same database: the same lines.
enum ConsoleReports {
    /// A report as both are asked for it.
    private struct Case {
        let kind: ReportKind
        var query: [String: String] = [:]
        var variables: [String] = []
    }

    private static let period = ["from": "2026-01-05", "until": "2026-02-20"]
    private static let variables = ["from=2026-01-05", "until=2026-02-20"]
    private static let cases = [
        Case(
            kind: .revenue,
            query: period.merging(["price": "0.0137", "by": "detail"]) { $1 },
            variables: variables + ["usd_per_credit=0.0137"]
        ),
        Case(kind: .revenue, query: ["from": "", "until": "", "by": "detail"]),
        Case(kind: .usage, query: period, variables: variables),
        Case(kind: .losses, query: period, variables: variables),
        Case(kind: .losses, query: ["from": "", "until": ""]), Case(kind: .liabilities), Case(kind: .holds),
        Case(kind: .balances), Case(kind: .trialBalance), Case(kind: .months),
    ]

    /// Compares every report, and what runs are grouped by with what it adds up from.
    static func expectSame() async throws {
        var configuration = try PostgresConfiguration(url: TestDatabase.url)
        configuration.role = "runledger_console"
        configuration.settings = [("TimeZone", "UTC"), ("DateStyle", "ISO, YMD")]
        let now = try #require(Timestamp(rfc3339: "2026-02-10T00:00:00Z"))
        let book = ReportBook(configuration: configuration, logger: Logger(label: "test")) { now }
        var lines = 0
        for one in cases {
            let reading = try await read(one.kind.source, book)
            let tables = try one.kind.tables(reading, try ReportQuestion(one.query, at: now))
            let name = String(one.kind.file.dropLast(4))
            let (exit, output) = try await Report.run(name, one.variables, isCSV: true)
            #expect(exit == .exited(code: 0), "\(name): \(output)")
            var rest = Set(output.split(separator: "\n").map(String.init))
            for table in tables {
                for line in table.csv.split(separator: "\n") {
                    lines += 1
                    #expect(rest.contains(String(line)), "psql's \(name) has no line \(line)")
                }
                rest.subtract(table.csv.split(separator: "\n").map(String.init))
            }
            // Of balances, psql has the totals as a table of its own.
            let others = rest.filter { !$0.hasPrefix("Every commodity") }
            #expect(others.count == (one.kind == .balances ? 2 : 0), "the console's \(name) has no \(others)")
        }
        #expect(lines > 200, "only \(lines) lines were compared")
        try await expectGroups(book, at: now)
        // Events that came since are said to be missing, and so is what can't be read.
        let ahead = try await heads().map { $0 + 1 }
        guard case .reading(_, isStale: true) = await book.answer(.runs, ahead) else {
            Issue.record("figures of before are taken for those of now")
            return
        }
        configuration.role = "nobody_of_this_name"
        let refused = ReportBook(configuration: configuration, logger: Logger(label: "test")) { now }
        var answer = await refused.answer(.runs, ahead)
        while case .pending = answer { answer = await refused.answer(.runs, ahead) }
        guard case .failed(let text, nil) = answer, text.contains("nobody_of_this_name") else {
            Issue.record("what can't be read is \(answer)")
            return
        }
    }

    /// What an account had after an event is what the fold of its events says, whatever the replay of a page forgets on its way.
    static func expectReplays() async throws {
        try await withStore { store in
            let book = ReplayBook(store: store, logger: Logger(label: "test"))
            let rows = try await psql("SELECT account_id, sequence FROM ledger.accounts ORDER BY sequence DESC LIMIT 2")
            for row in rows.split(separator: "\n") {
                let columns = row.split(separator: "\t")
                let account = try #require(AccountID(text: String(columns[0])))
                let last = try #require(Int64(columns[1]))
                #expect(last > 1_000, "a page of the replay has them all")
                for sequence in [last / 3, last, last * 2 / 3, 1, 1_000, 1_001] {
                    let state = try await replay(book, account, sequence)
                    let expected = try await store.replay(account, to: .sequence(sequence))
                    #expect(
                        state.account == expected.account && state.pots == expected.pots,
                        "\(account) at \(sequence)"
                    )
                    #expect(state.grants == expected.grants && state.windows == expected.windows)
                    #expect(state.holds == expected.holds)
                    let open = expected.executions.filter { !$0.value.status.isEnd }
                    #expect(state.executions.filter { !$0.value.status.isEnd } == open)
                }
            }
        }
    }

    private static func replay(_ book: ReplayBook, _ account: AccountID, _ sequence: Int64) async throws -> LedgerState
    {
        for _ in 0..<600 {
            switch await book.answer(account, at: sequence) {
            case .state(let state): return state
            case .pending: continue
            case .failed(let text): throw Unreadable(text: text)
            }
        }
        throw Unreadable(text: "\(account) was not replayed in a minute")
    }

    private static func heads() async throws -> [Int64] {
        try await psql("SELECT position FROM ledger.journals ORDER BY journal").split(separator: "\n").compactMap {
            Int64($0)
        }
    }

    /// However runs are told apart, they are the same runs.
    private static func expectGroups(_ book: ReportBook, at now: Timestamp) async throws {
        let reading = try await read(.runs, book)
        var totals: Set<[ReportCell]> = []
        for grouping in ReportQuestion.Grouping.allCases {
            let query = period.merging(["by": grouping.rawValue, "price": "0.5"]) { $1 }
            let question = try ReportQuestion(query, at: now)
            let table = try RunGroup.revenue(reading, question)
            let total = try #require(table.total)
            totals.insert(Array(total.suffix(6)))
            #expect(table.rows.count > 1, "\(grouping)")
        }
        #expect(totals.count == 1, "\(totals)")
    }

    private static func read(_ source: ReportSource, _ book: ReportBook) async throws -> ReportReading {
        let heads = try await heads()
        // A page would be told to look again; the machine may be busy.
        for _ in 0..<600 {
            switch await book.answer(source, heads) {
            case .reading(let reading, let isStale):
                #expect(!isStale && reading.positions == heads)
                return reading
            case .pending: continue
            case .failed(let text, _): throw Unreadable(text: "\(source): \(text)")
            }
        }
        throw Unreadable(text: "\(source) was not read in a minute")
    }

    private struct Unreadable: Error { let text: String }
}
