/// What went wrong while talking to PostgreSQL, and, what matters more to a ledger, what became of the work.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public var code: Code
    /// What became of the statements concerned.
    public var outcome: Outcome
    /// The five-letter SQLSTATE when the server reported the failure.
    public var sqlState: String?
    /// The name of the statement that failed, when one did.
    public var statement: String?
    /// One sentence for an operator; never meant to be matched.
    public var message: String
    /// The server's DETAIL field.
    public var detail: String?
    /// The server's HINT field.
    public var hint: String?
    /// The constraint that refused the row, when one did.
    public var constraint: String?
    /// The table concerned, when the server names one.
    public var table: String?
    /// Where in the SQL the error is, in characters from 1, when the server points at a place.
    public var position: Int?
    /// Whether the server ended the connection with this error (severity FATAL or PANIC).
    public var isFatal: Bool

    /// What became of the statements of a failed unit.
    public enum Outcome: Sendable, Hashable {
        /// Nothing was handed to the server: the work can be tried again as it is.
        case notSent
        /// The server saw some of it, and nothing of it can ever become durable.
        case rolledBack
        /// It may or may not be durable; only the data can tell.
        case unknown
    }

    /// The kind of a failure; extensible, so switch with a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        init(_ description: String) { self.description = description }

        /// The connection broke, or could not be made.
        public static let connectionLost = Code("connectionLost")
        /// The server refused a statement; `sqlState` says why.
        public static let serverError = Code("serverError")
        /// COMMIT was answered with ROLLBACK: the transaction had failed before.
        public static let transactionAborted = Code("transactionAborted")
        /// A bounded queue is full.
        public static let overloaded = Code("overloaded")
        /// The deadline passed.
        public static let deadlineExceeded = Code("deadlineExceeded")
        /// The task stopped waiting because it was cancelled.
        public static let cancelled = Code("cancelled")
        /// The client is closed or closing, or the session was given back.
        public static let closed = Code("closed")
        /// The server refused the role or its password.
        public static let authentication = Code("authentication")
        /// A reply does not have the type that the statement's decoder expects.
        public static let decoding = Code("decoding")
        /// A statement of the catalogue could not be prepared.
        public static let preparation = Code("preparation")
        /// The connection string can't be used.
        public static let configuration = Code("configuration")
        /// The server answered in an order that the protocol does not allow, or with COPY.
        public static let protocolViolation = Code("protocolViolation")
    }

    /// Makes an error; everything that only a server reports may be left out.
    public init(
        code: Code,
        outcome: Outcome,
        message: String,
        sqlState: String? = nil,
        statement: String? = nil,
        detail: String? = nil,
        hint: String? = nil,
        constraint: String? = nil,
        table: String? = nil,
        position: Int? = nil,
        isFatal: Bool = false
    ) {
        self.code = code
        self.outcome = outcome
        self.message = message
        self.sqlState = sqlState
        self.statement = statement
        self.detail = detail
        self.hint = hint
        self.constraint = constraint
        self.table = table
        self.position = position
        self.isFatal = isFatal
    }

    /// One line with everything known; no parameter values unless the server put them in its DETAIL.
    public var description: String {
        var text = "\(code) (\(outcome))"
        if let sqlState { text += " \(sqlState)" }
        if let statement { text += " in \(statement)" }
        text += ": \(message)"
        if let constraint { text += " [constraint \(constraint)]" }
        if let detail { text += " DETAIL: \(detail)" }
        if let hint { text += " HINT: \(hint)" }
        return text
    }
}

/// A value that does not have the type or shape that its reader expects.
public struct PostgresDecodingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The zero-based column.
    public var column: Int
    /// What was expected, and what was there.
    public var reason: String

    /// Makes an error about one column.
    public init(column: Int, reason: String) {
        self.column = column
        self.reason = reason
    }

    /// One line for an operator.
    public var description: String { "column \(column): \(reason)" }
}
