internal import Ledger
internal import Postgres

/// Inserts which runs are nodes of which workflow's run. That never changes.
struct InsertNodeRuns: PostgresStatement {
    typealias Row = Void
    static let name = "insert_node_runs"
    static let columns = "account_id, execution_id, run_id, node, model"
    static let sql = """
        INSERT INTO ledger.workflow_nodes (journal, \(columns))
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6)
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .uuidArray, .uuidArray, .textArray, .textArray]

    let journal: JournalID
    let nodes: [ProjectionRow<NodeRun>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: nodes) { $0.id($1.account) }
        parameters.column(.uuid, of: nodes) { $0.id($1.value.executionID) }
        parameters.column(.uuid, of: nodes) { $0.id($1.value.place.run) }
        parameters.column(.text, of: nodes) { $0.text($1.value.place.node) }
        parameters.column(.text, of: nodes) { $0.text($1.value.model) }
    }
}

/// The nodes of some workflows' runs.
struct LoadNodeRuns: PostgresStatement {
    static let name = "load_node_runs"
    static let sql = """
        SELECT \(InsertNodeRuns.columns) FROM ledger.workflow_nodes WHERE journal = $1 AND run_id = ANY($2)
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]

    let journal: JournalID
    let runs: [ExecutionID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(runs)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<NodeRun> {
        let place = NodePlace(run: try row.id(2), node: try row.text(3))
        return ProjectionRow(try row.id(0), NodeRun(place: place, executionID: try row.id(1), model: try row.text(4)))
    }
}

/// The runs of an account that are nodes of one workflow's run, under way or ended.
struct LoadNodeExecutions: PostgresStatement {
    static let name = "load_node_executions"
    static let sql = """
        SELECT \(LoadEndedExecutions.columns.qualified(by: "x"))
        FROM ledger.workflow_nodes n
        JOIN ledger.executions x ON x.journal = $1 AND x.account_id = $2 AND x.execution_id = n.execution_id
        WHERE n.journal = $1 AND n.run_id = $3
        ORDER BY x.admitted_at
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .uuid]

    let journal: JournalID
    let account: AccountID
    let run: ExecutionID

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.uuid(run.postgresUUID)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Execution {
        try LoadEndedExecutions.decode(row).value
    }
}

struct ScanWorkflows: JournalScan {
    static let name = "scan_workflows"
    static let table = "workflows"
    static let sql = "SELECT \(LoadWorkflows.columns) FROM ledger.workflows WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Workflow> {
        try LoadWorkflows.decode(row)
    }
}

struct ScanNodeRuns: JournalScan {
    static let name = "scan_node_runs"
    static let table = "workflow_nodes"
    static let sql = "SELECT \(InsertNodeRuns.columns) FROM ledger.workflow_nodes WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<NodeRun> {
        try LoadNodeRuns.decode(row)
    }
}
