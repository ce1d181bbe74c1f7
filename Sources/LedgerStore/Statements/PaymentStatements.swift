internal import Ledger
internal import Postgres

/// The payment provider's event with an id.
struct FindPaymentEvent: PostgresStatement {
    static let name = "find_payment_event"
    static let sql = "SELECT \(columns) FROM ledger.payment_events WHERE event_id = $1"
    static let parameterTypes: [PostgresType] = [.text]
    static let columns = "event_id, type, received_at, account_id, outcome, detail"

    let id: String

    func encode(into parameters: inout ParameterEncoder) { parameters.text(id) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> PaymentEventRecord {
        PaymentEventRecord(
            id: try row.text(0),
            type: try row.text(1),
            receivedAt: try row.time(2),
            accountID: try row.optionalID(3),
            outcome: try row.word(4),
            detail: try row.text(5)
        )
    }
}

/// Keeps an event of the payment provider, unless it is there.
struct InsertPaymentEvent: PostgresStatement {
    typealias Row = Void
    static let name = "insert_payment_event"
    static let sql = """
        INSERT INTO ledger.payment_events (\(FindPaymentEvent.columns)) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (event_id) DO NOTHING
        """
    static let parameterTypes: [PostgresType] = [.text, .text, .timestamptz, .uuid, .text, .text]

    let event: PaymentEventRecord

    func encode(into parameters: inout ParameterEncoder) {
        parameters.text(event.id)
        parameters.text(event.type)
        parameters.timestamptz(microseconds: event.receivedAt.microseconds)
        parameters.uuid(event.accountID?.postgresUUID)
        parameters.text(event.outcome.rawValue)
        parameters.text(event.detail)
    }
}

/// The latest events of the payment provider, the newest first.
struct LoadPaymentEvents: PostgresStatement {
    static let name = "load_payment_events"
    static let sql = """
        SELECT \(FindPaymentEvent.columns) FROM ledger.payment_events ORDER BY received_at DESC, event_id DESC LIMIT $1
        """
    static let parameterTypes: [PostgresType] = [.int8]

    let limit: Int64

    func encode(into parameters: inout ParameterEncoder) { parameters.int8(limit) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> PaymentEventRecord {
        try FindPaymentEvent.decode(row)
    }
}
