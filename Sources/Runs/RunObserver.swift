public import Ledger

/// Who hears of what an operator should know.
public protocol RunObserver: Sendable {
    /// A run has an outcome that the ledger can't record yet.
    func settlementDelayed(_ execution: ExecutionID, _ failure: LedgerFailure)
    /// The ledger knows nothing of a run that was to be settled.
    func settlementRefused(_ execution: ExecutionID)
    /// A run of a process that is gone was recorded as unresolved.
    func foundAbandoned(_ execution: ExecutionID)
    /// A hold was ended by its definition's policy.
    func expired(_ execution: ExecutionID)
    /// The ledger can't be asked for tasks that are due.
    func workDelayed(_ failure: LedgerFailure)
}
