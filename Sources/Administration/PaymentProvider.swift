public import Ledger
public import LedgerStore

/// What an attempt to top an account up asks of a payment provider, the same each time it is asked.
public struct TopUpCharge: Hashable, Sendable {
    /// The attempt; the provider's idempotency key, and `metadata.attempt`.
    public let attempt: PotID
    /// Whose account; `metadata.account`.
    public let accountID: AccountID
    /// Credits that are bought; `metadata.credits`.
    public let amount: Credits
    /// When the attempt was started; it was not asked for before.
    public let startedAt: Timestamp
    /// Whom it charges and how, and how much of which currency.
    public let payment: PaymentCharge
    /// Makes a charge.
    public init(amount: Credits, startedAt: Timestamp, payment: PaymentCharge) {
        self.attempt = payment.attempt
        self.accountID = payment.accountID
        self.amount = amount
        self.startedAt = startedAt
        self.payment = payment
    }
}

/// Who takes payments.
public protocol PaymentProvider: Sendable {
    /// Charges the account's holder for an attempt. The same attempt again is the same charge, never a second one, for as
    /// long as ``TopUpWorker/chargeSeconds``.
    ///
    /// - Throws: a ``PaymentFailure`` when what became of it is not known; it is asked again then.
    func charge(_ charge: TopUpCharge) async throws(PaymentFailure) -> PaymentOutcome

    /// Looks up what became of a charge that may have been asked for. Charges nothing.
    ///
    /// - Returns: nil when the provider has no payment for the attempt.
    /// - Throws: a ``PaymentFailure`` when that can't be learned now.
    func outcome(of charge: TopUpCharge) async throws(PaymentFailure) -> PaymentOutcome?
}

/// What a payment provider says to a charge.
public enum PaymentOutcome: Hashable, Sendable {
    /// It is paid; the provider's id of the payment.
    case paid(reference: String)
    /// It is refused for good, under a code; nothing was paid.
    case failed(code: String)
    /// It is under way.
    case pending
}

/// Why it is not known what became of a charge.
public struct PaymentFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Whose fault it is.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// No answer, or one that leaves it open.
        case unknown
        /// The provider does not take this request of ours.
        case rejected
        /// The provider refuses us: our key, or its address. Every charge would meet the same.
        case refused
    }

    /// Whose fault it is.
    public let kind: Kind
    /// What was answered, without any secret.
    public let description: String
    /// Makes a failure.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
