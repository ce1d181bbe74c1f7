public import Ledger

/// What credits cost that are bought by topping up.
public struct CreditPrice: Hashable, Sendable {
    /// The most that a thousand credits may cost, in the currency's smallest unit.
    public static let highest: Int64 = 1_000_000_000
    /// The most that one payment may be, in the currency's smallest unit: what Stripe takes, eight digits.
    public static let largestPayment: Int64 = 99_999_999

    /// The price of a thousand credits, in the currency's smallest unit.
    public let unitsPerThousandCredits: Int64
    /// The currency: three lower-case letters (ISO 4217).
    public let currency: String

    /// Makes a price; nil unless it is 1 to ``highest`` and the currency three lower-case letters.
    public init?(unitsPerThousandCredits: Int64, currency: String) {
        guard (1...Self.highest).contains(unitsPerThousandCredits), currency.utf8.count == 3,
            currency.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) })
        else { return nil }
        self.unitsPerThousandCredits = unitsPerThousandCredits
        self.currency = currency
    }

    /// What some credits cost, to the nearest unit (a half up) and at least one; nil when that is more than one payment
    /// may be.
    public func units(for amount: Credits) -> Int64? {
        // A thousand credits are 10^9 micro-credits.
        let thousand: Int128 = 1_000_000_000
        let exact = Int128(amount.microcredits) * Int128(unitsPerThousandCredits)
        let units = max(1, (exact + thousand / 2) / thousand)
        return units <= Self.largestPayment ? Int64(units) : nil
    }
}
