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
            throw VerificationFinding(
                event,
                .position,
                "expected position \(position + 1), found \(event.position)",
                in: journal
            )
        }
        try states[event.content.accountID, default: LedgerState()].fold(event)
        position = event.position
        headHash = headHash.chained(with: event.hash)
    }

    /// What is wrong with a journal's head when it is not where its events end.
    func finding(of head: JournalHead) -> VerificationFinding? {
        if position == head.position, headHash == head.hash { return nil }
        return VerificationFinding(
            kind: .journalHead,
            journal: journal,
            position: position,
            account: nil,
            message: "the journal's head says position \(head.position), its events end at \(position)"
                + (position == head.position ? " with another hash" : "")
        )
    }
}

extension LedgerState {
    /// Folds one more event of the account, checking it against the ones before.
    ///
    /// - Throws: the first thing that is wrong with it; the state is then of no further use.
    mutating func fold(_ event: Event) throws(VerificationFinding) {
        guard event.version == Event.currentVersion else {
            throw VerificationFinding(event, .version, "event version \(event.version) is unknown")
        }
        let next = (account?.sequence ?? 0) + 1
        guard event.sequence == next else {
            throw VerificationFinding(event, .sequence, "expected sequence \(next), found \(event.sequence)")
        }
        guard event.previousHash == account?.headHash else {
            throw VerificationFinding(
                event,
                .previousHash,
                "previous_hash is not the hash of the account's event before"
            )
        }
        guard event.recomputedHash == event.hash else {
            throw VerificationFinding(event, .hash, "the hash does not match the columns")
        }
        if let account, event.content.recordedAt <= account.lastRecordedAt {
            throw VerificationFinding(event, .time, "recorded_at does not come after the account's event before")
        }
        do throws(FoldError) {
            try apply(event.content)
        } catch {
            throw VerificationFinding(event, .rule, error.description)
        }
        if let fault = costFault(of: event.content) { throw VerificationFinding(event, .rule, fault) }
        advance(to: event)
        changes = Changes()
        guard event.content.type.movesCredits else { return }
        guard event.content.balanceAfter == account?.posted, event.content.heldAfter == account?.held else {
            throw VerificationFinding(event, .balance, "balance_after or held_after is not the sum of the events")
        }
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

    init(_ event: Event, _ kind: Kind, _ message: String, in journal: JournalID? = nil) {
        self.init(
            kind: kind,
            journal: journal ?? event.journal,
            position: event.position,
            account: event.content.accountID,
            message: message
        )
    }

    /// One line that says where and what.
    public var description: String {
        var place = "journal \(journal)"
        if let position { place += ", position \(position)" }
        if let account { place += ", account \(account)" }
        return "\(place): \(message)"
    }
}
