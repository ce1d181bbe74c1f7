internal import Ledger
internal import Postgres

/// The runs that have ended, by account and id.
struct LoadEndedExecutions: PostgresStatement {
    static let name = "load_ended_executions"
    static let sql = """
        SELECT \(columns.qualified(by: "e")) FROM unnest($2::uuid[], $3::uuid[]) wanted (account_id, execution_id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.ended_executions t
            WHERE t.journal = $1 AND t.account_id = wanted.account_id AND t.execution_id = wanted.execution_id OFFSET 0
        ) e
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .uuidArray]
    static let columns = """
        execution_id, account_id, request_id, key_id, model, grant_id, quote, price_version, instance, admitted_at,
        deadline_at, status, provider_request_id, charged, absorbed, error_code, ended_at, is_async, submitted_at,
        cancel_requested_at, provider_microusd, duration_ms
        """

    let journal: JournalID
    let executions: [ProjectionRow<ExecutionID>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: executions) { $0.id($1.account) }
        parameters.column(.uuid, of: executions) { $0.id($1.value) }
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Execution> {
        let id: ExecutionID = try row.id(0)
        var execution = Execution(
            id: id,
            requestID: try row.optionalID(2),
            keyID: try row.id(3),
            model: try row.text(4),
            holdID: HoldID(id.value),
            grantID: try row.optionalID(5),
            quote: try row.credits(6),
            priceVersion: try row.text(7),
            instance: try row.int8(8),
            admittedAt: try row.time(9),
            deadlineAt: try row.time(10),
            isAsync: try row.bool(17)
        )
        execution.status = try row.word(11)
        execution.providerRequestID = try row.optionalText(12)
        execution.charged = try row.credits(13)
        execution.absorbed = try row.credits(14)
        execution.errorCode = try row.optionalText(15)
        execution.endedAt = try row.optionalTime(16)
        execution.submittedAt = try row.optionalTime(18)
        execution.cancelRequestedAt = try row.optionalTime(19)
        execution.providerCost = try row.optionalInt8(20).map { MicroUSD(microdollars: $0) }
        execution.durationMilliseconds = try row.optionalInt8(21)
        return ProjectionRow(try row.id(1), execution)
    }
}

/// Inserts the rows of runs that have ended. A run ends once, so a row never changes.
struct InsertEndedExecutions: PostgresStatement {
    typealias Row = Void
    static let name = "insert_ended_executions"
    static let sql = """
        INSERT INTO ledger.ended_executions (journal, \(LoadEndedExecutions.columns))
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
            unnest($10), unnest($11), unnest($12), unnest($13), unnest($14), unnest($15), unnest($16), unnest($17),
            unnest($18), unnest($19), unnest($20), unnest($21), unnest($22), unnest($23)
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .uuidArray, .uuidArray, .uuidArray, .textArray, .uuidArray, .int8Array, .textArray,
        .int8Array, .timestamptzArray, .timestamptzArray, .textArray, .textArray, .int8Array, .int8Array, .textArray,
        .timestamptzArray, .boolArray, .timestamptzArray, .timestamptzArray, .int8Array, .int8Array,
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
        parameters.column(.int8, of: executions) { $0.int8($1.value.providerCost?.microdollars) }
        parameters.column(.int8, of: executions) { $0.int8($1.value.durationMilliseconds) }
    }
}

extension String {
    /// A list of column names with a table's alias before each.
    func qualified(by alias: String) -> String {
        split(separator: ",").map { name in "\(alias)." + name.drop { $0.isWhitespace } }.joined(separator: ", ")
    }
}
