import Administration
import Configuration
import Egress
import Payments

/// How topping up charges, as the process was told: `RUNLEDGER_STRIPE_SECRET_KEY`, `_STRIPE_URL`, `_STRIPE_CURRENCY`,
/// `_STRIPE_UNITS_PER_1000_CREDITS` and `_TOP_UP_SECONDS`.
public struct TopUpSettings: Sendable {
    /// What Stripe knows us by; nil for a service that charges nobody.
    public var secretKey: String?
    /// Where Stripe is; nil for Stripe itself, or the simulator where one stands in for the providers.
    public var url: String?
    /// The currency of payments.
    public var currency: String?
    /// The price of a thousand credits, in the currency's smallest unit.
    public var unitsPerThousandCredits: String?
    /// Seconds from one look at the accounts to the next.
    public var lookSeconds = "15"

    /// A service that charges nobody.
    public init() {}

    init(reading own: ConfigReader) {
        func text(_ key: ConfigKey, isSecret: Bool = false) -> String? {
            own.string(forKey: key, isSecret: isSecret).flatMap { $0.isEmpty ? nil : $0 }
        }
        self.secretKey = text("stripe.secret.key", isSecret: true)
        self.url = text("stripe.url")
        self.currency = text("stripe.currency")
        self.unitsPerThousandCredits = text("stripe.units.per.1000.credits")
        self.lookSeconds = text("top.up.seconds") ?? lookSeconds
    }
}

/// What ``TopUpSettings`` come to.
struct CheckedTopUps: Sendable {
    let secretKey: String
    let url: String
    let price: CreditPrice
    let lookSeconds: Int64
}

extension AppConfiguration {
    /// How topping up charges; nil where it charges nobody.
    ///
    /// - Throws: a `SettingError` that names the setting that can't be taken.
    func checkedTopUps() throws -> CheckedTopUps? {
        let settings = topUps
        guard let secretKey = settings.secretKey else {
            for (name, value) in [
                ("CURRENCY", settings.currency), ("UNITS_PER_1000_CREDITS", settings.unitsPerThousandCredits),
                ("URL", settings.url),
            ] where value != nil {
                throw SettingError(description: "RUNLEDGER_STRIPE_\(name) needs RUNLEDGER_STRIPE_SECRET_KEY beside it")
            }
            return nil
        }
        guard secretKey.utf8.count >= 16, secretKey.utf8.allSatisfy({ (33...126).contains($0) }),
            secretKey.hasPrefix("sk_") || secretKey.hasPrefix("rk_")
        else {
            let form = "begin with sk_ or rk_, and have 16 characters or more without a space"
            throw SettingError(description: "RUNLEDGER_STRIPE_SECRET_KEY must \(form)")
        }
        guard let seconds = Int64(settings.lookSeconds), (1...3_600).contains(seconds) else {
            throw SettingError(description: "RUNLEDGER_TOP_UP_SECONDS must be a whole number from 1 to 3600")
        }
        return CheckedTopUps(
            secretKey: secretKey,
            url: try checkedStripeURL(isTest: secretKey.dropFirst(2).hasPrefix("_test_")),
            price: try checkedPrice(),
            lookSeconds: seconds
        )
    }

    private func checkedPrice() throws -> CreditPrice {
        let currency = topUps.currency ?? ""
        guard CreditPrice(unitsPerThousandCredits: 1, currency: currency) != nil else {
            let form = "three lower-case letters such as usd"
            throw SettingError(
                description: "RUNLEDGER_STRIPE_CURRENCY must be \(form) with RUNLEDGER_STRIPE_SECRET_KEY"
            )
        }
        let units = topUps.unitsPerThousandCredits.flatMap { Int64($0) } ?? 0
        guard let price = CreditPrice(unitsPerThousandCredits: units, currency: currency) else {
            let form = "a whole number of the currency's smallest unit, from 1 to \(CreditPrice.highest),"
            let name = "RUNLEDGER_STRIPE_UNITS_PER_1000_CREDITS"
            throw SettingError(description: "\(name) must be \(form) with RUNLEDGER_STRIPE_SECRET_KEY")
        }
        return price
    }

    /// Where Stripe is. A key that moves real money goes over TLS only, and never to a simulator by default.
    private func checkedStripeURL(isTest: Bool) throws -> String {
        let text = topUps.url ?? simulatorURL.map { $0 + "/stripe" } ?? StripePayments.url
        let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard (try? EgressURL(trimmed)) != nil, !trimmed.contains("?"), !trimmed.contains("#") else {
            throw SettingError(description: "RUNLEDGER_STRIPE_URL must be an http or https URL without a query")
        }
        guard isTest || trimmed.lowercased().hasPrefix("https://") else {
            let place =
                topUps.url == nil ? "RUNLEDGER_SIMULATOR_URL takes Stripe's place" : "RUNLEDGER_STRIPE_URL is not https"
            let reason = "RUNLEDGER_STRIPE_SECRET_KEY is no test key (sk_test_, rk_test_)"
            throw SettingError(description: "\(place), and \(reason)")
        }
        return trimmed
    }
}
