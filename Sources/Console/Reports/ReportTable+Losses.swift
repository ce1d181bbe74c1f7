/// The tables of what was earned or lost without a run. Columns and order are those of `sql/reports/losses.sql`.
extension ReportTable {
    static func losses(
        _ reading: ReportReading,
        _ question: ReportQuestion
    ) throws(ReportDamage) -> [ReportTable] {
        [
            try breakage(reading.tables[0], question), try refunds(reading.tables[1], question),
            try absorbed(reading.tables[2], question),
        ]
    }

    /// What rows of a month have in common.
    private struct MonthKey: Hashable, Comparable {
        let month: String
        let kind: String
        let reason: String?

        static func < (left: MonthKey, right: MonthKey) -> Bool {
            // NULL comes last, as in `ORDER BY`.
            (left.month, left.kind, left.reason == nil ? 1 : 0, left.reason ?? "")
                < (right.month, right.kind, right.reason == nil ? 1 : 0, right.reason ?? "")
        }

        var cells: [ReportCell] { [.text(month), .text(kind), .text(reason)] }
    }

    private static func breakage(
        _ rows: [ReportReading.Row],
        _ question: ReportQuestion
    ) throws(ReportDamage) -> ReportTable {
        var sums: [MonthKey: (pots: Int64, amount: Int64)] = [:]
        for row in rows where question.includes(try row.text(0)) {
            let key = MonthKey(month: String(try row.text(0).prefix(7)), kind: try row.text(1), reason: row[2])
            sums[key, default: (0, 0)].pots += try row.number(3)
            sums[key, default: (0, 0)].amount += try row.number(4)
        }
        return ReportTable(
            id: "breakage",
            title: "Breakage",
            columns: [
                .init("month", "Month"), .init("breakage", "From"), .init("reason", "Because of", isWideOnly: true),
                .init("pots", "Pots"), .init("credits", "Credits"),
            ],
            rows: sums.sorted { $0.key < $1.key }.map {
                $0.key.cells + [.count($0.value.pots), .credits($0.value.amount)]
            },
            total: total(sums.isEmpty, 2, [.count(sums.values.sum(\.pots)), .credits(sums.values.sum(\.amount))]),
            empty: "No credits have expired unused in this period."
        )
    }

    private static func refunds(
        _ rows: [ReportReading.Row],
        _ question: ReportQuestion
    ) throws(ReportDamage) -> ReportTable {
        var sums: [MonthKey: (events: Int64, accounts: Set<String>, amount: Int64)] = [:]
        for row in rows where question.includes(try row.text(0)) {
            let key = MonthKey(month: String(try row.text(0).prefix(7)), kind: try row.text(1), reason: row[2])
            sums[key, default: (0, [], 0)].accounts.insert(try row.text(3))
            sums[key, default: (0, [], 0)].events += try row.number(4)
            sums[key, default: (0, [], 0)].amount += try row.number(5)
        }
        return ReportTable(
            id: "refunds",
            title: "Refunds and corrections",
            columns: [
                .init("month", "Month"), .init("refunds", "What"), .init("reason", "Reason", isWideOnly: true),
                .init("events", "Events", isWideOnly: true), .init("accounts", "Accounts"), .init("credits", "Credits"),
            ],
            rows: sums.sorted { $0.key < $1.key }.map { key, sum in
                key.cells + [.count(sum.events), .count(Int64(sum.accounts.count)), .credits(sum.amount)]
            },
            empty: "Nothing was given back or put right in this period.",
            note: "A refund and a correction change the account's balance; what is spent already is borne by the house."
        )
    }

    private static func absorbed(
        _ rows: [ReportReading.Row],
        _ question: ReportQuestion
    ) throws(ReportDamage) -> ReportTable {
        var sums: [MonthKey: (runs: Int64, amount: Int64)] = [:]
        for row in rows where question.includes(try row.text(0)) {
            let key = MonthKey(month: String(try row.text(0).prefix(7)), kind: try row.text(1), reason: nil)
            sums[key, default: (0, 0)].runs += try row.number(2)
            sums[key, default: (0, 0)].amount += try row.number(3)
        }
        return ReportTable(
            id: "absorbed",
            title: "Absorbed cost",
            columns: [
                .init("month", "Month"), .init("absorbed_by_model", "Model"), .init("runs", "Runs"),
                .init("credits", "Credits"),
            ],
            rows: sums.sorted { $0.key < $1.key }.map { key, sum in
                [.text(key.month), .text(key.kind), .count(sum.runs), .credits(sum.amount)]
            },
            total: total(sums.isEmpty, 1, [.count(sums.values.sum(\.runs)), .credits(sums.values.sum(\.amount))]),
            empty: "No run has cost more than its quote in this period."
        )
    }
}

extension Collection {
    /// The sum of a member.
    fileprivate func sum(_ member: (Element) -> Int64) -> Int64 { reduce(0) { $0 + member($1) } }
}
