internal import Ledger
internal import Postgres

/// The first half of the advisory lock that one publisher of logs holds.
private let publisherLockClass: Int32 = 0x5255_4E50

/// Takes the publisher's lock unless another session has it; says whether this one has it now.
struct LockPublisher: PostgresStatement {
    static let name = "lock_publisher"
    // A lock that the session has already is not taken again: it would count up for as long as the process lives.
    static let sql = """
        SELECT CASE WHEN EXISTS (
            SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE l.locktype = 'advisory' AND l.classid::bigint = $1::bigint AND l.objid::bigint = 0 AND l.objsubid = 2
                AND l.granted AND l.pid = pg_backend_pid() AND d.datname = current_database()
        ) THEN true ELSE pg_try_advisory_lock($1, 0) END
        """
    static let parameterTypes: [PostgresType] = [.int4]

    func encode(into parameters: inout ParameterEncoder) { parameters.int4(publisherLockClass) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Bool { try row.bool(0) }
}

/// Where every journal ends.
struct ReadJournalPositions: PostgresStatement {
    static let name = "read_journal_positions"
    static let sql = "SELECT journal, position FROM ledger.journals ORDER BY journal"
    static let parameterTypes: [PostgresType] = []

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> (journal: JournalID, position: Int64) {
        (JournalID(try row.int2(0)), try row.int8(1))
    }
}

/// Takes a journal's checkpoint down as the next entry of the ledger's log, unless that has one as large. One that lost a race
/// for its place is not taken down: of two at a time, both find the same place free.
struct InsertLogCheckpoint: PostgresStatement {
    typealias Row = Void
    static let name = "insert_log_checkpoint"
    static let sql = """
        INSERT INTO ledger.log_checkpoints (position, journal, size, note, recorded_at)
        SELECT coalesce(max(position), 0) + 1, $1, $2, $3, clock_timestamp() FROM ledger.log_checkpoints
        HAVING NOT EXISTS (SELECT FROM ledger.log_checkpoints WHERE journal = $1 AND size >= $2)
        ON CONFLICT DO NOTHING
        """
    static let parameterTypes: [PostgresType] = [.int2, .int8, .text]

    let journal: JournalID
    let size: Int64
    let note: String

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8(size)
        parameters.text(note)
    }
}

/// A page of the entries of the ledger's log.
struct ReadLogCheckpoints: PostgresStatement {
    static let name = "read_log_checkpoints"
    static let columns = "position, journal, size, note"
    static let sql = """
        SELECT \(columns) FROM ledger.log_checkpoints WHERE position > $1 ORDER BY position LIMIT $2
        """
    static let parameterTypes: [PostgresType] = [.int8, .int8]

    let after: Int64
    let limit: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.int8(after)
        parameters.int8(limit)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> LogCheckpointRecord {
        LogCheckpointRecord(
            position: try row.int8(0),
            journal: JournalID(try row.int2(1)),
            size: try row.int8(2),
            note: try row.text(3)
        )
    }
}

/// A journal's latest checkpoint among the first entries of the ledger's log.
struct FindLogCheckpoint: PostgresStatement {
    static let name = "find_log_checkpoint"
    static let sql = """
        SELECT \(ReadLogCheckpoints.columns) FROM ledger.log_checkpoints
        WHERE journal = $1 AND position <= $2 ORDER BY size DESC LIMIT 1
        """
    static let parameterTypes: [PostgresType] = [.int2, .int8]

    let journal: JournalID
    let upTo: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8(upTo)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> LogCheckpointRecord {
        try ReadLogCheckpoints.decode(row)
    }
}

/// The events of a run in the part of its account's stream that its admission and its end are in.
struct ReadExecutionEvents: PostgresStatement {
    static let name = "read_execution_events"
    // 64: the events of one command are next to each other, and the moment is that of one of them.
    static let sql = """
        SELECT \(EventColumns.list) FROM ledger.events
        WHERE journal = $1 AND account_id = $2 AND execution_id = $3
            AND sequence >= (SELECT ledger.sequence_as_of($2, $4) - 64)
            AND sequence <= (SELECT CASE WHEN $5 IS NULL THEN 9223372036854775807
                ELSE ledger.sequence_as_of($2, $5) + 64 END)
        ORDER BY sequence
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .uuid, .timestamptz, .timestamptz]

    let journal: JournalID
    let account: AccountID
    let execution: ExecutionID
    let from: Timestamp
    let to: Timestamp?

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.uuid(execution.postgresUUID)
        parameters.timestamptz(microseconds: from.microseconds)
        parameters.timestamptz(microseconds: to?.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Event { try EventColumns.decode(row) }
}
