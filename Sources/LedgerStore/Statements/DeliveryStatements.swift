internal import Ledger
internal import Postgres

/// Makes a delivery of the event `webhook.test`, unless it was made already.
struct InsertTestDelivery: PostgresStatement {
    typealias Row = Void
    static let name = "insert_test_delivery"
    static let sql = """
        INSERT INTO ledger.webhook_deliveries (
            journal, delivery_id, key_id, webhook_version, account_id, event, created_at, next_attempt_at
        ) VALUES ($1, $2, $3, $4, $5, 'webhook.test', $6, $6)
        ON CONFLICT (journal, delivery_id) DO NOTHING
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .uuid, .int4, .uuid, .timestamptz]

    let journal: JournalID
    let id: Identifier128
    let key: KeyID
    let version: Int32
    let account: AccountID
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(id.postgresUUID)
        parameters.uuid(key.postgresUUID)
        parameters.int4(version)
        parameters.uuid(account.postgresUUID)
        parameters.timestamptz(microseconds: now.microseconds)
    }
}

/// Gives due deliveries of a journal to a process, each to one only, the longest due first, and reads what they report.
struct ClaimDeliveries: PostgresStatement {
    static let name = "claim_deliveries"
    static let sql = """
        WITH claimed AS (
            UPDATE ledger.webhook_deliveries SET
                attempts = webhook_deliveries.attempts + 1, next_attempt_at = $4, claimed_by = $6
            FROM (
                SELECT t.journal, t.delivery_id FROM ledger.webhook_deliveries t
                WHERE t.journal = $1 AND t.next_attempt_at <= $2 AND t.attempts < 10
                    AND NOT (t.key_id = ANY($5))
                ORDER BY t.journal, t.next_attempt_at LIMIT $3
                FOR UPDATE SKIP LOCKED
            ) due
            WHERE webhook_deliveries.journal = due.journal AND webhook_deliveries.delivery_id = due.delivery_id
            RETURNING webhook_deliveries.*
        )
        SELECT c.delivery_id, c.key_id, c.webhook_version, c.account_id, c.execution_id, c.event, c.attempts, c.created_at,
            w.url, w.secret, w.disabled_at, x.model, x.provider_request_id, x.charged, x.error_code, x.admitted_at,
            x.ended_at, r.result, r.error_message, r.milliseconds,
            ARRAY(
                SELECT DISTINCT n.model FROM ledger.workflow_nodes n
                WHERE n.journal = c.journal AND n.run_id = c.execution_id ORDER BY n.model
            ), r.traceparent, r.tracestate
        FROM claimed c
        JOIN ledger.webhooks w ON w.journal = c.journal AND w.key_id = c.key_id AND w.version = c.webhook_version
        LEFT JOIN ledger.executions x ON x.journal = c.journal AND x.execution_id = c.execution_id
        LEFT JOIN ledger.execution_results r ON r.journal = c.journal AND r.execution_id = c.execution_id
        """
    static let parameterTypes: [PostgresType] = [.int2, .timestamptz, .int8, .timestamptz, .uuidArray, .int8]

    let journal: JournalID
    let now: Timestamp
    let limit: Int
    let until: Timestamp
    let busyKeys: [KeyID]
    let instance: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.timestamptz(microseconds: now.microseconds)
        parameters.int8(Int64(limit))
        parameters.timestamptz(microseconds: until.microseconds)
        parameters.uuidArray(busyKeys.map(\.postgresUUID))
        parameters.int8(instance)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ClaimedDelivery {
        var delivery = ClaimedDelivery(
            id: Identifier128(try row.uuid(0)),
            key: try row.id(1),
            version: try row.int4(2),
            account: try row.id(3),
            event: try row.text(5),
            attempt: Int(try row.int4(6)),
            createdAt: try row.time(7),
            url: try row.text(8),
            secret: try row.text(9),
            isDisabled: try row.optionalTime(10) != nil
        )
        guard let execution = try row.optionalID(4) as ExecutionID? else { return delivery }
        delivery.run = ClaimedDelivery.Run(
            executionID: execution,
            model: try row.text(11),
            providerRequestID: try row.optionalText(12),
            charged: try row.credits(13),
            errorCode: try row.optionalText(14),
            admittedAt: try row.time(15),
            endedAt: try row.optionalTime(16),
            result: try row.optionalText(17),
            errorMessage: try row.optionalText(18),
            milliseconds: try row.optionalInt8(19),
            nodeModels: try row.textArray(20),
            trace: try row.trace(21)
        )
        return delivery
    }
}

/// Puts a delivery as it is after an attempt of whoever has it, if it still has it, and keeps the attempt.
struct PutAttempt: PostgresStatement {
    static let name = "put_attempt"
    static let sql = """
        WITH put AS (
            UPDATE ledger.webhook_deliveries SET state = $4, next_attempt_at = $5, ended_at = $6, claimed_by = NULL
            WHERE journal = $1 AND delivery_id = $2 AND attempts = $3 AND state = 'waiting'
            RETURNING delivery_id
        )
        INSERT INTO ledger.webhook_attempts (journal, delivery_id, attempt, started_at, milliseconds, status, error)
        SELECT $1, put.delivery_id, $3, $7, $8, $9, $10 FROM put
        ON CONFLICT (journal, delivery_id, attempt) DO NOTHING
        RETURNING attempt
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuid, .int4, .text, .timestamptz, .timestamptz, .timestamptz, .int8, .int4, .text,
    ]

    let journal: JournalID
    let id: Identifier128
    let attempt: DeliveryAttempt
    let state: DeliveryState
    let nextAttemptAt: Timestamp?
    let endedAt: Timestamp?

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(id.postgresUUID)
        parameters.int4(Int32(attempt.number))
        parameters.text(state.rawValue)
        parameters.timestamptz(microseconds: nextAttemptAt?.microseconds)
        parameters.timestamptz(microseconds: endedAt?.microseconds)
        parameters.timestamptz(microseconds: attempt.startedAt.microseconds)
        parameters.int8(attempt.milliseconds)
        parameters.int4(attempt.status.map { Int32($0) })
        parameters.text(attempt.error)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int32 { try row.int4(0) }
}

