public import Ledger

/// What every account of the books holds after some events.
public struct TrialBalance: Hashable, Sendable {
    /// Units by full name, without those that are zero.
    public private(set) var units: [String: Int64] = [:]
    /// Units by account of the books, over all customers, pots, grants and models.
    public private(set) var totals: [BookAccount: Int64] = [:]

    /// Nothing posted yet.
    public init() {}

    /// Adds the postings of one more event.
    ///
    /// - Throws: when the event says too little for its rule, or a sum does not fit in 64 bits; the balance is then of no
    ///   further use.
    public mutating func add(_ content: EventContent) throws(PostingError) {
        try add(try Posting.postings(of: content))
    }

    /// Adds the postings of one event.
    ///
    /// - Throws: when a sum does not fit in 64 bits.
    public mutating func add(_ postings: [Posting]) throws(PostingError) {
        for posting in postings {
            let (sum, overflow) = units[posting.name, default: 0].addingReportingOverflow(posting.units)
            let (total, totalOverflow) = totals[posting.book, default: 0].addingReportingOverflow(posting.units)
            guard !overflow, !totalOverflow else {
                throw PostingError("\(posting.name) holds more than fits in 64 bits")
            }
            units[posting.name] = sum == 0 ? nil : sum
            totals[posting.book] = total
        }
    }

    /// What all accounts of a commodity sum to, which is zero for books that balance.
    public func difference(in commodity: Commodity) -> Int64 {
        totals.reduce(0) { $1.key.commodity == commodity ? $0 &+ $1.value : $0 }
    }
}
