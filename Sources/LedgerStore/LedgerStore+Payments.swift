public import Ledger
import Postgres

/// Whom topping up charges, and for what.
extension LedgerStore {
    /// Whom an account's attempts charge; nil when nobody.
    public func paymentMethod(of account: AccountID) async throws(LedgerStoreError) -> PaymentMethod? {
        let loading = LoadPaymentMethod(journal: journal(of: account), account: account)
        guard let sealed = try await ask(loading).first else { return nil }
        return try await findDataKey(of: account).open(sealed)
    }

    /// Sets whom an account's attempts charge, and notes in the operators' log that it was set, not what it is.
    ///
    /// - Returns: whether that was another before.
    @discardableResult
    public func setPaymentMethod(
        _ method: PaymentMethod,
        of account: AccountID,
        by actor: Actor,
        at now: Timestamp
    ) async throws(LedgerStoreError) -> Bool {
        let key = try await dataKey(of: account)
        let statement = PutPaymentMethod(
            journal: journal(of: account),
            account: account,
            method: key.seal(method),
            commitment: key.commitment(to: method),
            now: now,
            actor: actor.description
        )
        return try await change(statement, noting: entry("payment_method.set", account, actor, now))
    }

    /// Forgets whom an account's attempts charge, and notes so in the operators' log.
    ///
    /// - Returns: whether it was known.
    @discardableResult
    public func removePaymentMethod(
        of account: AccountID,
        by actor: Actor,
        at now: Timestamp
    ) async throws(LedgerStoreError) -> Bool {
        let statement = DeletePaymentMethod(journal: journal(of: account), account: account)
        return try await change(statement, noting: entry("payment_method.removed", account, actor, now))
    }

    private func entry(
        _ action: String,
        _ account: AccountID,
        _ actor: Actor,
        _ now: Timestamp
    ) -> OperatorLogEntry {
        OperatorLogEntry(recordedAt: now, actor: actor.description, action: action, subject: account.description)
    }

    /// What an attempt of an account asks the payment provider for; nil when it has not been fixed.
    public func paymentCharge(
        of attempt: PotID,
        account: AccountID
    ) async throws(LedgerStoreError) -> PaymentCharge? {
        let loading = LoadPaymentCharge(journal: journal(of: account), attempt: attempt, account: account)
        guard let sealed = try await ask(loading).first else { return nil }
        let key = try await findDataKey(of: account)
        guard let method = key.open(sealed.method) else {
            // Erased, and there is no attempt any more; else never as if nothing had been asked for: it could be paid already.
            if key == nil { return nil }
            throw LedgerStoreError(.damaged, outcome: .rolledBack, "what attempt \(attempt) asks for can't be read")
        }
        return PaymentCharge(
            attempt: attempt,
            accountID: account,
            method: method,
            units: sealed.units,
            currency: sealed.currency
        )
    }

    /// Fixes what an attempt of an account asks the payment provider for, with the method that is set now.
    ///
    /// - Returns: what is fixed, which may have been before; nil when the account has no method.
    public func keepPaymentCharge(
        of attempt: PotID,
        account: AccountID,
        units: Int64,
        currency: String
    ) async throws(LedgerStoreError) -> PaymentCharge? {
        let statement = KeepPaymentCharge(
            journal: journal(of: account),
            account: account,
            attempt: attempt,
            units: units,
            currency: currency
        )
        _ = try await ask(statement)
        return try await paymentCharge(of: attempt, account: account)
    }
}
