public import Ledger

/// The fold of a whole journal, checking each event against the ones before: what verify, rebuild and replay share.
public struct JournalFold: Sendable {
    /// The journal.
    public let journal: JournalID
    /// The position of the last event folded.
    public private(set) var position: Int64 = 0
    /// The running hash over the events' hashes.
    public private(set) var headHash = Digest.zero
    /// What is known of each account.
    public private(set) var states: [AccountID: LedgerState] = [:]

    /// Starts before the journal's first event.
    public init(journal: JournalID) { self.journal = journal }

    /// Folds one more event.
    ///
    /// - Throws: the first thing that is wrong with it: its place in the journal or the account's stream, its hashes,
    ///   its time, or that it can't follow from what came before.
    public mutating func add(_ event: Event) throws(VerificationFinding) {
        guard event.journal == journal, event.position == position + 1 else {
            throw finding(event, .position, "expected position \(position + 1), found \(event.position)")
        }
        guard event.version == Event.currentVersion else {
            throw finding(event, .version, "event version \(event.version) is unknown")
        }
        let id = event.content.accountID
        let account = states[id]?.account
        let expectedSequence = (account?.sequence ?? 0) + 1
        guard event.sequence == expectedSequence else {
            throw finding(event, .sequence, "expected sequence \(expectedSequence), found \(event.sequence)")
        }
        guard event.previousHash == account?.headHash else {
            throw finding(event, .previousHash, "previous_hash is not the hash of the account's event before")
        }
        guard event.recomputedHash == event.hash else {
            throw finding(event, .hash, "the hash does not match the columns")
        }
        if let account, event.content.recordedAt <= account.lastRecordedAt {
            throw finding(event, .time, "recorded_at does not come after the account's event before")
        }
        do throws(FoldError) {
            try states[id, default: LedgerState()].apply(event.content)
        } catch {
            throw finding(event, .rule, error.description)
        }
        states[id]?.advance(to: event)
        states[id]?.changes = LedgerState.Changes()
        try checkSums(event, states[id]?.account)
        position = event.position
        headHash = headHash.chained(with: event.hash)
    }

    private func checkSums(_ event: Event, _ account: Account?) throws(VerificationFinding) {
        guard event.content.type.movesCredits else { return }
        guard event.content.balanceAfter == account?.posted, event.content.heldAfter == account?.held else {
            throw finding(event, .balance, "balance_after or held_after is not the sum of the events")
        }
    }

    private func finding(_ event: Event, _ kind: VerificationFinding.Kind, _ message: String) -> VerificationFinding {
        VerificationFinding(
            kind: kind,
            journal: journal,
            position: event.position,
            account: event.content.accountID,
            message: message
        )
    }
}

/// The first bad thing that a verification found.
public struct VerificationFinding: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of thing it is.
    public enum Kind: String, Hashable, Sendable {
        case position, version, sequence, previousHash, hash, time, rule, balance, journalHead, projection, unreadable
    }

    /// What kind of thing it is.
    public let kind: Kind
    /// The journal it is in.
    public let journal: JournalID
    /// The position of the event, where there is one.
    public let position: Int64?
    /// The account, where there is one.
    public let account: AccountID?
    /// What is wrong, for a person.
    public let message: String

    /// Makes a finding.
    public init(kind: Kind, journal: JournalID, position: Int64?, account: AccountID?, message: String) {
        self.kind = kind
        self.journal = journal
        self.position = position
        self.account = account
        self.message = message
    }

    /// One line that says where and what.
    public var description: String {
        var place = "journal \(journal)"
        if let position { place += ", position \(position)" }
        if let account { place += ", account \(account)" }
        return "\(place): \(message)"
    }
}
