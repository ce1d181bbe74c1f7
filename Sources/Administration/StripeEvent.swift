public import Ledger
public import Registry

/// An event of Stripe, as far as it concerns the ledger. What a checkout, a subscription or a payment is for stands in its
/// metadata, which whoever creates it puts there: `account`, `credits`, `expires_days`, `attempt`.
public struct StripeEvent: Hashable, Sendable {
    /// What it asks for.
    public enum Wish: Hashable, Sendable {
        /// Credits were bought.
        case topUp(AccountID, amount: Credits, reference: String, expiresAt: Timestamp)
        /// A period of the plan was paid.
        case renewal(AccountID, period: String, allowance: Credits?, reference: String, expiresAt: Timestamp)
        /// An attempt to top an account up has ended.
        case topUpEnd(AccountID, EndTopUp)
        /// A payment was given back, in part or whole.
        case refund(AccountID?, references: [String], refundedUnits: Int64, paidUnits: Int64)
        /// Nothing, and why.
        case nothing(String)
        /// It should ask for something, and does not say what.
        case unclear(String)
    }

    /// Stripe's id of it.
    public let id: String
    /// Stripe's type.
    public let type: String
    /// What it asks for.
    public let wish: Wish

    /// Days after which bought credits expire unless the metadata says otherwise.
    public static let topUpDays: Int64 = 365
    /// Days that an allowance outlives its period, for a renewal that is paid late.
    public static let graceDays: Int64 = 3

    /// Reads an event; nil when it is none.
    public init?(_ json: JSONValue) {
        guard let id = json["id"]?.stringValue, (1...200).contains(id.utf8.count),
            let type = json["type"]?.stringValue, (1...100).contains(type.utf8.count),
            let object = json["data"]?["object"], object.objectValue != nil
        else { return nil }
        self.id = id
        self.type = type
        // No later than the year 9999, so that nothing overflows.
        let created = Timestamp(
            microseconds: min(max(json["created"]?.integerValue ?? 0, 0), 253_402_300_799) * 1_000_000
        )
        self.wish =
            switch type {
            // The second is told, long after the first, of a checkout that was paid by a debit or a transfer.
            case "checkout.session.completed", "checkout.session.async_payment_succeeded":
                Self.checkout(object, created)
            case "invoice.paid": Self.invoice(object)
            case "payment_intent.succeeded", "payment_intent.payment_failed":
                Self.payment(object, isPaid: type == "payment_intent.succeeded", created)
            case "charge.refunded": Self.refund(object)
            default: .nothing("not a type that is acted upon")
            }
    }

    // MARK: Kinds

    private static func checkout(_ object: JSONValue, _ created: Timestamp) -> Wish {
        guard object["mode"]?.stringValue ?? "payment" == "payment" else {
            return .nothing("a subscription, whose invoices count")
        }
        guard object["payment_status"]?.stringValue != "unpaid" else { return .nothing("not paid yet") }
        guard let metadata = object["metadata"], metadata["account"] != nil else { return .nothing("no account in it") }
        guard let account = account(metadata) else { return .unclear("metadata.account is no id of an account") }
        guard let amount = credits(metadata) else { return .unclear("metadata.credits is no number above 0") }
        guard let reference = object["payment_intent"]?.stringValue ?? object["id"]?.stringValue else {
            return .unclear("neither payment_intent nor id is in it")
        }
        guard let expiresAt = expiry(metadata, created) else {
            return .unclear("metadata.expires_days is no number from 1 to 3650")
        }
        return .topUp(account, amount: amount, reference: reference, expiresAt: expiresAt)
    }

