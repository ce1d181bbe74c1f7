import Ledger
import Postgres

/// What a batch's commands do to personal data, in the transaction of their events: texts that events name, and keys that are
/// destroyed.
struct PrivacyChanges: Sendable {
    private var texts: [ProjectionRow<SealedText>] = []
    private var erased: [AccountID] = []

    /// Adds what one command does, given how it was decided.
    mutating func add(_ command: Command, _ side: PrivateSide?, _ decision: Decision) {
        guard decision.verdict == .done else { return }
        texts += (side?.texts ?? []).map { ProjectionRow(command.accountID, $0) }
        if case .eraseAccount = command.action { erased.append(command.accountID) }
    }

    func append(to unit: inout PipelineBatch, journal: JournalID, now: Timestamp) {
        if !texts.isEmpty { unit.append(InsertPrivateTexts(journal: journal, texts: texts)) }
        for account in erased {
            unit.append(DestroyDataKey(journal: journal, account: account, now: now))
            unit.append(InsertErasure(journal: journal, account: account, now: now))
        }
    }

    /// Whether a batch has anything to write here.
    var isEmpty: Bool { texts.isEmpty && erased.isEmpty }
}
