internal import Ledger
internal import Postgres

/// Notes an erasure that was decided, in the transaction of its event.
struct InsertErasure: PostgresStatement {
    typealias Row = Void
    static let name = "insert_erasure"
    static let sql = """
        INSERT INTO ledger.erasures (journal, account_id, decided_at) VALUES ($1, $2, $3)
        ON CONFLICT (journal, account_id) DO NOTHING
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .timestamptz]

    let journal: JournalID
    let account: AccountID
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.timestamptz(microseconds: now.microseconds)
    }
}

/// How far an account's erasure has come; nothing when none was decided.
struct LoadErasure: AccountStatement {
    static let name = "load_erasure"
    static let columns = """
        account_id, decided_at,
        ARRAY(SELECT t.key FROM jsonb_each_text(rows_erased::jsonb) t ORDER BY t.key),
        ARRAY(SELECT t.value FROM jsonb_each_text(rows_erased::jsonb) t ORDER BY t.key),
        rows_done_at, files_erased, finished_at
        """
    static let sql = "SELECT \(columns) FROM ledger.erasures WHERE journal = $1 AND account_id = $2"

    let journal: JournalID
    let account: AccountID

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Erasure {
        let tables = zip(try row.textArray(2), try row.textArray(3)).map { ($0, Int64($1) ?? 0) }
        return Erasure(
            account: try row.id(0),
            decidedAt: try row.time(1),
            rows: Dictionary(tables) { $1 },
            rowsDoneAt: try row.optionalTime(4),
            files: try row.int8(5),
            finishedAt: try row.optionalTime(6)
        )
    }
}

/// Some erasures of a journal that are not finished, at most 100: each time others, so that none waits behind those that
/// can't be carried out.
struct LoadOpenErasures: PostgresStatement {
    static let name = "load_open_erasures"
    static let sql = """
        SELECT \(LoadErasure.columns) FROM ledger.erasures
        WHERE journal = $1 AND finished_at IS NULL ORDER BY random() LIMIT 100
        """
    static let parameterTypes: [PostgresType] = [.int2]

    let journal: JournalID

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Erasure { try LoadErasure.decode(row) }
}

/// Notes that an account has no row with personal data left.
struct NoteRowsErased: PostgresStatement {
    typealias Row = Void
    static let name = "note_rows_erased"
    static let sql = """
        UPDATE ledger.erasures SET rows_done_at = coalesce(rows_done_at, $3) WHERE journal = $1 AND account_id = $2
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .timestamptz]

    let journal: JournalID
    let account: AccountID
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.timestamptz(microseconds: now.microseconds)
    }
}

/// Adds files to those that an erasure has removed; finishes it when a moment is given.
struct NoteFilesErased: PostgresStatement {
    typealias Row = Void
    static let name = "note_files_erased"
    static let sql = """
        UPDATE ledger.erasures SET files_erased = files_erased + $3, finished_at = coalesce(finished_at, $4)
        WHERE journal = $1 AND account_id = $2
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int8, .timestamptz]

    let journal: JournalID
    let account: AccountID
    let files: Int64
    let finishedAt: Timestamp?

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.int8(files)
        parameters.timestamptz(microseconds: finishedAt?.microseconds)
    }
}

/// Runs of an account that have ended, by id, after one.
struct ReadEndedRuns: PostgresStatement {
    static let name = "read_ended_runs"
    static let sql = """
        SELECT execution_id FROM ledger.ended_executions
        WHERE journal = $1 AND account_id = $2 AND execution_id > $3
        ORDER BY journal, account_id, execution_id LIMIT 500
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .uuid]

    let journal: JournalID
    let account: AccountID
    let after: ExecutionID

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.uuid(after.postgresUUID)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ExecutionID { try row.id(0) }
}

/// The event that decided an account's erasure. An erased account is closed, and little follows its erasure.
struct FindErasureEvent: AccountStatement {
    static let name = "find_erasure_event"
    static let sql = """
        SELECT \(EventColumns.list) FROM ledger.events
        WHERE journal = $1 AND account_id = $2 AND type = 'account.erased' ORDER BY sequence DESC LIMIT 1
        """

    let journal: JournalID
    let account: AccountID

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Event { try ReadEvents.decode(row) }
}
