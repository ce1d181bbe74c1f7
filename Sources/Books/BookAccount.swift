/// An account of the books. The raw value is its path, whose first part says what kind of account it is.
///
/// Amounts on the debit side are positive, on the credit side negative: what is owed, earned or given has a balance below
/// zero. `docs/books.md` explains each account to a person, `sql/views/chart_of_accounts.sql` lists the same ones.
public enum BookAccount: String, Hashable, Sendable, CaseIterable {
    case considerationPlan = "Assets:Consideration:Plan"
    case considerationTopUp = "Assets:Consideration:TopUp"
    case considerationRefunded = "Assets:Consideration:Refunded"
    case creditsAvailable = "Liabilities:Credits:Available"
    case creditsHeld = "Liabilities:Credits:Held"
    case incomeRuns = "Income:Runs"
    case incomeBreakage = "Income:Breakage"
    case incomeForgone = "Income:Forgone"
    case expensesAbsorbed = "Expenses:Absorbed"
    case expensesCorrections = "Expenses:Corrections"
    case expensesRefundsSpent = "Expenses:Refunds:Spent"
    case grantsHeld = "Assets:Grants:Held"
    case grantsUsed = "Expenses:Grants:Used"
    case grantsGiven = "Equity:Grants:Given"
    case expensesProviders = "Expenses:Providers"
    case liabilitiesProviders = "Liabilities:Providers"
    case suspense = "Liabilities:Suspense"
    case claims = "Assets:Claims"
    case expensesReconciled = "Expenses:Reconciled"

    /// What an account's postings are told apart by, below the path.
    public enum Detail: String, Hashable, Sendable {
        /// Nothing: the path is the whole name.
        case none
        /// The customer's account and the pot.
        case pot
        /// The customer's account and the grant.
        case grant
        /// The model.
        case model
        /// The import of an invoice.
        case `import`
    }

    /// What this account's postings are told apart by.
    public var detail: Detail {
        switch self {
        case .creditsAvailable, .creditsHeld: .pot
        case .grantsHeld: .grant
        case .incomeRuns, .incomeForgone, .expensesAbsorbed, .grantsUsed, .expensesProviders: .model
        case .suspense, .claims: .import
        default: .none
        }
    }

    /// The one commodity that this account holds.
    public var commodity: Commodity {
        switch self {
        case .grantsHeld, .grantsUsed, .grantsGiven: .grantRun
        case .expensesProviders, .liabilitiesProviders, .suspense, .claims, .expensesReconciled: .usd
        default: .credit
        }
    }
}
