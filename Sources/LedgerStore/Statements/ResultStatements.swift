internal import Ledger
internal import Postgres

/// How a run ended, for whoever asks later.
struct ResultRow: Hashable, Sendable {
    let executionID: ExecutionID
    let accountID: AccountID
    let report: RunReport
    let trace: TraceHeaders?
    let endedAt: Timestamp
}

/// Inserts the results of runs that have ended.
struct InsertResults: PostgresStatement {
    typealias Row = Void
    static let name = "insert_results"
    static let sql = """
        INSERT INTO ledger.execution_results (
            journal, execution_id, account_id, result, error_message, milliseconds, ended_at, traceparent, tracestate
        )
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9)
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .uuidArray, .textArray, .textArray, .int8Array, .timestamptzArray, .textArray,
        .textArray,
    ]

    let journal: JournalID
    let results: [ResultRow]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: results) { $0.id($1.executionID) }
        parameters.column(.uuid, of: results) { $0.id($1.accountID) }
        parameters.column(.text, of: results) { $0.text($1.report.result) }
        parameters.column(.text, of: results) { $0.text($1.report.errorMessage) }
        parameters.column(.int8, of: results) { $0.int8($1.report.milliseconds) }
        parameters.column(.timestamptz, of: results) { $0.time($1.endedAt) }
        parameters.column(.text, of: results) { $0.text($1.trace?.parent) }
        parameters.column(.text, of: results) { $0.text($1.trace?.state) }
    }
}

/// How some runs ended.
struct LoadResults: PostgresStatement {
    static let name = "load_results"
    static let sql = """
        SELECT r.execution_id, r.account_id, r.result, r.error_message, r.milliseconds, r.ended_at,
            r.traceparent, r.tracestate
        FROM unnest($2::uuid[]) wanted (id)
        JOIN ledger.execution_results r ON r.journal = $1 AND r.execution_id = wanted.id
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]

    let journal: JournalID
    let executions: [ExecutionID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(executions)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ResultRow {
        let report = RunReport(
            result: try row.optionalText(2),
            errorMessage: try row.optionalText(3),
            milliseconds: try row.int8(4)
        )
        return ResultRow(
            executionID: try row.id(0),
            accountID: try row.id(1),
            report: report,
            trace: try row.trace(6),
            endedAt: try row.time(5)
        )
    }
}

/// Deletes a bounded number of results of runs that were admitted before some id: ids begin with their time.
struct PurgeResults: PostgresStatement {
    static let name = "purge_results"
    static let sql = """
        DELETE FROM ledger.execution_results WHERE journal = $1 AND execution_id = ANY(ARRAY(
            SELECT r.execution_id FROM ledger.execution_results r
            WHERE r.journal = $1 AND r.execution_id < $2 ORDER BY r.journal, r.execution_id LIMIT $3
        ))
        RETURNING execution_id
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int8]

    let journal: JournalID
    let first: ExecutionID
    let limit: Int

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(first.postgresUUID)
        parameters.int8(Int64(limit))
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ExecutionID { try row.id(0) }
}

/// Counts a read of an account in a clock minute; gives the count with this one, or nothing when the minute is full.
struct CountRead: PostgresStatement {
    static let name = "count_read"
    static let sql = """
        INSERT INTO ledger.read_windows AS w (journal, account_id, minute, count) VALUES ($1, $2, $3, 1)
        ON CONFLICT (journal, account_id) DO UPDATE SET
            minute = greatest(w.minute, excluded.minute),
            count = CASE WHEN w.minute < excluded.minute THEN 1 ELSE w.count + 1 END
        WHERE w.minute < excluded.minute OR w.count < $4
        RETURNING count
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int8, .int8]

    let journal: JournalID
    let account: AccountID
    let minute: Int64
    let limit: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.int8(minute)
        parameters.int8(limit)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}
