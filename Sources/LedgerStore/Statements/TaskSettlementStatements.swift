internal import Ledger
internal import Postgres

// What a batch does to tasks in the transaction of the events that make it so.

/// Which of some runs were certainly not sent, and now never will be: their tasks stay locked until the batch ends.
struct LockQueuedTasks: PostgresStatement {
    static let name = "lock_queued_tasks"
    static let sql = """
        SELECT t.execution_id FROM ledger.run_tasks t
        WHERE t.journal = $1 AND t.execution_id = ANY($2) AND t.state = 'queued'
        FOR UPDATE
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]

    let journal: JournalID
    let executions: [ExecutionID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(executions)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ExecutionID { try row.id(0) }
}

/// A task whose run the provider has accepted.
struct AcceptedTask: Hashable, Sendable {
    let executionID: ExecutionID
    let providerRequestID: String
    let polling: RecordSubmission.Polling
}

/// Notes what a provider gave for a run that it has accepted.
struct AcceptTasks: PostgresStatement {
    typealias Row = Void
    static let name = "accept_tasks"
    static let sql = """
        UPDATE ledger.run_tasks SET
            state = 'polling', provider_request_id = accepted.provider_request_id,
            provider_links = accepted.provider_links, attempts = 0,
            claimed_by = CASE WHEN accepted.first_poll_at IS NULL THEN claimed_by END,
            next_action_at = CASE
                WHEN accepted.first_poll_at IS NULL THEN next_action_at
                WHEN hinted THEN least(accepted.first_poll_at, $6)
                ELSE accepted.first_poll_at
            END,
            hinted = hinted AND accepted.first_poll_at IS NULL
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
            accepted (id, provider_request_id, provider_links, first_poll_at)
        WHERE journal = $1 AND execution_id = accepted.id AND state IN ('queued', 'submitting', 'looking_up')
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .textArray, .textArray, .timestamptzArray, .timestamptz,
    ]

    let journal: JournalID
    let tasks: [AcceptedTask]
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: tasks) { $0.id($1.executionID) }
        parameters.column(.text, of: tasks) { $0.text($1.providerRequestID) }
        parameters.column(.text, of: tasks) { $0.text($1.polling.links) }
        parameters.column(.timestamptz, of: tasks) { $0.time($1.polling.firstPollAt) }
        parameters.timestamptz(microseconds: now.microseconds)
    }
}

/// A change of some runs' tasks that makes them due at a moment.
protocol DatedTaskChange: PostgresStatement where Row == Void {
    var journal: JournalID { get }
    var executions: [ExecutionID] { get }
    var now: Timestamp { get }
}

extension DatedTaskChange {
    static var parameterTypes: [PostgresType] { [.int2, .uuidArray, .timestamptz] }

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(executions)
        parameters.timestamptz(microseconds: now.microseconds)
    }
}

/// Lets go of tasks whose runs were recorded as unresolved by whoever had them.
struct LetGoTasks: DatedTaskChange {
    static let name = "let_go_tasks"
    static let sql = """
        UPDATE ledger.run_tasks SET
            state = CASE WHEN state IN ('queued', 'submitting') THEN 'looking_up' ELSE state END,
            overdue = true, attempts = 0, claimed_by = NULL, next_action_at = $3
        FROM unnest($2::uuid[]) freed (id)
        WHERE journal = $1 AND execution_id = freed.id
        """

    let journal: JournalID
    let executions: [ExecutionID]
    let now: Timestamp
}

/// Passes wishes to cancel on to whoever has the tasks, or makes them due.
struct CancelTasks: DatedTaskChange {
    static let name = "cancel_tasks"
    static let sql = """
        UPDATE ledger.run_tasks SET
            cancel = CASE WHEN cancel = 'none' THEN 'requested' ELSE cancel END, hinted = true,
            next_action_at = CASE WHEN claimed_by IS NULL THEN $3 ELSE next_action_at END
        FROM unnest($2::uuid[]) cancelled (id)
        WHERE journal = $1 AND execution_id = cancelled.id
        """

    let journal: JournalID
    let executions: [ExecutionID]
    let now: Timestamp
}

/// Deletes the tasks of runs that have ended, and with them the inputs.
struct DeleteTasks: PostgresStatement {
    typealias Row = Void
    static let name = "delete_tasks"
    static let sql = """
        DELETE FROM ledger.run_tasks USING unnest($2::uuid[]) ended (id)
        WHERE journal = $1 AND execution_id = ended.id
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]

    let journal: JournalID
    let executions: [ExecutionID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(executions)
    }
}
