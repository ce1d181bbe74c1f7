import Ledger
import LedgerStore
import Postgres

/// An account's events up to a sequence, the latest first.
struct ReadTimeline: PostgresStatement {
    static let name = "console_read_timeline"
    static let sql = """
        SELECT \(EventColumns.list) FROM ledger.events
        WHERE journal = $1 AND account_id = $2 AND sequence <= $3 ORDER BY sequence DESC LIMIT $4
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int8, .int8]

    let place: AccountPlace
    let upTo: Int64
    let limit: Int

    func encode(into parameters: inout ParameterEncoder) {
        place.encode(into: &parameters)
        parameters.int8(upTo)
        parameters.int8(Int64(limit))
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Event { try EventColumns.decode(row) }
}

/// Where an account is.
struct AccountPlace: Hashable, Sendable {
    let journal: JournalID
    let account: AccountID

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
    }
}

/// Finds the last of events that are numbered without a gap and recorded in the order of their numbers, by halving.
enum Halving {
    /// - Parameters:
    ///   - event: what names one of them, up to its number.
    ///   - isEarly: what holds of `recorded_at` for those before the end that is looked for.
    ///   - last: the greatest number.
    static func sql(event: String, isEarly: String, last: String) -> String {
        let middle = "search.low + (search.high - search.low + 1) / 2"
        return """
            WITH RECURSIVE search (low, high) AS (
                SELECT 0::int8, \(last)
                UNION ALL
                SELECT
                    CASE WHEN probe.\(isEarly) THEN \(middle) ELSE search.low END,
                    CASE WHEN probe.\(isEarly) THEN search.high ELSE \(middle) - 1 END
                FROM search
                CROSS JOIN LATERAL (
                    SELECT events.recorded_at FROM ledger.events WHERE \(event) = \(middle) LIMIT 1
                ) probe
                WHERE search.low < search.high
            )
            SELECT low FROM search WHERE low = high
            """
    }
}

/// The last sequence of an account whose event was recorded by a moment, found by halving: an account's times strictly
/// increase. 0 when none was.
struct FindSequence: PostgresStatement {
    static let name = "console_find_sequence"
    static let sql = Halving.sql(
        event: "events.journal = $1 AND events.account_id = $2 AND events.sequence",
        isEarly: "recorded_at <= $3",
        last: "$4"
    )
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .timestamptz, .int8]

    let place: AccountPlace
    let moment: Timestamp
    /// The account's last sequence.
    let last: Int64

    func encode(into parameters: inout ParameterEncoder) {
        place.encode(into: &parameters)
        parameters.timestamptz(microseconds: moment.microseconds)
        parameters.int8(last)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}

/// The balance at evenly spaced sequences of an account: each is what the last event that moved credits had left.
/// Looks at no more than 1,000 events before each, so that a flood of refusals costs a bounded time.
struct SampleBalances: PostgresStatement {
    static let name = "console_sample_balances"
    static let sql = """
        SELECT point.sequence, moved.recorded_at, moved.balance_after, moved.held_after
        FROM (SELECT DISTINCT ($3 * step / $4)::int8 AS sequence FROM generate_series(1, $4) step) point
        CROSS JOIN LATERAL (
            SELECT recorded_at, balance_after, held_after FROM ledger.events
            WHERE journal = $1 AND account_id = $2 AND events.sequence <= point.sequence
                AND events.sequence > point.sequence - 1000 AND balance_after IS NOT NULL
            ORDER BY events.sequence DESC LIMIT 1
        ) moved
        ORDER BY point.sequence
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int8, .int8]

    /// What an account had.
    struct Point: Sendable {
        let sequence: Int64
        let at: Timestamp
        let balance: Credits
        let held: Credits
    }

    let place: AccountPlace
    /// The last sequence.
    let last: Int64
    let points: Int64

    func encode(into parameters: inout ParameterEncoder) {
        place.encode(into: &parameters)
        parameters.int8(last)
        parameters.int8(points)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Point {
        Point(
            sequence: try row.int8(0),
            at: try row.time(1),
            balance: try row.credits(2),
            held: try row.optionalCredits(3) ?? .zero
        )
    }
}

/// The events of a run among some hundred of its account's.
struct ReadRunEvents: PostgresStatement {
    static let name = "console_read_run_events"
    static let sql = """
        SELECT \(EventColumns.list) FROM ledger.events
        WHERE journal = $1 AND account_id = $2 AND sequence >= $3 AND sequence <= $4
            AND (execution_id = $5 OR request_id = $6)
        ORDER BY sequence LIMIT 200
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int8, .int8, .uuid, .uuid]

    let place: AccountPlace
    let sequences: ClosedRange<Int64>
    let run: ExecutionID
    let request: RequestID?

    func encode(into parameters: inout ParameterEncoder) {
        place.encode(into: &parameters)
        parameters.int8(sequences.lowerBound)
        parameters.int8(sequences.upperBound)
        parameters.uuid(run.postgresUUID)
        parameters.uuid(request?.postgresUUID)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Event { try EventColumns.decode(row) }
}
