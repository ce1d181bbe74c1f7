import Hummingbird
import Ledger
import LedgerStore
import NIOCore
import Testing

@testable import Console

/// What reports and exports are made of, without a database.
@Suite("the console's reports")
struct ReportPartTests {
    private let now = Timestamp(microseconds: 1_769_904_000_000_000)

    private func question(_ query: [String: String]) throws -> ReportQuestion { try ReportQuestion(query, at: now) }

    private func reading(_ rows: [[String?]]) -> ReportReading {
        ReportReading(tables: [rows], positions: [1], at: now, milliseconds: 1)
    }

    private func run(_ day: String, _ model: String, charged: Int64, cost: Int64 = 0) -> [String?] {
        [day, model, "pro", nil, "2", "1", "1", "0", "0", "\(charged)", "0", "\(cost)"]
    }

    @Test("a period is this month's unless another is asked for, ends before its last day, and may be open")
    func periods() throws {
        #expect(try question([:]).period == "2026-02-01 until before 2026-03-01")
        let two = try question(["from": "2026-01-31", "until": "2026-02-02"])
        #expect(
            ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02"].filter(two.includes) == [
                "2026-01-31", "2026-02-01",
            ]
        )
        #expect(try question(["from": "", "until": ""]).period == "all days")
        #expect(try question(["from": "2026-01-31"]).includes("2099-01-01"))
        let sorted = try question(["sort": "revenue.runs", "order": "desc", "price": " 0.010 ", "by": "model"])
        #expect(sorted.query() == "from=2026-02-01&until=2026-03-01&price=0.010&by=model&sort=revenue.runs&order=desc")
        #expect(sorted.price == 10_000)
    }

    @Test(
        "what makes no sense is refused by the name of its field",
        arguments: [
            ("from", "2026-02-30"), ("from", "yesterday"), ("until", "2026-1-1"), ("until", "2026-02-01"),
            ("by", "hour"),
            ("price", "0"), ("price", "-1"), ("price", "1,5"), ("price", "0.0000001"), ("price", "1000.5"),
            ("price", "1."),
            ("price", "99999"), ("price", "٣"),
        ]
    )
    func invalid(field: String, value: String) throws {
        var query = ["from": "2026-02-01", "until": "2026-03-01"]
        query[field] = value
        do {
            _ = try question(query)
            Issue.record("\(field)=\(value) is taken")
        } catch ConsoleRefusal.invalid(let text) {
            #expect(text.hasPrefix(field == "until" || field == "from" ? field : "\(field):"), "\(text)")
        }
    }

    @Test("runs of a period are added up, and a margin is rounded as PostgreSQL rounds")
    func revenue() throws {
        let rows = [
            run("2026-02-01", "b", charged: 1_500_000, cost: 7), run("2026-02-01", "a", charged: 2_000_000),
            run("2026-02-03", "a", charged: 1, cost: 0), run("2026-03-01", "a", charged: 9_000_000),
        ]
        let byDay = try RunGroup.revenue(reading(rows), try question(["price": "0.5"]))
        #expect(byDay.rows.map { $0[0] } == [.text("2026-02-01"), .text("2026-02-03")])
        // Half a micro-dollar goes up.
        #expect(byDay.rows.map { $0[6] } == [.dollars(1_749_993), .dollars(1)])
        #expect(byDay.total?.last == .dollars(1_749_994))
        let byModel = try RunGroup.revenue(reading(rows), try question(["by": "model"]))
        #expect(byModel.rows.map { $0[0].plain } == ["a", "b"] && byModel.rows[0].last == .dollars(nil))
        #expect(
            byModel.csv == """
                model,runs,free,revenue,absorbed,cost_usd,margin_usd
                a,2,0,2.000001,0.000000,0.000000,-
                b,1,0,1.500000,0.000000,0.000007,-
                all,3,0,3.500001,0.000000,0.000007,-

                """
        )
        let byProvider = try RunGroup.revenue(reading(rows), try question(["by": "provider"]))
        #expect(byProvider.rows.map { $0[0] } == [.text(nil)])
        #expect(throws: ReportDamage.self) {
            try RunGroup.revenue(
                reading([run("2026-02-01", "a", charged: 0).map { $0 == "0" ? "x" : $0 }]),
                try question([:])
            )
        }
    }

    @Test("a table is sorted by a column, from either end, and equal rows keep the report's order")
    func sorting() throws {
        let rows = [
            run("2026-02-01", "b", charged: 5), run("2026-02-01", "a", charged: 9), run("2026-02-01", "c", charged: 5),
        ]
        var table = try RunGroup.revenue(reading(rows), try question(["by": "model"]))
        func models() -> [String] { table.rows.map { $0[0].plain } }
        table.sort(by: "revenue", isDescending: true)
        #expect(models() == ["a", "b", "c"])
        table.sort(by: "revenue", isDescending: false)
        #expect(models() == ["b", "c", "a"])
        table.sort(by: "no such column", isDescending: false)
        #expect(models() == ["b", "c", "a"])
    }

    @Test("CSV quotes what needs it, and amounts of a column have as many decimals as the longest")
    func texts() {
        let table = ReportTable(
            id: "t",
            title: "T",
            columns: [.init("a", "A"), .init("b,c", "B")],
            rows: [[.text("x \"y\""), .credits(-1_500_000)], [.text("line\nline"), .credits(20_000_000)]],
            empty: ""
        )
        #expect(table.csv == "a,\"b,c\"\n\"x \"\"y\"\"\",-1.500000\n\"line\nline\",20.000000\n")
        #expect(
            ReportCell.credits(20_000_000).shown(1) == "20.0" && ReportCell.credits(-500_000).shown(1) == "\u{2212}0.5"
        )
        #expect(ReportCell.dollars(-1_234_500_000).shown(2) == "\u{2212}$1\u{202F}234.50")
        // Ids of the same hour begin alike.
        #expect(ReportCell.account("01a223bc-c435-7000-98db-9c7df42686c9").shown(0) == "01a223bc\u{2026}2686c9")
        #expect([0, 1_000_000, 1_500_000, 1].map { ReportCell.credits($0).decimals } == [0, 0, 1, 6])
    }

    @Test("columns stand on zero, above and below it, and days without runs are empty")
    func columns() throws {
        let chart = try #require(Chart.columns([("a", 1_000_000), ("b", -1_000_000)], title: "T", id: "t"))
        #expect(chart.members["zero"] as? String == "90" && chart.members["bottom"] as? String == "\u{2212}1")
        let bars = try #require(chart.members["bars"] as? [[String: Any]])
        #expect(bars.map { $0["y"] as? String } == ["0", "90"] && bars.map { $0["h"] as? String } == ["90", "90"])
        #expect(Chart.columns([], title: "T", id: "t") == nil)
        let known = [("2026-02-27", RunGroup()), ("2026-03-02", RunGroup())]
        func days(_ query: [String: String], today: String) throws -> [String] {
            Chart.everyDay(known, try question(query), upTo: today).map(\.0)
        }
        let four = ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]
        #expect(try days(["from": "", "until": ""], today: "2026-03-05") == four)
        // A period is drawn from its first day, and not beyond today.
        #expect(
            try days(["from": "2026-02-26", "until": "2026-04-01"], today: "2026-03-03") == ["2026-02-26"] + four + [
                "2026-03-03"
            ]
        )
    }

    @Test("the checksum of ZIP is that of its standard")
    func checksum() {
        var checksum = CRC32()
        #expect(checksum.value == 0)
        checksum.add(Array("1234".utf8))
        checksum.add(Array("56789".utf8))
        // The check value of ISO 3309 over the nine digits.
        #expect(checksum.value == 0xCBF4_3926)
    }
}
