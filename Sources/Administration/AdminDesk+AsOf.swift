public import Ledger
public import LedgerStore

/// Questions about the past.
extension AdminDesk {
    /// What an account had as of a point, as was known then and as is known now.
    public func balance(
        of account: AccountID,
        asOf point: LedgerStore.ReplayEnd
    ) async throws(AdminFailure) -> BalanceAsOf {
        let found = try await asking { () async throws(LedgerStoreError) in
            try await store.balance(of: account, asOf: point)
        }
        guard let found else { throw .refused(.accountUnknown) }
        return found
    }

    /// Why a number of an account is what it is as of a point.
    public func why(
        _ subject: WhySubject,
        of account: AccountID,
        asOf point: LedgerStore.ReplayEnd
    ) async throws(AdminFailure) -> Explanation {
        let found = try await asking { () async throws(LedgerStoreError) in
            try await store.why(subject, of: account, asOf: point)
        }
        guard let found else { throw .refused(.accountUnknown) }
        return found
    }
}
