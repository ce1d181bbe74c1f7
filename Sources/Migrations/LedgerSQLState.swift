/// The SQLSTATEs that the ledger's own SQL raises. A test compares them with the files.
public enum LedgerSQLState: String, Sendable, CaseIterable {
    /// An append-only row would have been changed or removed.
    case appendOnly = "LG010"
    /// An object of the ledger would have been changed outside of a migration window.
    case noMigrationWindow = "LG011"
    /// More partitions would be made than one call may.
    case positionTooFarAhead = "LG012"
    /// The verification of the ledger found something.
    case ledgerIsFaulty = "LG013"
}
