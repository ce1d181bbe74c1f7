internal import Ledger
internal import Postgres

/// Where a journal ends.
struct JournalHead: Hashable, Sendable {
    var position: Int64
    var hash: Digest
}

/// Locks a journal's head for the transaction: whoever holds it is the journal's only writer.
struct LockJournal: PostgresStatement {
    static let name = "lock_journal"
    static let sql = "SELECT position, head_hash FROM ledger.journals WHERE journal = $1 FOR NO KEY UPDATE"
    static let parameterTypes: [PostgresType] = [.int2]

    let journal: JournalID

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> JournalHead {
        JournalHead(position: try row.int8(0), hash: try row.digest(1))
    }
}

/// Reads a journal's head without locking it.
struct ReadJournalHead: PostgresStatement {
    static let name = "read_journal_head"
    static let sql = "SELECT position, head_hash FROM ledger.journals WHERE journal = $1"
    static let parameterTypes: [PostgresType] = [.int2]

    let journal: JournalID

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> JournalHead {
        try LockJournal.decode(row)
    }
}

/// Moves a journal's head.
struct AdvanceJournal: PostgresStatement {
    typealias Row = Void
    static let name = "advance_journal"
    static let sql = "UPDATE ledger.journals SET position = $2, head_hash = $3 WHERE journal = $1"
    static let parameterTypes: [PostgresType] = [.int2, .int8, .bytea]

    let journal: JournalID
    let head: JournalHead

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8(head.position)
        parameters.bytea(head.hash.bytes)
    }
}

/// The hash of the event at a position, to learn whether a batch was committed whose reply was lost.
struct ReadEventHash: PostgresStatement {
    static let name = "read_event_hash"
    static let sql = "SELECT hash FROM ledger.events WHERE journal = $1 AND position = $2"
    static let parameterTypes: [PostgresType] = [.int2, .int8]

    let journal: JournalID
    let position: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8(position)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Digest { try row.digest(0) }
}

/// A page of the hashes of a journal's events, in order.
struct ReadEventHashes: JournalPageStatement {
    static let name = "read_event_hashes"
    static let sql = """
        SELECT hash FROM ledger.events WHERE journal = $1 AND position > $2 AND position <= $3
        ORDER BY position LIMIT $4
        """

    let journal: JournalID
    let after: Int64
    let upTo: Int64
    let limit: Int64

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Digest { try row.digest(0) }
}

/// Makes sure that the partitions for positions up to one exist.
struct EnsureEventPartitions: PostgresStatement {
    typealias Row = Void
    static let name = "ensure_event_partitions"
    static let sql = "SELECT ledger.ensure_event_partitions($1)"
    static let parameterTypes: [PostgresType] = [.int8]

    let position: Int64

    func encode(into parameters: inout ParameterEncoder) { parameters.int8(position) }
}

/// What a ledger was created with.
struct LedgerIdentity: Hashable, Sendable {
    var name: String
    var journalCount: Int16
}

/// Reads what the ledger was created with; no row before it is created.
struct ReadLedgerIdentity: PostgresStatement {
    static let name = "read_ledger_identity"
    static let sql = "SELECT name, journal_count FROM ledger.ledger"
    static let parameterTypes: [PostgresType] = []

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> LedgerIdentity {
        LedgerIdentity(name: try row.text(0), journalCount: try row.int2(1))
    }
}

/// Creates the ledger, unless there is one.
struct CreateLedger: PostgresStatement {
    typealias Row = Void
    static let name = "create_ledger"
    static let sql = """
        INSERT INTO ledger.ledger (name, journal_count, created_at) VALUES ($1, $2, clock_timestamp())
        ON CONFLICT DO NOTHING
        """
    static let parameterTypes: [PostgresType] = [.text, .int2]

    let identity: LedgerIdentity

    func encode(into parameters: inout ParameterEncoder) {
        parameters.text(identity.name)
        parameters.int2(identity.journalCount)
    }
}

/// Creates the journals that the ledger says it has.
struct CreateJournals: PostgresStatement {
    typealias Row = Void
    static let name = "create_journals"
    static let sql = """
        INSERT INTO ledger.journals (journal)
        SELECT number::smallint FROM ledger.ledger, generate_series(0, journal_count - 1) number
        ON CONFLICT DO NOTHING
        """
    static let parameterTypes: [PostgresType] = []

    func encode(into parameters: inout ParameterEncoder) {}
}
