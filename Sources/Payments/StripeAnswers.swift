import Administration
import Ledger
import Registry

/// What Stripe's answers say of an attempt.
extension StripePayments {
    /// What a payment intent has come to; nil for what is none, or not one of ours.
    static func outcome(of intent: JSONValue) -> PaymentOutcome? {
        guard let id = intent["id"]?.stringValue, (1...200).contains(id.utf8.count) else { return nil }
        switch intent["status"]?.stringValue {
        case "succeeded": return .paid(reference: id)
        // The second is seen for as long as its confirmation is being worked on.
        case "processing", "requires_confirmation": return .pending
        // Nobody is there to act, and no other way to pay is tried.
        case "requires_action", "requires_payment_method", "canceled":
            return .failed(code: code(of: intent["last_payment_error"]) ?? intent["status"]?.stringValue ?? "failed")
        default: return nil
        }
    }

    /// The outcome of an attempt's payment, if it is among some; the best of them, should there be several.
    static func outcome(
        of charge: TopUpCharge,
        among intents: [JSONValue]
    ) throws(PaymentFailure) -> PaymentOutcome? {
        let own = intents.filter { $0["metadata"]?["attempt"]?.stringValue == charge.attempt.description }
        var found: PaymentOutcome?
        for intent in own {
            guard let outcome = outcome(of: intent) else {
                throw PaymentFailure(.unknown, "a payment whose status \(intent["status"] ?? .null) says nothing")
            }
            switch (outcome, found) {
            case (.paid, _), (_, nil), (.pending, .failed?): found = outcome
            default: break
            }
        }
        return found
    }

    /// What an error means for an attempt: a payment method that is refused, or an account's references that do not exist,
    /// end it; anything else leaves open what became of it.
    static func outcome(of error: JSONValue, status: UInt) throws(PaymentFailure) -> PaymentOutcome {
        let isAboutAccount = ["customer", "payment_method", "amount"].contains(error["param"]?.stringValue)
        let isAboutMethod = error["code"]?.stringValue?.hasPrefix("payment_method_") == true
        switch status {
        case 402: return .failed(code: code(of: error) ?? "payment_failed")
        case 400 where error["type"] == "invalid_request_error" && (isAboutAccount || isAboutMethod):
            return .failed(code: code(of: error) ?? "invalid_request")
        default: throw failure(of: error, status: status)
        }
    }

    /// Whose fault an error is that leaves open what became of an attempt.
    static func failure(of error: JSONValue, status: UInt) -> PaymentFailure {
        // About a key, a message may quote it.
        let message = status == 401 ? nil : error["message"]
        let words = [error["type"], error["code"], error["param"], message].compactMap { $0?.stringValue }
        let text = "status \(status): \(words.joined(separator: ", "))"
        let isOpen = status == 409 || status == 429 || error["type"] == "idempotency_error"
        let kind: PaymentFailure.Kind =
            switch status {
            case 401, 403, 404: .refused
            case 400..<500 where !isOpen: .rejected
            default: .unknown
            }
        return PaymentFailure(kind, String(text.prefix(300)))
    }

    /// The most that an error says in a word.
    private static func code(of error: JSONValue?) -> String? {
        let code = error?["decline_code"]?.stringValue ?? error?["code"]?.stringValue
        return code.flatMap { (1...100).contains($0.utf8.count) ? $0 : nil }
    }
}
