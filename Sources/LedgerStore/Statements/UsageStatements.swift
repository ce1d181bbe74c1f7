internal import Ledger
internal import Postgres

/// A page of an account's runs, the latest admission first; a workflow's run is one, and its nodes are none. Open runs are
/// few; those that have ended come in the order of an index, so that a page costs the rows that it passes over; the index
/// asks to be named by its predicate (migration 0011).
struct LoadUsage: PostgresStatement {
    static let name = "load_usage"
    static let sql = """
        SELECT \(LoadEndedExecutions.columns) FROM ledger.executions
        WHERE \(condition) AND admitted_at < coalesce($6, 'infinity')
        ORDER BY admitted_at DESC LIMIT $7 OFFSET $8
        """
    static let condition = """
        journal = $1 AND account_id = $2 AND (cardinality($3) = 0 OR status = ANY($3)) AND admitted_at > '-infinity'
            AND ($4::text IS NULL OR model = $4 OR (
                model LIKE 'workflow:%' AND EXISTS (
                    SELECT FROM ledger.workflow_nodes n
                    WHERE n.journal = $1 AND n.run_id = executions.execution_id AND n.model = $4
                )
            ))
            AND ($5::text IS NULL OR model = $5)
            AND NOT EXISTS (
                SELECT FROM ledger.workflow_nodes n WHERE n.journal = $1 AND n.execution_id = executions.execution_id
            )
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuid, .textArray, .text, .text, .timestamptz, .int8, .int8,
    ]

    let count: CountUsage
    let before: Timestamp?
    let limit: Int
    let offset: Int

    func encode(into parameters: inout ParameterEncoder) {
        count.encode(into: &parameters)
        parameters.timestamptz(microseconds: before?.microseconds)
        parameters.int8(Int64(limit))
        parameters.int8(Int64(offset))
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Execution {
        try LoadEndedExecutions.decode(row).value
    }
}

/// How many runs of an account there are.
struct CountUsage: PostgresStatement {
    static let name = "count_usage"
    static let sql = "SELECT count(*) FROM ledger.executions WHERE \(LoadUsage.condition)"
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .textArray, .text, .text]

    let journal: JournalID
    let account: AccountID
    /// Empty for all.
    let statuses: [Execution.Status]
    /// Nil for all.
    let model: String?
    /// The name of a workflow; nil for all.
    let workflow: String?

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.textArray(statuses.map(\.rawValue))
        parameters.text(model)
        parameters.text(workflow)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}
