public import Ledger
public import LedgerStore

/// How accounts are topped up by themselves, and whom that charges.
extension AdminDesk {
    /// Sets the rules of topping up, and whom it charges.
    ///
    /// - Parameters:
    ///   - rules: the rules; nil to switch it off, which also forgets whom it charged.
    ///   - method: whom it charges; nil leaves that as it is.
    ///   - account: whose.
    ///   - call: who asks for it.
    public func setTopUp(
        _ rules: AutoTopUp.Rules?,
        charging method: PaymentMethod?,
        of account: AccountID,
        _ call: AdminCall
    ) async throws(AdminFailure) {
        try await change(account, .setTopUpRules(rules), call)
        // After the ledger's word, so that a refusal changes nothing; asked again under its key, a request gets here again.
        try await asking { () async throws(LedgerStoreError) in
            if rules == nil {
                try await store.removePaymentMethod(of: account, by: call.actor, at: clock())
            } else if let method {
                try await store.setPaymentMethod(method, of: account, by: call.actor, at: clock())
            }
        }
    }

    /// How many attempts to top an account up have no known end, at most 100 of each journal, and how many accounts are
    /// topped up no more after failures in a row, at most 1,000 of each.
    public func topUpCounts() async throws(AdminFailure) -> (openAttempts: Int, openBreakers: Int) {
        try await asking { () async throws(LedgerStoreError) in
            (
                try await store.openTopUps(startedBefore: clock().adding(seconds: 1)).count,
                try await store.brokenTopUps().count
            )
        }
    }
}
