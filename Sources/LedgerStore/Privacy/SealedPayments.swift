internal import Ledger

/// Whom an account's attempts charge, as it is kept: both references sealed, in either table.
struct SealedPaymentMethod: Sendable {
    let customer: String
    let method: String
}

/// What an attempt asks the payment provider for, as it is kept.
struct SealedPaymentCharge: Sendable {
    let method: SealedPaymentMethod
    let units: Int64
    let currency: String
}

extension DataKey {
    /// A payment method, sealed.
    func seal(_ method: PaymentMethod) -> SealedPaymentMethod {
        SealedPaymentMethod(
            customer: seal(method.customer, for: .paymentCustomer),
            method: seal(method.method, for: .paymentMethod)
        )
    }

    /// What is compared in a payment method's place. No reference has a space in it.
    func commitment(to method: PaymentMethod) -> Digest {
        commitment(to: Array("payment method \(method.customer) \(method.method)".utf8))
    }
}

extension DataKey? {
    /// A payment method as it was set; nil when it was erased.
    func open(_ sealed: SealedPaymentMethod) -> PaymentMethod? {
        guard let customer = open(sealed.customer, for: .paymentCustomer),
            let method = open(sealed.method, for: .paymentMethod)
        else { return nil }
        return PaymentMethod(customer: customer, method: method)
    }
}
