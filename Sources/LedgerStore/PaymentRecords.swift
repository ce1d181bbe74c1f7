public import Ledger

/// Whom topping up charges, and how: references of the payment provider's.
public struct PaymentMethod: Hashable, Sendable {
    /// Bytes that a reference may have.
    public static let longestReference = 255

    /// The provider's id of its customer, such as `cus_…`.
    public let customer: String
    /// The provider's id of a way in which that customer pays, such as `pm_…`.
    public let method: String

    /// Makes a method; nil unless both references have 1 to 255 printable ASCII characters without a space.
    public init?(customer: String, method: String) {
        guard Self.isReference(customer), Self.isReference(method) else { return nil }
        self.customer = customer
        self.method = method
    }

    /// Whether a text can be a reference of the payment provider's.
    public static func isReference(_ text: String) -> Bool {
        (1...longestReference).contains(text.utf8.count) && text.utf8.allSatisfy { (33...126).contains($0) }
    }
}

/// What an attempt to top an account up asks the payment provider for, the same each time it is asked.
public struct PaymentCharge: Hashable, Sendable {
    /// The attempt.
    public let attempt: PotID
    /// Whose account.
    public let accountID: AccountID
    /// Whom it charges, and how.
    public let method: PaymentMethod
    /// How much, in the currency's smallest unit.
    public let units: Int64
    /// The currency: three lower-case letters (ISO 4217).
    public let currency: String
    /// Makes a charge.
    public init(attempt: PotID, accountID: AccountID, method: PaymentMethod, units: Int64, currency: String) {
        self.attempt = attempt
        self.accountID = accountID
        self.method = method
        self.units = units
        self.currency = currency
    }
}
