public import Ledger

/// What the use case needs of a ledger.
public protocol RunLedger: Sendable {
    /// The journal an account lives in.
    func journal(of account: AccountID) -> JournalID

    /// The key with an id, and whose it is; nil when there is none.
    func findKey(_ id: KeyID) async throws(LedgerFailure) -> (account: AccountID, key: APIKey)?

    /// Has a command decided; returns once its events are durable.
    func decide(_ command: Command) async throws(LedgerFailure) -> Verdict

    /// The runs of every journal whose holds are open.
    func openExecutions() async throws(LedgerFailure) -> [(account: AccountID, execution: Execution)]

    /// Holds that have expired by a moment with their runs, a bounded number of them.
    func expiredHolds(
        by moment: Timestamp
    ) async throws(LedgerFailure) -> [(account: AccountID, hold: Hold, execution: Execution)]

    /// The processes that are alive and dispatch runs, by their instance numbers.
    func liveInstances() async throws(LedgerFailure) -> Set<Int64>
}

/// Why the ledger gave no verdict.
public enum LedgerFailure: Error, Hashable, Sendable {
    /// Too much waits; nothing was recorded. Try again after a moment.
    case overloaded
    /// The ledger can't be reached.
    ///
    /// - Parameter mayHaveHappened: whether the command may have been carried out all the same.
    case unavailable(mayHaveHappened: Bool, reason: String)
}
