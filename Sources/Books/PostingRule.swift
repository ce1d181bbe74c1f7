public import Ledger

/// One rule of the books: which events of a type move what, from where to where.
///
/// `PostingRule.all` is the whole truth about postings in Swift, `sql/views/posting_rules.sql` in SQL, and the table in
/// `docs/books.md` for people. A test holds the three against each other.
public struct PostingRule: Hashable, Sendable {
    /// Which events of the type a rule is for.
    public enum Condition: String, Hashable, Sendable {
        /// Every event of the type.
        case always
        /// Credits of a plan's allowance.
        case plan
        /// Credits that were bought.
        case topUp = "top_up"
        /// A correction by an operator.
        case correction
        /// Credits that a refund of a payment takes back.
        case refund
        /// Differences between an invoice and the ledger that are within the tolerance.
        case tolerated
        /// Those that are not.
        case suspended
        /// A difference that is borne.
        case accepted
        /// One that the provider is asked to give back.
        case claimed
        /// One that turned out to be owed as booked.
        case reversed
        /// A claim that the provider credited.
        case credited
        /// A claim that is borne after all.
        case writtenOff = "written_off"
    }

    /// How much a rule moves.
    public enum Quantity: String, Hashable, Sendable {
        /// The event's amount, with its sign.
        case amount
        /// Each of the event's draws by itself: an amount and the pot that it was drawn from.
        case draws
        /// One run.
        case run
        /// What the provider reported that the run costs us.
        case providerCost = "provider cost"
        /// What an invoice bills beyond what was booked.
        case difference
    }

    /// The type of the events.
    public let type: EventType
    /// Which of them.
    public let condition: Condition
    /// How much is moved.
    public let quantity: Quantity
    /// Where a positive amount is debited.
    public let debit: BookAccount
    /// Where a positive amount is credited.
    public let credit: BookAccount

    /// What is moved.
    public var commodity: Commodity { debit.commodity }

    init(_ type: EventType, _ condition: Condition, _ quantity: Quantity, _ debit: BookAccount, _ credit: BookAccount) {
        precondition(debit.commodity == credit.commodity, "a rule that changes one commodity into another")
        self.type = type
        self.condition = condition
        self.quantity = quantity
        self.debit = debit
        self.credit = credit
    }

    /// Every rule. Events of a type that no rule names post nothing.
    public static let all: [PostingRule] = [
        PostingRule(.creditsAdded, .plan, .amount, .considerationPlan, .creditsAvailable),
        PostingRule(.creditsAdded, .topUp, .amount, .considerationTopUp, .creditsAvailable),
        PostingRule(.creditsExpired, .always, .amount, .creditsAvailable, .incomeBreakage),
        PostingRule(.creditsAdjusted, .correction, .amount, .expensesCorrections, .creditsAvailable),
        PostingRule(.creditsAdjusted, .refund, .amount, .considerationRefunded, .creditsAvailable),
        PostingRule(.creditsShort, .always, .amount, .expensesRefundsSpent, .considerationRefunded),
        PostingRule(.creditsHeld, .always, .draws, .creditsAvailable, .creditsHeld),
        PostingRule(.creditsReleased, .always, .draws, .creditsHeld, .creditsAvailable),
        PostingRule(.creditsDebited, .always, .draws, .creditsHeld, .incomeRuns),
        PostingRule(.costAbsorbed, .always, .amount, .expensesAbsorbed, .incomeForgone),
        PostingRule(.grantHeld, .always, .run, .grantsHeld, .grantsGiven),
        PostingRule(.grantReleased, .always, .run, .grantsGiven, .grantsHeld),
        PostingRule(.grantConsumed, .always, .run, .grantsUsed, .grantsHeld),
        PostingRule(.executionSucceeded, .always, .providerCost, .expensesProviders, .liabilitiesProviders),
        PostingRule(.invoiceCompared, .tolerated, .difference, .expensesReconciled, .liabilitiesProviders),
        PostingRule(.invoiceCompared, .suspended, .difference, .suspense, .liabilitiesProviders),
        PostingRule(.suspenseResolved, .accepted, .difference, .expensesReconciled, .suspense),
        PostingRule(.suspenseResolved, .claimed, .difference, .claims, .suspense),
        PostingRule(.suspenseResolved, .reversed, .difference, .liabilitiesProviders, .suspense),
        PostingRule(.suspenseResolved, .credited, .difference, .liabilitiesProviders, .claims),
        PostingRule(.suspenseResolved, .writtenOff, .difference, .expensesReconciled, .claims),
    ]

    private static let byType = Dictionary(grouping: all, by: \.type)

    /// The rule for an event; nil when it posts nothing.
    static func rule(for content: EventContent) throws(PostingError) -> PostingRule? {
        guard let rules = byType[content.type] else { return nil }
        let condition = Condition(of: content)
        guard let rule = rules.first(where: { $0.condition == condition }) else {
            throw PostingError("no rule for \(content.type.rawValue)")
        }
        return rule
    }
}

extension PostingRule.Condition {
    fileprivate init?(of content: EventContent) {
        switch content.type {
        case .creditsAdded:
            guard let kind = content.detail?["kind"]?.stringValue, let pot = Pot.Kind(rawValue: kind) else {
                return nil
            }
            self = pot == .plan ? .plan : .topUp
        case .creditsAdjusted: self = content.detail?["refund"] == nil ? .correction : .refund
        case .invoiceCompared:
            self = content.detail?["outcome"]?.stringValue == InvoiceOutcome.matched.rawValue ? .tolerated : .suspended
        case .suspenseResolved:
            guard let text = content.detail?["as"]?.stringValue, SuspenseResolution(rawValue: text) != nil else {
                return nil
            }
            self.init(rawValue: text)
        default: self = .always
        }
    }
}

/// An event that says too little for its rule, which only a damaged log can have.
public struct PostingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, for a person.
    public let description: String
    /// Makes the error.
    public init(_ description: String) { self.description = description }
}
