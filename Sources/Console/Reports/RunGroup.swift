import Ledger

/// Ended runs that a report counts together.
struct RunGroup: Hashable, Sendable {
    /// What they have in common. Members that they do not have in common are empty.
    struct Key: Hashable, Sendable {
        var day = ""
        var model = ""
        var tier = ""
        var provider: String? = ""

        /// Orders as the reports do: nothing comes last.
        static func isBefore(_ left: Key, _ right: Key) -> Bool {
            let (a, b) = ((left.day, left.model, left.tier), (right.day, right.model, right.tier))
            guard a == b else { return a < b }
            guard let first = left.provider else { return false }
            return right.provider.map { first < $0 } ?? true
        }
    }

    var runs: Int64 = 0
    var succeeded: Int64 = 0
    var failed: Int64 = 0
    var cancelled: Int64 = 0
    var free: Int64 = 0
    /// In micro-credits.
    var charged: Int64 = 0
    /// In micro-credits.
    var absorbed: Int64 = 0
    /// In micro-dollars.
    var cost: Int64 = 0

    /// What the runs earned less what they cost, in micro-dollars; nil when a credit's worth, in micro-dollars, is unknown.
    func margin(at price: Int64?) -> Int64? {
        guard let price else { return nil }
        let millionths = Int128(charged) * Int128(price) - Int128(cost) * 1_000_000
        // Half away from zero, as numeric(20, 6) rounds.
        return Int64(clamping: (millionths + (millionths < 0 ? -500_000 : 500_000)) / 1_000_000)
    }

    static func += (left: inout RunGroup, right: RunGroup) {
        left.runs += right.runs
        left.succeeded += right.succeeded
        left.failed += right.failed
        left.cancelled += right.cancelled
        left.free += right.free
        left.charged += right.charged
        left.absorbed += right.absorbed
        left.cost += right.cost
    }

    private init(_ row: ReportReading.Row) throws(ReportDamage) {
        runs = try row.number(4)
        succeeded = try row.number(5)
        failed = try row.number(6)
        cancelled = try row.number(7)
        free = try row.number(8)
        charged = try row.number(9)
        absorbed = try row.number(10)
        cost = try row.number(11)
    }

    init() {}

    /// The runs of a period, told apart by something.
    static func groups(
        _ reading: ReportReading,
        _ question: ReportQuestion,
        by grouping: ReportQuestion.Grouping
    ) throws(ReportDamage) -> [(key: Key, group: RunGroup)] {
        var groups: [Key: RunGroup] = [:]
        for row in reading.tables.first ?? [] {
            let day = try row.text(0)
            guard question.includes(day) else { continue }
            var key = Key()
            switch grouping {
            case .day: key.day = day
            case .month: key.day = String(day.prefix(7))
            case .model: key.model = try row.text(1)
            case .tier: key.tier = try row.text(2)
            case .provider: key.provider = row[3]
            case .detail: key = Key(day: day, model: try row.text(1), tier: try row.text(2), provider: row[3])
            }
            groups[key, default: RunGroup()] += try RunGroup(row)
        }
        return groups.sorted { Key.isBefore($0.key, $1.key) }.map { ($0.key, $0.value) }
    }

    /// All runs of a period.
    static func total(_ reading: ReportReading, _ question: ReportQuestion) throws(ReportDamage) -> RunGroup {
        var total = RunGroup()
        for (_, group) in try groups(reading, question, by: .month) { total += group }
        return total
    }

    private static func columns(_ grouping: ReportQuestion.Grouping) -> [ReportTable.Column] {
        switch grouping {
        case .day: [.init("day", "Day")]
        case .month: [.init("month", "Month")]
        case .model: [.init("model", "Model")]
        case .tier: [.init("tier", "Plan")]
        case .provider: [.init("provider", "Provider")]
        case .detail:
            [
                .init("day", "Day"), .init("model", "Model"), .init("tier", "Plan", isWideOnly: true),
                .init("provider", "Provider", isWideOnly: true),
            ]
        }
    }

    private static func cells(_ key: Key, _ grouping: ReportQuestion.Grouping) -> [ReportCell] {
        switch grouping {
        case .day, .month: [.text(key.day)]
        case .model: [.text(key.model)]
        case .tier: [.text(key.tier)]
        case .provider: [.text(key.provider)]
        case .detail: [.text(key.day), .text(key.model), .text(key.tier), .text(key.provider)]
        }
    }

    private static func table(
        _ id: String,
        _ title: String,
        _ reading: ReportReading,
        _ question: ReportQuestion,
        by grouping: ReportQuestion.Grouping,
        columns: [ReportTable.Column],
        cells values: (RunGroup) -> [ReportCell]
    ) throws(ReportDamage) -> ReportTable {
        let groups = try groups(reading, question, by: grouping)
        var total = RunGroup()
        for (_, group) in groups { total += group }
        let heads = Self.columns(grouping)
        let all = [ReportCell.text("all")] + heads.dropFirst().map { _ in .text(nil) }
        return ReportTable(
            id: id,
            title: title,
            columns: heads + columns,
            rows: groups.map { cells($0.key, grouping) + values($0.group) },
            total: groups.isEmpty ? nil : all + values(total),
            isTotalInCSV: true,
            empty: "No run has ended in this period."
        )
    }

    static func revenue(
        _ reading: ReportReading,
        _ question: ReportQuestion
    ) throws(ReportDamage) -> ReportTable {
        let grouping = question.grouping ?? .day
        return try table(
            "revenue",
            "By \(grouping.name)",
            reading,
            question,
            by: grouping,
            columns: [
                .init("runs", "Runs"), .init("free", "Of these free", isWideOnly: true),
                .init("revenue", "Revenue, credits"),
                .init("absorbed", "Absorbed, credits", isWideOnly: true),
                .init("cost_usd", "Providers' cost", isWideOnly: true), .init("margin_usd", "Margin"),
            ]
        ) { group in
            [
                .count(group.succeeded), .count(group.free), .credits(group.charged), .credits(group.absorbed),
                .dollars(group.cost), .dollars(group.margin(at: question.price)),
            ]
        }
    }

    static func usage(_ reading: ReportReading, _ question: ReportQuestion) throws(ReportDamage) -> ReportTable {
        let grouping = question.grouping.flatMap { ReportKind.usage.groupings.contains($0) ? $0 : nil } ?? .model
        return try table(
            "usage",
            "By \(grouping.name)",
            reading,
            question,
            by: grouping,
            columns: [
                .init("runs", "Runs"), .init("succeeded", "Succeeded"), .init("failed", "Failed"),
                .init("cancelled", "Cancelled", isWideOnly: true), .init("free", "Free", isWideOnly: true),
                .init("credits", "Credits"),
            ]
        ) { group in
            [
                .count(group.runs), .count(group.succeeded), .count(group.failed), .count(group.cancelled),
                .count(group.free), .credits(group.charged),
            ]
        }
    }
}
