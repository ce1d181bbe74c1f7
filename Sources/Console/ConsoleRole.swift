import Administration
import LedgerStore

/// What someone is in the console.
public enum ConsoleRole: String, Hashable, Sendable, CaseIterable {
    /// Revenue, cost, accounts.
    case finance
    /// Everything there is to read, the operators' log included.
    case auditor
    /// Runs, accounts and models; no revenue and no provider's cost.
    case `operator`
    /// All of the above.
    case admin

    /// What an operator is in the console. Tokens have no role `auditor`, so those operators are named in the settings.
    init(of role: OperatorRole, isAuditor: Bool) {
        switch role {
        case .admin: self = .admin
        case .support: self = .operator
        case .finance: self = isAuditor ? .auditor : .finance
        }
    }

    /// Whether a part of the console may be seen.
    func maySee(_ area: ConsoleArea) -> Bool {
        switch area {
        case .ledger: true
        case .money: self != .operator
        case .operatorLog: self == .auditor || self == .admin
        }
    }
}

/// A part of the console that a role may see or not.
enum ConsoleArea: Hashable, Sendable {
    /// Accounts, runs, models, verification.
    case ledger
    /// Revenue and what providers cost.
    case money
    /// What operators have done.
    case operatorLog

    /// Who may see it, in words.
    var readers: String {
        switch self {
        case .ledger: "every operator"
        case .money: "finance, auditors and administrators"
        case .operatorLog: "auditors and administrators"
        }
    }
}
