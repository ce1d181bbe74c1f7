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
        Self.finding(of: head, in: journal, position: position, hash: headHash)
    }

    /// What is wrong with a journal's head when its events end at a position, with a running hash.
    static func finding(
        of head: JournalHead,
        in journal: JournalID,
        position: Int64,
        hash: Digest
    ) -> VerificationFinding? {
        if position == head.position, hash == head.hash { return nil }
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
        try event.check(after: account.map { StreamLink($0) })
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

/// What the next event of an account has to follow.
struct StreamLink: Hashable, Sendable {
    let account: AccountID
    let sequence: Int64
    /// Of an account that is known; nil before its first event.
    let hash: Digest?
    let recordedAt: Timestamp

    init(account: AccountID, sequence: Int64, hash: Digest?, recordedAt: Timestamp) {
        self.account = account
        self.sequence = sequence
        self.hash = hash
        self.recordedAt = recordedAt
    }

    init(_ account: Account) {
        self.init(
            account: account.id,
            sequence: account.sequence,
            hash: account.headHash,
            recordedAt: account.lastRecordedAt
        )
    }

    init(_ event: Event) {
        self.init(
            account: event.content.accountID,
            sequence: event.sequence,
            hash: event.hash,
            recordedAt: event.content.recordedAt
        )
    }
}

extension Event {
    /// Checks what can be told of an event by the one before it in its account's stream.
    ///
    /// - Throws: the first thing that is wrong.
    func check(after before: StreamLink?) throws(VerificationFinding) {
        guard version == Event.currentVersion else {
            throw VerificationFinding(self, .version, "event version \(version) is unknown")
        }
        let next = (before?.sequence ?? 0) + 1
        guard sequence == next else {
            throw VerificationFinding(self, .sequence, "expected sequence \(next), found \(sequence)")
        }
        guard previousHash == before?.hash else {
            throw VerificationFinding(
                self,
                .previousHash,
                "previous_hash is not the hash of the account's event before"
            )
        }
        guard recomputedHash == hash else {
            throw VerificationFinding(self, .hash, "the hash does not match the columns")
        }
        if let before, content.recordedAt <= before.recordedAt {
            throw VerificationFinding(self, .time, "recorded_at does not come after the account's event before")
        }
    }
}

/// The first bad thing that a verification found.
public struct VerificationFinding: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of thing it is.
    public enum Kind: String, Hashable, Sendable {
        case position, version, sequence, previousHash, hash, time, rule, balance, journalHead, projection, unreadable,
            invoice
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

    static func noHead(of journal: JournalID) -> VerificationFinding {
        VerificationFinding(
            kind: .journalHead,
            journal: journal,
            position: nil,
            account: nil,
            message: "the journal has no row in journals"
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
