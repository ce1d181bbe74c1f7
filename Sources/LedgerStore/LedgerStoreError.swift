public import Postgres

/// Why a command got no verdict, or a question no answer.
public struct LedgerStoreError: Error, Sendable, CustomStringConvertible {
    /// What became of the command.
    public let outcome: PostgresError.Outcome
    /// The kind of failure.
    public let code: Code
    /// One sentence for an operator.
    public let message: String

    /// The kinds of failure.
    public enum Code: String, Sendable, Hashable {
        /// The journal's queue is full; try again after a moment.
        case overloaded
        /// The database can't be reached, or did not answer in time.
        case unavailable
        /// The database refused this command alone, for a reason that will not pass.
        case rejected
        /// The store is shutting down.
        case closed
        /// The database holds no ledger, or another one than expected.
        case notInitialized
        /// What the database holds is no ledger that this code can read.
        case damaged
        /// The data keys of the ledger are wrapped with a master key that this process was not given.
        case locked
    }

    /// Makes an error.
    public init(_ code: Code, outcome: PostgresError.Outcome, _ message: String) {
        self.code = code
        self.outcome = outcome
        self.message = message
    }

    init(_ error: PostgresError) {
        let code: Code =
            switch error.code {
            case .overloaded: .overloaded
            case .closed: .closed
            case .serverError, .decoding: .rejected
            default: .unavailable
            }
        self.init(code, outcome: error.outcome, error.description)
    }

    /// The error of a command of which it is certain that the database keeps nothing.
    init(withoutTrace error: PostgresError) {
        var error = error
        if error.outcome == .unknown { error.outcome = .rolledBack }
        self.init(error)
    }

    /// One line with everything known.
    public var description: String { "\(code.rawValue) (\(outcome)): \(message)" }
}
