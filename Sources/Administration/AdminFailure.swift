public import Ledger
import LedgerStore
import Postgres
public import Runs

/// Why nothing came of what an operator asked for; nothing was changed.
public enum AdminFailure: Error, Hashable, Sendable {
    /// The ledger's rules refuse it.
    case refused(Refusal)
    /// Something in the request can't be taken.
    case invalid([FieldIssue])
    /// What it is about does not exist: an operator, a model.
    case notFound(String)
    /// There is an operator of that name.
    case operatorExists
    /// Something else was asked for under the same key before.
    case keyReused
    /// The ledger gave no answer.
    case unavailable(LedgerFailure)

    init(_ error: LedgerStoreError) {
        switch error.code {
        case .overloaded: self = .unavailable(.overloaded)
        default:
            self = .unavailable(
                .unavailable(mayHaveHappened: error.outcome == .unknown, reason: error.description)
            )
        }
    }

    /// One field that can't be taken.
    public static func invalid(_ field: String, _ message: String) -> AdminFailure {
        .invalid([FieldIssue(field: field, message: message)])
    }
}

/// What is wrong with one field of a request.
public struct FieldIssue: Hashable, Sendable {
    /// The field.
    public let field: String
    /// The limit that it breaks.
    public let message: String
    /// Makes an issue.
    public init(field: String, message: String) {
        self.field = field
        self.message = message
    }
}
