internal import Ledger
internal import Postgres

/// Puts a new version of a key's webhook in force, after the one before was ended.
struct PutWebhook: PostgresStatement {
    static let name = "put_webhook"
    static let sql = """
        INSERT INTO ledger.webhooks (journal, key_id, version, account_id, url, secret, valid_from)
        SELECT $1, $2, coalesce(max(w.version), 0) + 1, $3, $4, $5, greatest($6, max(w.valid_from))
        FROM ledger.webhooks w WHERE w.journal = $1 AND w.key_id = $2
        RETURNING version
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .uuid, .text, .text, .timestamptz]

    let journal: JournalID
    let key: KeyID
    let account: AccountID
    let url: String
    let secret: String
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(key.postgresUUID)
        parameters.uuid(account.postgresUUID)
        parameters.text(url)
        parameters.text(secret)
        parameters.timestamptz(microseconds: now.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int32 { try row.int4(0) }
}

/// Ends the version of a key's webhook that is in force.
struct EndWebhook: PostgresStatement {
    static let name = "end_webhook"
    static let sql = """
        UPDATE ledger.webhooks SET valid_until = greatest($3, valid_from)
        WHERE journal = $1 AND key_id = $2 AND valid_until IS NULL
        RETURNING version
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .timestamptz]

    let journal: JournalID
    let key: KeyID
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(key.postgresUUID)
        parameters.timestamptz(microseconds: now.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int32 { try row.int4(0) }
}

/// The version of a key's webhook that is in force.
struct LoadWebhook: PostgresStatement {
    static let name = "load_webhook"
    static let sql = """
        SELECT version, url, secret, valid_from, disabled_at, account_id FROM ledger.webhooks
        WHERE journal = $1 AND key_id = $2 AND valid_until IS NULL
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid]

    let journal: JournalID
    let key: KeyID

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(key.postgresUUID)
    }

    static func decode(
        _ row: PostgresRow
    ) throws(PostgresDecodingError) -> (account: AccountID, version: WebhookVersion) {
        let version = WebhookVersion(
            number: try row.int4(0),
            url: try row.text(1),
            secret: try row.text(2),
            validFrom: try row.time(3),
            disabledAt: try row.optionalTime(4)
        )
        return (account: try row.id(5), version: version)
    }
}

/// Notes that a version's receiver wants no more.
struct DisableWebhook: PostgresStatement {
    typealias Row = Void
    static let name = "disable_webhook"
    static let sql = """
        UPDATE ledger.webhooks SET disabled_at = coalesce(disabled_at, $4)
        WHERE journal = $1 AND key_id = $2 AND version = $3
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int4, .timestamptz]

    let journal: JournalID
    let key: KeyID
    let version: Int32
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(key.postgresUUID)
        parameters.int4(version)
        parameters.timestamptz(microseconds: now.microseconds)
    }
}

/// Makes sure that a journal has a checkpoint.
struct EnsureWebhookCheckpoint: PostgresStatement {
    typealias Row = Void
    static let name = "ensure_webhook_checkpoint"
    static let sql = "INSERT INTO ledger.webhook_checkpoints (journal, position) VALUES ($1, 0) ON CONFLICT DO NOTHING"
    static let parameterTypes: [PostgresType] = [.int2]

    let journal: JournalID

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }
}

/// Turns the ends of asynchronous runs among a journal's next positions into deliveries, and moves the checkpoint, in one
/// statement: both happen or neither. A checkpoint that another process holds is left to it.
///
/// The webhook is the one that was in force when the run was admitted, if its key may receive and nobody has turned it off.
struct ProjectWebhooks: PostgresStatement {
    static let name = "project_webhooks"
    static let sql = """
        WITH due AS (
            SELECT c.position AS behind, least(j.position, c.position + $2) AS ahead
            FROM ledger.webhook_checkpoints c JOIN ledger.journals j ON j.journal = c.journal
            WHERE c.journal = $1 AND c.position < j.position
            FOR UPDATE OF c SKIP LOCKED
        ), made AS (
            INSERT INTO ledger.webhook_deliveries (
                journal, delivery_id, key_id, webhook_version, account_id, execution_id, event, created_at, next_attempt_at
            )
            SELECT $1, e.execution_id, w.key_id, w.version, e.account_id, e.execution_id,
                CASE e.type WHEN 'execution.succeeded' THEN 'execution.completed' ELSE e.type END,
                e.recorded_at, e.recorded_at
            FROM due
            JOIN ledger.events e ON e.journal = $1 AND e.position > due.behind AND e.position <= due.ahead
                AND e.type IN ('execution.succeeded', 'execution.failed', 'execution.cancelled')
            JOIN ledger.executions x ON x.journal = $1 AND x.account_id = e.account_id
                AND x.execution_id = e.execution_id AND x.is_async
            JOIN ledger.api_keys k ON k.journal = $1 AND k.key_id = x.key_id
                AND k.capabilities && ARRAY['webhook:receive', 'webhook:*', '*']
            JOIN ledger.webhooks w ON w.journal = $1 AND w.key_id = x.key_id AND w.valid_from <= x.admitted_at
                AND (w.valid_until IS NULL OR w.valid_until > x.admitted_at) AND w.disabled_at IS NULL
            ON CONFLICT (journal, delivery_id) DO NOTHING
            RETURNING 1
        ), moved AS (
            UPDATE ledger.webhook_checkpoints SET position = due.ahead FROM due WHERE webhook_checkpoints.journal = $1
            RETURNING webhook_checkpoints.position
        )
        SELECT due.ahead - due.behind, (SELECT count(*) FROM made) FROM due, moved
        """
    static let parameterTypes: [PostgresType] = [.int2, .int8]

    let journal: JournalID
    let positions: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8(positions)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> (positions: Int64, deliveries: Int64) {
        (try row.int8(0), try row.int8(1))
    }
}
