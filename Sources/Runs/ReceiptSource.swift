public import Ledger

/// Gives receipts of runs: proofs that the ledger has published what it says of them.
public protocol ReceiptSource: Sendable {
    /// A run's receipts as text, one or more of c2sp.org/tlog-proof; nil while they are not published.
    ///
    /// - Parameters:
    ///   - execution: the run, as it is now.
    ///   - account: whose it is.
    func receipt(of execution: Execution, for account: AccountID) async throws -> String?
}
