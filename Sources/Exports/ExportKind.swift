import Books

/// What can be exported, all of it a function of ranges of positions: the same export made later has the same bytes.
public enum ExportKind: String, Hashable, Sendable, CaseIterable {
    /// Every event with every column, as CSV.
    case events
    /// Every posting of the books, as CSV.
    case postings
    /// Charges with the columns of FOCUS 1.2, as CSV.
    case focus
    /// The books as one file for Beancount.
    case beancount
    /// The books as one file for hledger.
    case hledger

    /// What its files' names end with.
    var suffix: String {
        switch self {
        case .events, .postings, .focus: "csv"
        case .beancount: "beancount"
        case .hledger: "journal"
        }
    }

    /// The name of a file of CSV.
    func name(of part: ExportRange) -> String {
        "\(rawValue)-\(part.journal)-\(part.after + 1)-\(part.through).\(suffix)"
    }

    /// The price of a credit, where it is needed: for FOCUS alone.
    func price(_ given: String?) throws(ExportError) -> String? {
        guard self == .focus else { return nil }
        guard let given else { throw .priceMissing }
        return given
    }

    /// Whose format the books are in; nil for CSV.
    var books: PlainTextBooks.Format? {
        switch self {
        case .events, .postings, .focus: nil
        case .beancount: .beancount
        case .hledger: .hledger
        }
    }

    /// The statement that copies a range of a journal's positions out as CSV with a heading; nil for what is no CSV.
    ///
    /// - Parameters:
    ///   - range: the journal, and the positions from the one after `after` to `through`.
    ///   - price: what a credit is sold for, as a decimal number of USD; FOCUS alone needs it.
    ///   - issuer: the ledger's name, for FOCUS.
    ///   - hasHeader: whether the names of the columns come first.
    func copyStatement(
        _ range: ExportRange,
        price: String?,
        issuer: String,
        hasHeader: Bool = true
    ) -> String? {
        let condition = "journal = \(range.journal) AND position > \(range.after) AND position <= \(range.through)"
        let query: String
        switch self {
        case .events:
            query = """
                SELECT version, journal, position, account_id, sequence, type, recorded_at, effective_at, command_id,
                    request_id, execution_id, key_id, model, grant_id, hold_id, pot_id, amount, balance_after, held_after,
                    price_version, detail, encode(previous_hash, 'hex') AS previous_hash, encode(hash, 'hex') AS hash
                FROM ledger.events WHERE \(condition) ORDER BY position
                """
        case .postings:
            query = """
                SELECT journal, position, line, recorded_at, effective_at, account_id, sequence, type, execution_id, model,
                    grant_id, pot_id, book, name, commodity, units
                FROM ledger.postings WHERE \(condition) ORDER BY position, line
                """
        case .focus:
            guard let price else { return nil }
            let name = issuer.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
            query = """
                SELECT * FROM ledger.focus_charges(
                    \(range.journal)::smallint, \(range.after), \(range.through), \(price), '\(name)'
                )
                """
        case .beancount, .hledger: return nil
        }
        return "COPY (\(query)) TO STDOUT (FORMAT csv, HEADER \(hasHeader))"
    }
}

/// Positions of a journal.
public struct ExportRange: Hashable, Sendable {
    /// The journal.
    public let journal: Int16
    /// The position before the first one.
    public let after: Int64
    /// The last position.
    public let through: Int64
    /// Makes a range.
    public init(journal: Int16, after: Int64, through: Int64) {
        self.journal = journal
        self.after = after
        self.through = through
    }

    /// Positions in it.
    public var count: Int64 { through - after }

    /// The range in parts that end at multiples of a size, so that a part is the same whenever it is made.
    func parts(of size: Int64) -> [ExportRange] {
        var parts: [ExportRange] = []
        var start = after
        while start < through {
            let end = min(through, (start / size + 1) * size)
            parts.append(ExportRange(journal: journal, after: start, through: end))
            start = end
        }
        return parts
    }
}
