public import Ledger
import Postgres

/// What is open in a journal at one moment.
public struct JournalSample: Hashable, Sendable {
    /// The position of its latest event.
    public let position: Int64
    /// Positions that the webhooks' projection has not looked at yet.
    public let webhookLag: Int64
    /// Holds that are open.
    public let openHolds: Int64
    /// Runs whose fate is not known.
    public let unresolvedExecutions: Int64
    /// Erasures that were decided and are not finished.
    public let openErasures: Int64
    /// How long ago the oldest of them was decided; 0 for none.
    public let oldestErasureSeconds: Int64
}

extension LedgerStore {
    /// The most holds that a sample counts in a journal.
    public static let sampledHolds: Int64 = 100_000

    /// Counts what is open in a journal, in one statement; nil for a journal that the ledger does not have.
    public func sample(_ journal: JournalID) async throws(LedgerStoreError) -> JournalSample? {
        try await ask(SampleJournal(journal: journal, limit: Self.sampledHolds)).first
    }
}
