import Ledger
import LedgerStore
import Postgres

/// Every journal's head.
struct ReadHeads: PostgresStatement {
    static let name = "console_read_heads"
    static let sql = "SELECT journal, position, head_hash FROM ledger.journals ORDER BY journal"
    static let parameterTypes: [PostgresType] = []

    /// A journal's head.
    struct Head: Sendable {
        let journal: JournalID
        let position: Int64
        let hash: Digest
    }

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Head {
        Head(journal: JournalID(try row.int2(0)), position: try row.int8(1), hash: try row.digest(2))
    }
}

/// The latest events of a journal, the latest first.
struct ReadTail: PostgresStatement {
    static let name = "console_read_tail"
    static let sql = """
        SELECT \(EventColumns.list) FROM ledger.events
        WHERE journal = $1 AND position <= $2 AND position > $2 - $3 ORDER BY position DESC
        """
    static let parameterTypes: [PostgresType] = [.int2, .int8, .int8]

    let journal: JournalID
    let head: Int64
    let limit: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8(head)
        parameters.int8(limit)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Event { try EventColumns.decode(row) }
}

/// The last position of a journal that was recorded before a moment, found by halving. Several processes may write a journal,
/// and their clocks differ by little: ask for a moment somewhat earlier than the one that matters.
struct FindPosition: PostgresStatement {
    static let name = "console_find_position"
    static let sql = Halving.sql(
        event: "events.journal = $1 AND events.position",
        isEarly: "recorded_at < $2",
        last: "$3"
    )
    static let parameterTypes: [PostgresType] = [.int2, .timestamptz, .int8]

    let journal: JournalID
    let moment: Timestamp
    let head: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.timestamptz(microseconds: moment.microseconds)
        parameters.int8(head)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}

/// What some positions of a journal add to a day's counts.
struct CountEvents: PostgresStatement {
    static let name = "console_count_events"
    static let sql = """
        SELECT type, hour, model, code, sum(number)::int8, coalesce(sum(amount), 0)::int8, coalesce(sum(microusd), 0)::int8
        FROM (
            SELECT
                type,
                extract(hour FROM recorded_at AT TIME ZONE 'UTC')::int8 AS hour,
                CASE
                    WHEN type IN ('credits.debited', 'cost.absorbed') OR type LIKE 'execution.%' THEN model
                END AS model,
                CASE type
                    WHEN 'capability.denied' THEN 'CAPABILITY_DENIED'
                    WHEN 'rate_limit.exceeded' THEN 'RATE_LIMIT_EXCEEDED'
                    WHEN 'credits.refused' THEN 'INSUFFICIENT_CREDITS'
                    WHEN 'grant.refused' THEN 'grant_exhausted'
                    WHEN 'request.refused' THEN detail::json ->> 'code'
                END AS code,
                CASE type
                    WHEN 'rate_limit.exceeded' THEN coalesce((detail::json ->> 'refused')::int8, 1)
                    ELSE 1
                END AS number,
                amount,
                CASE type WHEN 'execution.succeeded' THEN (detail::json ->> 'provider_microusd')::int8 END AS microusd
            FROM ledger.events
            WHERE journal = $1 AND position > $2 AND position <= $3 AND recorded_at >= $4 AND recorded_at < $5
                AND type IN (
                    'capability.denied', 'rate_limit.exceeded', 'credits.refused', 'grant.refused', 'request.refused',
                    'request.received', 'credits.held', 'grant.held', 'credits.debited', 'credits.added', 'cost.absorbed',
                    'execution.succeeded', 'execution.failed', 'execution.cancelled', 'execution.unresolved'
                )
        ) AS counted
        GROUP BY type, hour, model, code
        """
    static let parameterTypes: [PostgresType] = [.int2, .int8, .int8, .timestamptz, .timestamptz]

    /// Events that are counted together.
    struct Group: Sendable {
        let type: EventType
        /// 0 to 23, in UTC.
        let hour: Int
        let model: String?
        let code: String?
        let number: Int64
        let amount: Credits
        let providerCost: MicroUSD
    }

    let journal: JournalID
    let after: Int64
    let upTo: Int64
    let day: Range<Timestamp>

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8(after)
        parameters.int8(upTo)
        parameters.timestamptz(microseconds: day.lowerBound.microseconds)
        parameters.timestamptz(microseconds: day.upperBound.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Group {
        Group(
            type: try row.word(0),
            hour: Int(try row.int8(1)),
            model: try row.optionalText(2),
            code: try row.optionalText(3),
            number: try row.int8(4),
            amount: try row.credits(5),
            providerCost: MicroUSD(microdollars: try row.int8(6))
        )
    }
}

/// What is wrong with the fences around the events; no row when they stand.
struct ReadFenceFaults: PostgresStatement {
    static let name = "console_read_fence_faults"
    static let sql = "SELECT object, fault FROM ledger.fence_faults() LIMIT 100"
    static let parameterTypes: [PostgresType] = []

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> (object: String, fault: String) {
        (try row.text(0), try row.text(1))
    }
}

/// Each journal's latest checkpoint that the ledger took down.
struct ReadLatestCheckpoints: PostgresStatement {
    static let name = "console_read_latest_checkpoints"
    static let sql = """
        SELECT latest.journal, latest.size, latest.recorded_at
        FROM ledger.journals
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.log_checkpoints
            WHERE log_checkpoints.journal = journals.journal ORDER BY size DESC LIMIT 1
        ) latest
        ORDER BY latest.journal
        """
    static let parameterTypes: [PostgresType] = []

    /// A checkpoint.
    struct Line: Sendable {
        let journal: JournalID
        /// Events that it covers.
        let size: Int64
        let recordedAt: Timestamp
    }

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Line {
        Line(journal: JournalID(try row.int2(0)), size: try row.int8(1), recordedAt: try row.time(2))
    }
}

/// The months that are closed, the latest first, at most 120.
struct ReadClosedMonths: PostgresStatement {
    static let name = "console_read_closed_months"
    static let sql = """
        SELECT month, count(*), sum(through)::int8, max(closed_at), max(actor) FROM ledger.closed_periods
        GROUP BY month ORDER BY month DESC LIMIT 120
        """
    static let parameterTypes: [PostgresType] = []

    /// A month.
    struct Line: Sendable {
        let month: String
        let journals: Int64
        /// Events up to its end, of all journals.
        let events: Int64
        let closedAt: Timestamp
        let actor: String?
    }

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Line {
        Line(
            month: try row.text(0),
            journals: try row.int8(1),
            events: try row.int8(2),
            closedAt: try row.time(3),
            actor: try row.optionalText(4)
        )
    }
}

/// When the ledger's first event was recorded; no row before there is one.
struct ReadBeginning: PostgresStatement {
    static let name = "console_read_beginning"
    static let sql = """
        SELECT min(first.recorded_at)
        FROM ledger.journals
        CROSS JOIN LATERAL (
            SELECT recorded_at FROM ledger.events WHERE events.journal = journals.journal AND position = 1
        ) first
        HAVING count(*) > 0
        """
    static let parameterTypes: [PostgresType] = []

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Timestamp { try row.time(0) }
}
