/// Gives the allowance of one period of the plan, in the place of what is left of the one before. What was bought stays.
public struct RenewPlan: Hashable, Sendable {
    /// The new pot.
    public let potID: PotID
    /// Which period, such as `2026-11-01`; 1 to 64 bytes. An account is given each period's allowance once.
    public let period: String
    /// Credits; above zero, or nil for what the plan gives.
    public let allowance: Credits?
    /// When what is left expires if no renewal comes before; nil for never.
    public let expiresAt: Timestamp?
    /// What it was paid with, such as an invoice's number; as for ``AddCredits``.
    public let externalReference: String?
    /// Makes the wish.
    public init(
        potID: PotID,
        period: String,
        allowance: Credits?,
        expiresAt: Timestamp?,
        externalReference: String? = nil
    ) {
        self.potID = potID
        self.period = period
        self.allowance = allowance
        self.expiresAt = expiresAt
        self.externalReference = externalReference
    }
}

/// Takes back what a payment bought, as far as the payment was refunded and the credits are still there.
public struct RefundPayment: Hashable, Sendable {
    /// What the credits were bought with.
    public let reference: String
    /// How much of the payment was refunded up to now, in its currency's smallest unit; at least 0, at most the total.
    public let refundedUnits: Int64
    /// How much was paid, in the same unit; above 0.
    public let paidUnits: Int64
    /// Makes the wish.
    public init(reference: String, refundedUnits: Int64, paidUnits: Int64) {
        self.reference = reference
        self.refundedUnits = refundedUnits
        self.paidUnits = paidUnits
    }
}

/// Tells how an attempt to top an account up has ended.
public struct EndTopUp: Hashable, Sendable {
    /// How it can end.
    public enum Outcome: Hashable, Sendable {
        /// The payment came in.
        ///
        /// - Parameters:
        ///   - amount: what was bought, for a payment that comes in after its attempt was given up.
        ///   - reference: what it was bought with.
        ///   - expiresAt: when the credits expire; nil for never.
        case paid(amount: Credits, reference: String, expiresAt: Timestamp?)
        /// The payment was refused, under a code of the payment provider; 1 to 100 bytes.
        case failed(code: String)
    }

    /// The attempt: the pot that it fills when it is paid.
    public let attempt: PotID
    /// How it has ended.
    public let outcome: Outcome
    /// Makes the wish.
    public init(attempt: PotID, outcome: Outcome) {
        self.attempt = attempt
        self.outcome = outcome
    }
}
