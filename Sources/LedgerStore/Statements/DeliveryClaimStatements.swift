internal import Ledger
internal import Postgres

/// The processes that have deliveries of a journal.
struct ReadDeliveryHolders: PostgresStatement {
    static let name = "read_delivery_holders"
    static let sql = """
        SELECT DISTINCT claimed_by FROM ledger.webhook_deliveries WHERE journal = $1 AND claimed_by IS NOT NULL
        """
    static let parameterTypes: [PostgresType] = [.int2]

    let journal: JournalID

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}

/// Makes the deliveries of processes that are gone due. What they had begun stays an attempt: it may have arrived.
struct FreeDeliveries: PostgresStatement {
    static let name = "free_deliveries"
    static let sql = """
        UPDATE ledger.webhook_deliveries SET claimed_by = NULL, next_attempt_at = $3
        WHERE journal = $1 AND claimed_by = ANY($2) AND state = 'waiting'
        RETURNING key_id
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

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> KeyID { try row.id(0) }
}

/// The address that a run's end is reported to, and its report if there is one; nothing when nobody is told.
struct ReadDestination: PostgresStatement {
    typealias Row = (
        url: String, state: DeliveryState?, attempts: Int, nextAttemptAt: Timestamp?, account: AccountID
    )
    static let name = "read_destination"
    static let sql = """
        SELECT w.url, d.state, d.attempts, CASE WHEN d.claimed_by IS NULL THEN d.next_attempt_at END, w.account_id
        FROM ledger.webhooks w
        JOIN ledger.api_keys k ON k.journal = $1 AND k.key_id = w.key_id
        LEFT JOIN ledger.webhook_deliveries d ON d.journal = $1 AND d.delivery_id = $3
        WHERE w.journal = $1 AND w.key_id = $2 AND w.valid_from <= $4
            AND (w.valid_until IS NULL OR w.valid_until > $4)
            AND (
                d.delivery_id IS NOT NULL
                OR w.disabled_at IS NULL AND k.capabilities && ARRAY['webhook:receive', 'webhook:*', '*']
            )
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .uuid, .timestamptz]

    let journal: JournalID
    let key: KeyID
    let execution: ExecutionID
    let admittedAt: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(key.postgresUUID)
        parameters.uuid(execution.postgresUUID)
        parameters.timestamptz(microseconds: admittedAt.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Row {
        let state = try row.optionalText(1)
        return (
            url: try row.text(0),
            state: state.flatMap { DeliveryState(rawValue: $0) },
            attempts: Int(try row.optionalInt4(2) ?? 0),
            nextAttemptAt: try row.optionalTime(3),
            account: try row.id(4)
        )
    }
}
