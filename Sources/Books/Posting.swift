public import Ledger

/// One side of a movement: an amount on one account of the books.
public struct Posting: Hashable, Sendable {
    /// Its place among the postings of its event, from 1.
    public let line: Int
    /// The account of the books.
    public let book: BookAccount
    /// The full name: the book's path, and below it what the book's postings are told apart by.
    public let name: String
    /// The pot that the movement is about; nil when it is about none.
    public let potID: PotID?
    /// The amount in the commodity's smallest units: debits above zero, credits below. Never zero.
    public let units: Int64

    /// What is counted.
    public var commodity: Commodity { book.commodity }

    init(line: Int, book: BookAccount, content: EventContent, potID: PotID?, units: Int64) {
        self.line = line
        self.book = book
        self.name = Self.name(of: book, content, potID)
        self.potID = potID
        self.units = units
    }

    /// Identifiers begin with a letter of their own, because names in Beancount must begin with a capital or a digit.
    private static func name(of book: BookAccount, _ content: EventContent, _ potID: PotID?) -> String {
        switch book.detail {
        case .none: book.rawValue
        case .pot: "\(book.rawValue):A-\(content.accountID)" + (potID.map { ":P-\($0)" } ?? "")
        case .grant: "\(book.rawValue):A-\(content.accountID)" + (content.grantID.map { ":G-\($0)" } ?? "")
        case .model: book.rawValue + (content.model.map { ":M-\($0)" } ?? "")
        case .import: book.rawValue + (content.detail?["import"]?.stringValue.map { ":I-\($0)" } ?? "")
        }
    }
}

extension Posting {
    /// The postings of an event, as a pure function of what it says. They sum to zero in each commodity.
    ///
    /// - Throws: when the event says too little for its rule.
    public static func postings(of content: EventContent) throws(PostingError) -> [Posting] {
        guard let rule = try PostingRule.rule(for: content) else { return [] }
        var postings: [Posting] = []
        for movement in try movements(of: content, rule.quantity) where movement.units != 0 {
            let (debited, overflow) = Int64.zero.subtractingReportingOverflow(movement.units)
            guard !overflow else { throw PostingError("\(content.type.rawValue) of an amount without a counterpart") }
            for (book, units) in [(rule.debit, movement.units), (rule.credit, debited)] {
                postings.append(
                    Posting(
                        line: postings.count + 1,
                        book: book,
                        content: content,
                        potID: movement.potID,
                        units: units
                    )
                )
            }
        }
        return postings
    }

    private static func movements(
        of content: EventContent,
        _ quantity: PostingRule.Quantity
    ) throws(PostingError) -> [(potID: PotID?, units: Int64)] {
        switch quantity {
        case .amount:
            guard let amount = content.amount else { throw PostingError("\(content.type.rawValue) without an amount") }
            return [(content.potID, amount.microcredits)]
        case .draws:
            guard let draws = content.detail?["draws"]?.drawsValue else {
                throw PostingError("\(content.type.rawValue) without its draws")
            }
            return draws.map { ($0.potID, $0.amount.microcredits) }
        case .run: return [(nil, 1)]
        case .difference:
            guard let units = content.detail?["microusd"]?.stringValue.flatMap({ Int64($0) }) else {
                throw PostingError("\(content.type.rawValue) without its amount")
            }
            return [(nil, units)]
        case .providerCost:
            // A run that ended by its policy has none, and a workflow's is that of its nodes, which have postings of their own.
            guard content.model.flatMap(WorkflowName.slug(in:)) == nil else { return [] }
            guard let text = content.detail?["provider_microusd"]?.stringValue else { return [] }
            guard let units = Int64(text) else { throw PostingError("a provider's cost that is no number: \(text)") }
            return [(nil, units)]
        }
    }
}
