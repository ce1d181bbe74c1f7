internal import Ledger
internal import Postgres

/// What an account had as of a point, then and now.
struct ReadBalanceAsOf: PostgresStatement {
    static let name = "balance_as_of"
    static let sql = """
        SELECT journal, position, sequence, CASE WHEN isfinite(moment) THEN moment END, balance, held,
            balance_known_now, late_events::text[]
        FROM ledger.balance_as_of($1, $2, $3, $4)
        """
    static let parameterTypes: [PostgresType] = [.uuid, .timestamptz, .int8, .int8]

    let account: AccountID
    let point: LedgerStore.ReplayEnd

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(account.postgresUUID)
        var moment: Timestamp?
        var (sequence, position): (Int64?, Int64?) = (nil, nil)
        switch point {
        case .now: break
        case .time(let time): moment = time
        case .sequence(let last): sequence = last
        case .position(let last): position = last
        }
        parameters.timestamptz(microseconds: moment?.microseconds)
        parameters.int8(sequence)
        parameters.int8(position)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> BalanceAsOf {
        BalanceAsOf(
            journal: JournalID(try row.int2(0)),
            position: try row.optionalInt8(1),
            sequence: try row.optionalInt8(2),
            moment: try row.optionalTime(3),
            balance: try row.credits(4),
            held: try row.credits(5),
            balanceKnownNow: try row.credits(6),
            lateEvents: try row.textArray(7).compactMap { Int64($0) }
        )
    }
}

/// Why a number is what it is, as of a moment or of an event of the account's stream.
struct ExplainNumber: PostgresStatement {
    static let name = "why"
    static let sql = """
        SELECT sequence, position, recorded_at, type, change, rule, price_version, model, execution_id, pot_id, grant_id
        FROM ledger.why(
            $1, $2, $3, coalesce($4, ledger.sequence_as_of($1, coalesce($5, 'infinity'))), coalesce($5, 'infinity')
        )
        """
    static let parameterTypes: [PostgresType] = [.uuid, .text, .text, .int8, .timestamptz]

    let account: AccountID
    let subject: WhySubject
    let sequence: Int64?
    let moment: Timestamp?

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(account.postgresUUID)
        parameters.text(subject.name)
        parameters.text(subject.reference)
        parameters.int8(sequence)
        parameters.timestamptz(microseconds: moment?.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Explanation.Line {
        Explanation.Line(
            sequence: try row.int8(0),
            position: try row.int8(1),
            recordedAt: try row.time(2),
            type: try row.word(3),
            change: try row.optionalInt8(4),
            rule: try row.text(5),
            priceVersion: try row.optionalText(6),
            model: try row.optionalText(7),
            executionID: try row.optionalID(8),
            potID: try row.optionalID(9),
            grantID: try row.optionalID(10)
        )
    }
}

/// The sequence of an account's last event at or before a position of its journal; 0 when there is none.
struct FindSequence: PostgresStatement {
    static let name = "sequence_as_of"
    static let sql = "SELECT ledger.sequence_as_of($1, 'infinity', $2)"
    static let parameterTypes: [PostgresType] = [.uuid, .int8]

    let account: AccountID
    let position: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(account.postgresUUID)
        parameters.int8(position)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}

/// Whether a grant of an account is for a time, not for a number of runs.
struct AskWhetherGrantIsTimed: PostgresStatement {
    static let name = "ask_whether_grant_is_timed"
    static let sql = """
        SELECT window_seconds IS NOT NULL FROM ledger.grants
        WHERE journal = $1 AND account_id = $2 AND grant_id = $3
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .uuid]

    let journal: JournalID
    let account: AccountID
    let grant: GrantID

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.uuid(grant.postgresUUID)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Bool { try row.bool(0) }
}