/// Ends deliveries whose last claim ran out without an outcome, so that none waits for ever.
struct EndAbandonedDeliveries: PostgresStatement {
    typealias Row = Void
    static let name = "end_abandoned_deliveries"
    static let sql = """
        UPDATE ledger.webhook_deliveries SET
            state = 'failed', next_attempt_at = NULL, ended_at = $2, claimed_by = NULL
        WHERE journal = $1 AND next_attempt_at <= $2 AND attempts >= 10
        """
    static let parameterTypes: [PostgresType] = [.int2, .timestamptz]

    let journal: JournalID
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.timestamptz(microseconds: now.microseconds)
    }
}

/// The latest deliveries of a key.
struct LoadDeliveries: PostgresStatement {
    static let name = "load_deliveries"
    static let sql = """
        SELECT d.delivery_id, d.execution_id, d.event, d.state, d.created_at, d.next_attempt_at, d.ended_at
        FROM ledger.webhook_deliveries d WHERE d.journal = $1 AND d.key_id = $2
        ORDER BY d.journal DESC, d.key_id DESC, d.created_at DESC LIMIT $3
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int8]

    let journal: JournalID
    let key: KeyID
    let limit: Int

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(key.postgresUUID)
        parameters.int8(Int64(limit))
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> DeliveryRecord {
        DeliveryRecord(
            id: Identifier128(try row.uuid(0)),
            executionID: try row.optionalID(1),
            event: try row.text(2),
            state: try row.word(3),
            createdAt: try row.time(4),
            nextAttemptAt: try row.optionalTime(5),
            endedAt: try row.optionalTime(6)
        )
    }
}

/// The attempts of some deliveries, in order.
struct LoadAttempts: PostgresStatement {
    static let name = "load_attempts"
    static let sql = """
        SELECT a.delivery_id, a.attempt, a.started_at, a.milliseconds, a.status, a.error
        FROM unnest($2::uuid[]) wanted (id)
        JOIN ledger.webhook_attempts a ON a.journal = $1 AND a.delivery_id = wanted.id
        ORDER BY a.delivery_id, a.attempt
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]

    let journal: JournalID
    let deliveries: [Identifier128]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuidArray(deliveries.map(\.postgresUUID))
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> (Identifier128, DeliveryAttempt) {
        let attempt = DeliveryAttempt(
            number: Int(try row.int4(1)),
            startedAt: try row.time(2),
            milliseconds: try row.int8(3),
            status: try row.optionalInt4(4).map { Int($0) },
            error: try row.optionalText(5)
        )
        return (Identifier128(try row.uuid(0)), attempt)
    }
}
