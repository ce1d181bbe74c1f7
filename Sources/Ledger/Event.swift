/// What an event says, before the journal gives it its place.
///
/// The money facts are typed; `detail` carries what has no column, and everything the decision used.
public struct EventContent: Hashable, Sendable {
    /// What happened.
    public var type: EventType
    /// Whose stream this is.
    public var accountID: AccountID
    /// When the journal recorded it; strictly increasing in an account.
    public var recordedAt: Timestamp
    /// When it counts from; earlier than `recordedAt` only for a late fact.
    public var effectiveAt: Timestamp
    /// The command it answers.
    public var commandID: CommandID
    /// The HTTP request behind it.
    public var requestID: RequestID?
    /// The run it belongs to.
    public var executionID: ExecutionID?
    /// The API key behind it, or the key it is about.
    public var keyID: KeyID?
    /// The model's internal name, as asked for.
    public var model: String?
    /// The grant it is about.
    public var grantID: GrantID?
    /// The hold it opens or ends.
    public var holdID: HoldID?
    /// The pot it fills or empties.
    public var potID: PotID?
    /// The credits it moves; signed for `credits.adjusted` only.
    public var amount: Credits?
    /// Credits posted to the account after it.
    public var balanceAfter: Credits?
    /// Credits held after it.
    public var heldAfter: Credits?
    /// The version of the price rule it used.
    public var priceVersion: String?
    /// Everything else, as an object.
    public var detail: CanonicalJSON?

    /// Makes the content of an event with only what every event has.
    public init(_ type: EventType, account: AccountID, at recordedAt: Timestamp, command: CommandID) {
        self.type = type
        self.accountID = account
        self.recordedAt = recordedAt
        self.effectiveAt = recordedAt
        self.commandID = command
    }
}

/// A fact in a journal: its content, its place, and the hashes that hold it there.
public struct Event: Hashable, Sendable {
    /// The version of the canonical bytes that this code writes.
    public static let currentVersion: Int16 = 1

    /// The version of the canonical bytes.
    public let version: Int16
    /// The journal it is in.
    public let journal: JournalID
    /// Its place in the journal, from 1 without a gap.
    public let position: Int64
    /// Its place in the account's stream, from 1 without a gap.
    public let sequence: Int64
    /// What it says.
    public let content: EventContent
    /// The hash of the account's event before; nil for the account's first.
    public let previousHash: Digest?
    /// SHA-256 of 0x00 and the canonical bytes.
    public let hash: Digest

    /// Puts content in its place and hashes it.
    public init(
        sealing content: EventContent,
        journal: JournalID,
        position: Int64,
        sequence: Int64,
        previousHash: Digest?
    ) {
        self.version = Self.currentVersion
        self.journal = journal
        self.position = position
        self.sequence = sequence
        self.content = content
        self.previousHash = previousHash
        self.hash = CanonicalBytes.hash(
            version: Self.currentVersion,
            journal: journal,
            position: position,
            sequence: sequence,
            content: content,
            previousHash: previousHash
        )
    }

    /// An event as it was read, with the hash that was stored beside it; nothing is checked.
    public init(
        version: Int16,
        journal: JournalID,
        position: Int64,
        sequence: Int64,
        content: EventContent,
        previousHash: Digest?,
        storedHash: Digest
    ) {
        self.version = version
        self.journal = journal
        self.position = position
        self.sequence = sequence
        self.content = content
        self.previousHash = previousHash
        self.hash = storedHash
    }

    /// The hash recomputed from what the event says.
    public var recomputedHash: Digest {
        CanonicalBytes.hash(
            version: version,
            journal: journal,
            position: position,
            sequence: sequence,
            content: content,
            previousHash: previousHash
        )
    }

    /// The bytes that its hash covers.
    public var canonicalBytes: [UInt8] {
        CanonicalBytes.bytes(
            version: version,
            journal: journal,
            position: position,
            sequence: sequence,
            content: content,
            previousHash: previousHash
        )
    }
}
