public import Ledger

/// Who knows operators by their tokens.
public protocol OperatorDirectory: Sendable {
    /// The operator whose token this is; nil when it is nobody's, or was taken away.
    func caller(with token: String) async throws(LedgerFailure) -> OperatorCaller?
}

/// An operator, as far as what is not the operators' own API needs to know.
public struct OperatorCaller: Hashable, Sendable {
    /// Who it is, as events say it.
    public let actor: Actor
    /// The role, such as `finance`.
    public let role: String
    /// Whether the role may change things, and not look at them only.
    public let mayChange: Bool

    /// Makes a caller.
    public init(actor: Actor, role: String, mayChange: Bool) {
        self.actor = actor
        self.role = role
        self.mayChange = mayChange
    }
}
