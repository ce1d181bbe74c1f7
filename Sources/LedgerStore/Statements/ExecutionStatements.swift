internal import Ledger
internal import Postgres

/// The runs with some ids.
struct LoadExecutions: PostgresStatement {
    static let name = "load_executions"
    static let sql = """
        SELECT \(columns.qualified(by: "e")) FROM unnest($2::uuid[]) wanted (id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.executions t WHERE t.journal = $1 AND t.execution_id = wanted.id OFFSET 0
        ) e
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]
    static let columns = """
        execution_id, account_id, request_id, key_id, model, hold_id, grant_id, quote, price_version, instance,
        admitted_at, deadline_at, status, provider_request_id, charged, absorbed, error_code, ended_at, is_async,
        submitted_at, cancel_requested_at
        """

    let journal: JournalID
    let executions: [ExecutionID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(executions)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Execution> {
        var execution = Execution(
            id: try row.id(0),
            requestID: try row.optionalID(2),
            keyID: try row.id(3),
            model: try row.text(4),
            holdID: try row.id(5),
            grantID: try row.optionalID(6),
            quote: try row.credits(7),
            priceVersion: try row.text(8),
            instance: try row.int8(9),
            admittedAt: try row.time(10),
            deadlineAt: try row.time(11),
            isAsync: try row.bool(18)
        )
        execution.status = try row.word(12)
        execution.providerRequestID = try row.optionalText(13)
        execution.charged = try row.credits(14)
        execution.absorbed = try row.credits(15)
        execution.errorCode = try row.optionalText(16)
        execution.endedAt = try row.optionalTime(17)
        execution.submittedAt = try row.optionalTime(19)
        execution.cancelRequestedAt = try row.optionalTime(20)
        return ProjectionRow(try row.id(1), execution)
    }
}

/// Inserts the rows of runs that were admitted.
struct InsertExecutions: PostgresStatement {
    typealias Row = Void
    static let name = "insert_executions"
    static let sql = """
        INSERT INTO ledger.executions (journal, \(LoadExecutions.columns))
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
            unnest($10), unnest($11), unnest($12), unnest($13), unnest($14), unnest($15), unnest($16), unnest($17),
            unnest($18), unnest($19), unnest($20), unnest($21), unnest($22)
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .uuidArray, .uuidArray, .uuidArray, .textArray, .uuidArray, .uuidArray, .int8Array,
        .textArray, .int8Array, .timestamptzArray, .timestamptzArray, .textArray, .textArray, .int8Array, .int8Array,
        .textArray, .timestamptzArray, .boolArray, .timestamptzArray, .timestamptzArray,
    ]

    let journal: JournalID
    let executions: [ProjectionRow<Execution>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: executions) { $0.id($1.value.id) }
        parameters.column(.uuid, of: executions) { $0.id($1.account) }
        parameters.column(.uuid, of: executions) { $0.id($1.value.requestID) }
        parameters.column(.uuid, of: executions) { $0.id($1.value.keyID) }
        parameters.column(.text, of: executions) { $0.text($1.value.model) }
        parameters.column(.uuid, of: executions) { $0.id($1.value.holdID) }
        parameters.column(.uuid, of: executions) { $0.id($1.value.grantID) }
        parameters.column(.int8, of: executions) { $0.credits($1.value.quote) }
        parameters.column(.text, of: executions) { $0.text($1.value.priceVersion) }
        parameters.column(.int8, of: executions) { $0.int8($1.value.instance) }
        parameters.column(.timestamptz, of: executions) { $0.time($1.value.admittedAt) }
        parameters.column(.timestamptz, of: executions) { $0.time($1.value.deadlineAt) }
        parameters.column(.text, of: executions) { $0.text($1.value.status.rawValue) }
        parameters.column(.text, of: executions) { $0.text($1.value.providerRequestID) }
        parameters.column(.int8, of: executions) { $0.credits($1.value.charged) }
        parameters.column(.int8, of: executions) { $0.credits($1.value.absorbed) }
        parameters.column(.text, of: executions) { $0.text($1.value.errorCode) }
        parameters.column(.timestamptz, of: executions) { $0.time($1.value.endedAt) }
        parameters.column(.bool, of: executions) { $0.bool($1.value.isAsync) }
        parameters.column(.timestamptz, of: executions) { $0.time($1.value.submittedAt) }
        parameters.column(.timestamptz, of: executions) { $0.time($1.value.cancelRequestedAt) }
    }
}

/// Puts the rows of runs as they are now, whether or not they are there already. PostgreSQL refuses the id of another
/// account's run, because its owner would become NULL.
struct PutExecutions: PostgresStatement {
    typealias Row = Void
    static let name = "put_executions"
    static let sql = """
        \(InsertExecutions.sql)
        ON CONFLICT (journal, execution_id) DO UPDATE SET
            account_id = CASE WHEN executions.account_id = excluded.account_id THEN excluded.account_id END,
            status = excluded.status, provider_request_id = excluded.provider_request_id, charged = excluded.charged,
            absorbed = excluded.absorbed, error_code = excluded.error_code, ended_at = excluded.ended_at,
            submitted_at = excluded.submitted_at, cancel_requested_at = excluded.cancel_requested_at
        """
    static let parameterTypes = InsertExecutions.parameterTypes

    let journal: JournalID
    let executions: [ProjectionRow<Execution>]

    func encode(into parameters: inout ParameterEncoder) {
        InsertExecutions(journal: journal, executions: executions).encode(into: &parameters)
    }
}

/// The runs that have not ended and have no task: nobody but the process that took them goes on with them.
struct LoadOpenExecutions: PostgresStatement {
    static let name = "load_open_executions"
    static let sql = """
        SELECT \(LoadExecutions.columns.qualified(by: "e"))
        FROM ledger.holds h JOIN ledger.executions e ON e.journal = h.journal AND e.execution_id = h.execution_id
        WHERE h.journal = $1 AND NOT EXISTS (
            SELECT FROM ledger.run_tasks t WHERE t.journal = e.journal AND t.execution_id = e.execution_id
        )
        """
    static let parameterTypes: [PostgresType] = [.int2]

    let journal: JournalID

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Execution> {
        try LoadExecutions.decode(row)
    }
}

extension String {
    /// A list of column names with a table's alias before each.
    func qualified(by alias: String) -> String {
        split(separator: ",").map { name in "\(alias)." + name.drop { $0.isWhitespace } }.joined(separator: ", ")
    }
}
