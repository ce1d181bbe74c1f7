/// The reports there are.
enum ReportKind: String, Hashable, Sendable, CaseIterable {
    case revenue, usage, losses, liabilities, holds, balances
    case trialBalance = "trial-balance"
    case months

    /// Its title.
    var title: String {
        switch self {
        case .revenue: "Revenue and margin"
        case .usage: "Usage"
        case .losses: "Breakage, refunds and absorbed cost"
        case .liabilities: "Liabilities"
        case .holds: "Holds and unresolved runs"
        case .balances: "Balances"
        case .trialBalance: "Trial balance"
        case .months: "Months"
        }
    }

    /// What it shows, in a sentence.
    var summary: String {
        switch self {
        case .revenue: "What runs earned and what they cost us: by day, month, model, plan or provider."
        case .usage: "Runs and how they ended, by model or otherwise."
        case .losses: "Credits that expired, what was given back or put right, and costs beyond quotes that we bear."
        case .liabilities: "What customers have: credits by pot and month of expiry, and free runs of grants."
        case .holds: "What runs under way have set aside, and runs whose fate nobody knows."
        case .balances: "What accounts have, the largest first."
        case .trialBalance: "Every account of the books, and the proof that they balance."
        case .months: "What moved on each account in each month, and which months are closed."
        }
    }

    /// The file in `sql/reports` that prints the same with `psql` alone.
    var file: String { rawValue.replacing("-", with: "_") + ".sql" }

    /// Where its figures come from.
    var source: ReportSource {
        switch self {
        case .revenue, .usage: .runs
        case .losses: .losses
        case .liabilities: .liabilities
        case .holds: .holds
        case .balances: .balances
        case .trialBalance: .books
        case .months: .months
        }
    }

    /// Whether it is of a period that can be chosen; the others are of now.
    var hasPeriod: Bool { source == .runs || source == .losses }

    /// What its runs can be told apart by; none for a report that is no table of runs.
    var groupings: [ReportQuestion.Grouping] {
        switch self {
        case .revenue: ReportQuestion.Grouping.allCases
        case .usage: [.model, .day, .month, .tier, .provider]
        default: []
        }
    }

    /// Its tables.
    ///
    /// - Throws: a `ReportDamage` when a reading is not of the form that its statements give.
    func tables(_ reading: ReportReading, _ question: ReportQuestion) throws(ReportDamage) -> [ReportTable] {
        switch self {
        case .revenue: [try RunGroup.revenue(reading, question)]
        case .usage: [try RunGroup.usage(reading, question)]
        case .losses: try ReportTable.losses(reading, question)
        case .liabilities: try ReportTable.liabilities(reading)
        case .holds: try ReportTable.holds(reading)
        case .balances: [try ReportTable.balances(reading)]
        case .trialBalance: [try ReportTable.trialBalance(reading)]
        case .months: try ReportTable.months(reading)
        }
    }
}

/// A value that is not what a statement of a report gives.
struct ReportDamage: Error, Hashable, Sendable {
    let value: String?
}

extension [String?] {
    /// A whole number of a row; nil for NULL.
    func count(_ index: Int) throws(ReportDamage) -> Int64? {
        guard let text = self[index] else { return nil }
        guard let number = Int64(text) else { throw ReportDamage(value: text) }
        return number
    }

    /// A whole number of a row that is never NULL.
    func number(_ index: Int) throws(ReportDamage) -> Int64 {
        guard let number = try count(index) else { throw ReportDamage(value: nil) }
        return number
    }

    /// A text of a row that is never NULL.
    func text(_ index: Int) throws(ReportDamage) -> String {
        guard let text = self[index] else { throw ReportDamage(value: nil) }
        return text
    }
}
