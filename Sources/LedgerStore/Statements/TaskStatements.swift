internal import Ledger
internal import Postgres

/// A task together with when it was first due and who has it, as an admission inserts it.
struct NewTask: Hashable, Sendable {
    let task: RunTask
    let callbackDigest: Digest
    let claimedBy: Int64?
    let nextActionAt: Timestamp
}

/// Inserts the tasks of runs that were admitted.
struct InsertTasks: PostgresStatement {
    typealias Row = Void
    static let name = "insert_tasks"
    static let sql = """
        INSERT INTO ledger.run_tasks (
            journal, execution_id, account_id, request_id, key_id, model, definition_version, inputs, is_async, quote,
            admitted_at, deadline_at, state, callback_digest, claimed_by, claims, next_action_at,
            traceparent, tracestate
        )
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
            unnest($10), unnest($11), unnest($12), unnest($13), unnest($14), unnest($15), unnest($16), unnest($17),
            unnest($18), unnest($19)
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .uuidArray, .uuidArray, .uuidArray, .textArray, .int4Array, .textArray, .boolArray,
        .int8Array, .timestamptzArray, .timestamptzArray, .textArray, .byteaArray, .int8Array, .int8Array,
        .timestamptzArray, .textArray, .textArray,
    ]

    let journal: JournalID
    let tasks: [NewTask]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: tasks) { $0.id($1.task.facts.executionID) }
        parameters.column(.uuid, of: tasks) { $0.id($1.task.facts.accountID) }
        parameters.column(.uuid, of: tasks) { $0.id($1.task.facts.requestID) }
        parameters.column(.uuid, of: tasks) { $0.id($1.task.facts.keyID) }
        parameters.column(.text, of: tasks) { $0.text($1.task.facts.model) }
        parameters.column(.int4, of: tasks) { $0.int4($1.task.facts.definitionVersion) }
        parameters.column(.text, of: tasks) { $0.text($1.task.facts.inputs) }
        parameters.column(.bool, of: tasks) { $0.bool($1.task.facts.isAsync) }
        parameters.column(.int8, of: tasks) { $0.credits($1.task.facts.quote) }
        parameters.column(.timestamptz, of: tasks) { $0.time($1.task.facts.admittedAt) }
        parameters.column(.timestamptz, of: tasks) { $0.time($1.task.facts.deadlineAt) }
        parameters.column(.text, of: tasks) { $0.text($1.task.state.rawValue) }
        parameters.column(.bytea, of: tasks) { $0.digest($1.callbackDigest) }
        parameters.column(.int8, of: tasks) { $0.int8($1.claimedBy) }
        parameters.column(.int8, of: tasks) { $0.int8($1.task.claim) }
        parameters.column(.timestamptz, of: tasks) { $0.time($1.nextActionAt) }
        parameters.column(.text, of: tasks) { $0.text($1.task.facts.trace?.parent) }
        parameters.column(.text, of: tasks) { $0.text($1.task.facts.trace?.state) }
    }
}

/// Gives due tasks of a journal to a process, each to one only, the longest due first.
struct ClaimTasks: PostgresStatement {
    static let name = "claim_tasks"
    static let columns = """
        execution_id, account_id, request_id, key_id, model, definition_version, inputs, is_async, quote, admitted_at,
        deadline_at, state, overdue, cancel, provider_request_id, provider_links, pending, attempts, claims,
        traceparent, tracestate
        """
    static let sql = """
        UPDATE ledger.run_tasks SET claimed_by = $4, claims = run_tasks.claims + 1, next_action_at = $5, hinted = false
        FROM (
            SELECT t.journal, t.execution_id FROM ledger.run_tasks t
            WHERE t.journal = $1 AND t.next_action_at <= $2
            ORDER BY t.journal, t.next_action_at LIMIT $3
            FOR UPDATE SKIP LOCKED
        ) due
        WHERE run_tasks.journal = due.journal AND run_tasks.execution_id = due.execution_id
        RETURNING \(columns.qualified(by: "run_tasks"))
        """
    static let parameterTypes: [PostgresType] = [.int2, .timestamptz, .int8, .int8, .timestamptz]

    let journal: JournalID
    let now: Timestamp
    let limit: Int
    let instance: Int64
    let until: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.timestamptz(microseconds: now.microseconds)
        parameters.int8(Int64(limit))
        parameters.int8(instance)
        parameters.timestamptz(microseconds: until.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> RunTask {
        let facts = RunTask.Facts(
            executionID: try row.id(0),
            accountID: try row.id(1),
            requestID: try row.optionalID(2),
            keyID: try row.id(3),
            model: try row.text(4),
            definitionVersion: try row.int4(5),
            inputs: try row.text(6),
            isAsync: try row.bool(7),
            quote: try row.credits(8),
            admittedAt: try row.time(9),
            deadlineAt: try row.time(10),
            trace: try row.trace(19)
        )
        var task = RunTask(facts, state: try row.word(11))
        task.isOverdue = try row.bool(12)
        task.cancel = try row.word(13)
        task.providerRequestID = try row.optionalText(14)
        task.providerLinks = try row.optionalText(15)
        task.pending = try row.optionalText(16)
        task.attempts = try row.int4(17)
        task.claim = try row.int8(18)
        return task
    }
}

/// Puts a task as it is after a step of whoever has it, if it still has it.
///
/// A free task that somebody has a hint for meanwhile is due at once.
struct PutTask: PostgresStatement {
    static let name = "put_task"
    static let sql = """
        UPDATE ledger.run_tasks SET
            state = $5, overdue = $6, cancel = CASE WHEN $7 = 'sent' THEN $7 ELSE cancel END,
            provider_request_id = $8, provider_links = $9, pending = $10, attempts = $11,
            callback_digest = coalesce($12, callback_digest),
            claimed_by = CASE WHEN $14 THEN NULL ELSE claimed_by END,
            next_action_at = CASE WHEN $14 AND hinted THEN least($13, $15) ELSE $13 END,
            hinted = hinted AND NOT $14
        WHERE journal = $1 AND execution_id = $2 AND claimed_by = $3 AND claims = $4
        RETURNING cancel
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuid, .int8, .int8, .text, .bool, .text, .text, .text, .text, .int4, .bytea, .timestamptz, .bool,
        .timestamptz,
    ]

    let journal: JournalID
    let task: RunTask
    let instance: Int64
    let callbackDigest: Digest?
    let nextActionAt: Timestamp
    let isLetGo: Bool
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(task.facts.executionID.postgresUUID)
        parameters.int8(instance)
        parameters.int8(task.claim)
        parameters.text(task.state.rawValue)
        parameters.bool(task.isOverdue)
        parameters.text(task.cancel.rawValue)
        parameters.text(task.providerRequestID)
        parameters.text(task.providerLinks)
        parameters.text(task.pending)
        parameters.int4(task.attempts)
        parameters.bytea(callbackDigest?.bytes)
        parameters.timestamptz(microseconds: nextActionAt.microseconds)
        parameters.bool(isLetGo)
        parameters.timestamptz(microseconds: now.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> RunTask.Cancel { try row.word(0) }
}