    private static func invoice(_ object: JSONValue) -> Wish {
        let reason = object["billing_reason"]?.stringValue ?? "subscription_cycle"
        guard ["subscription_create", "subscription_cycle"].contains(reason) else {
            return .nothing("not the invoice of a period")
        }
        let line = object["lines"]?["data"]?.arrayValue?.first
        let places = [
            object["parent"]?["subscription_details"]?["metadata"], object["subscription_details"]?["metadata"],
            object["metadata"], line?["metadata"],
        ]
        guard let metadata = places.compactMap({ $0 }).first(where: { $0["account"] != nil }) else {
            return .nothing("no account in it")
        }
        guard let account = account(metadata) else { return .unclear("metadata.account is no id of an account") }
        guard let start = (line?["period"]?["start"] ?? object["period_start"])?.integerValue,
            let end = (line?["period"]?["end"] ?? object["period_end"])?.integerValue,
            (0...end).contains(start), end <= 253_402_300_799
        else { return .unclear("it has no period") }
        guard let reference = object["id"]?.stringValue else { return .unclear("it has no id") }
        let allowance = credits(metadata)
        guard allowance != nil || metadata["credits"] == nil else {
            return .unclear("metadata.credits is no number above 0")
        }
        return .renewal(
            account,
            period: String(Timestamp(microseconds: start * 1_000_000).rfc3339.prefix(10)),
            allowance: allowance,
            reference: reference,
            expiresAt: Timestamp(microseconds: end * 1_000_000).adding(seconds: graceDays * 86_400)
        )
    }

    private static func payment(_ object: JSONValue, isPaid: Bool, _ created: Timestamp) -> Wish {
        guard let metadata = object["metadata"], let text = metadata["attempt"]?.stringValue else {
            return .nothing("no attempt to top an account up")
        }
        guard let account = account(metadata) else { return .unclear("metadata.account is no id of an account") }
        guard let attempt = PotID(text: text) else { return .unclear("metadata.attempt is no id of an attempt") }
        guard isPaid else {
            let error = object["last_payment_error"]
            let code = error?["decline_code"]?.stringValue ?? error?["code"]?.stringValue ?? "payment_failed"
            return .topUpEnd(account, EndTopUp(attempt: attempt, outcome: .failed(code: String(code.prefix(40)))))
        }
        guard let amount = credits(metadata) else { return .unclear("metadata.credits is no number above 0") }
        guard let reference = object["id"]?.stringValue else { return .unclear("it has no id") }
        guard let expiresAt = expiry(metadata, created) else {
            return .unclear("metadata.expires_days is no number from 1 to 3650")
        }
        let outcome = EndTopUp.Outcome.paid(amount: amount, reference: reference, expiresAt: expiresAt)
        return .topUpEnd(account, EndTopUp(attempt: attempt, outcome: outcome))
    }

    private static func refund(_ object: JSONValue) -> Wish {
        let references = ["payment_intent", "invoice", "id"].compactMap { object[$0]?.stringValue }
        guard let paid = object["amount"]?.integerValue, paid > 0,
            let refunded = object["amount_refunded"]?.integerValue, (0...paid).contains(refunded), !references.isEmpty
        else { return .unclear("amount and amount_refunded are no amounts") }
        return .refund(
            object["metadata"].flatMap(account),
            references: references,
            refundedUnits: refunded,
            paidUnits: paid
        )
    }

    // MARK: Metadata

    private static func account(_ metadata: JSONValue) -> AccountID? {
        metadata["account"]?.stringValue.flatMap { AccountID(text: $0) }
    }

    private static func credits(_ metadata: JSONValue) -> Credits? {
        metadata["credits"]?.scalarText.flatMap { Credits(decimal: $0) }.flatMap { $0.isPositive ? $0 : nil }
    }

    private static func expiry(_ metadata: JSONValue, _ created: Timestamp) -> Timestamp? {
        guard let given = metadata["expires_days"] else { return created.adding(seconds: topUpDays * 86_400) }
        guard let days = given.scalarText.flatMap({ Int64($0) }), (1...3_650).contains(days) else { return nil }
        return created.adding(seconds: days * 86_400)
    }
}