/// Prolongs the claims of a process on some tasks, and tells which have a hint.
struct RenewTasks: PostgresStatement {
    static let name = "renew_tasks"
    static let sql = """
        UPDATE ledger.run_tasks SET next_action_at = $4
        FROM unnest($2::uuid[]) held (id)
        WHERE journal = $1 AND execution_id = held.id AND claimed_by = $3
        RETURNING execution_id, hinted
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .int8, .timestamptz]

    let journal: JournalID
    let executions: [ExecutionID]
    let instance: Int64
    let until: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(executions)
        parameters.int8(instance)
        parameters.timestamptz(microseconds: until.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> (execution: ExecutionID, isHinted: Bool) {
        (try row.id(0), try row.bool(1))
    }
}

/// The processes that have tasks of a journal.
struct ReadTaskHolders: PostgresStatement {
    static let name = "read_task_holders"
    static let sql = """
        SELECT DISTINCT claimed_by FROM ledger.run_tasks WHERE journal = $1 AND claimed_by IS NOT NULL
        """
    static let parameterTypes: [PostgresType] = [.int2]

    let journal: JournalID

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}

/// Frees the tasks of processes that are gone.
struct FreeTasks: PostgresStatement {
    static let name = "free_tasks"
    static let sql = """
        UPDATE ledger.run_tasks SET next_action_at = $3 WHERE journal = $1 AND claimed_by = ANY($2)
        RETURNING execution_id
        """
    static let parameterTypes: [PostgresType] = [.int2, .int8Array, .timestamptz]

    let journal: JournalID
    let instances: [Int64]
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8Array(instances)
        parameters.timestamptz(microseconds: now.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ExecutionID { try row.id(0) }
}

/// Makes a run's task due now, if a digest is that of its callback's token.
struct HintTask: PostgresStatement {
    static let name = "hint_task"
    static let sql = """
        UPDATE ledger.run_tasks SET
            hinted = true, next_action_at = CASE WHEN claimed_by IS NULL THEN $4 ELSE next_action_at END
        WHERE journal = $1 AND execution_id = $2 AND callback_digest = $3
        RETURNING execution_id
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .bytea, .timestamptz]

    let execution: ExecutionID
    let digest: Digest
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(execution.journal)
        parameters.uuid(execution.postgresUUID)
        parameters.bytea(digest.bytes)
        parameters.timestamptz(microseconds: now.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ExecutionID { try row.id(0) }
}

/// The model of a run whose callback's token has a digest; nothing when there is no such task.
struct ReadCallback: PostgresStatement {
    static let name = "read_callback"
    static let sql = """
        SELECT model FROM ledger.run_tasks WHERE journal = $1 AND execution_id = $2 AND callback_digest = $3
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .bytea]

    let execution: ExecutionID
    let digest: Digest

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(execution.journal)
        parameters.uuid(execution.postgresUUID)
        parameters.bytea(digest.bytes)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> String { try row.text(0) }
}
