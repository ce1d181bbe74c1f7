internal import Ledger
internal import Postgres

/// How some accounts are topped up by themselves.
struct LoadTopUps: PostgresStatement {
    static let name = "load_top_ups"
    static let sql = """
        SELECT \(columns.qualified(by: "u")) FROM unnest($2::uuid[]) wanted (id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.auto_top_ups t WHERE t.journal = $1 AND t.account_id = wanted.id OFFSET 0
        ) u
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]
    static let columns = """
        account_id, threshold, amount, attempts_per_day, failures_to_open, attempt_id, attempt_amount,
        attempt_started_at, broken, failures, day, attempts_in_day
        """

    let journal: JournalID
    let accounts: [AccountID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(accounts)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<AutoTopUp> {
        var topUp = AutoTopUp()
        if let threshold = try row.optionalCredits(1) {
            topUp.rules = AutoTopUp.Rules(
                threshold: threshold,
                amount: try row.credits(2),
                attemptsPerDay: try row.int8(3),
                failuresToOpen: try row.int8(4)
            )
        }
        if let attempt: PotID = try row.optionalID(5) {
            topUp.attempt = AutoTopUp.Attempt(id: attempt, amount: try row.credits(6), startedAt: try row.time(7))
        }
        topUp.isBroken = try row.bool(8)
        topUp.failures = try row.int8(9)
        topUp.day = try row.int8(10)
        topUp.attemptsInDay = try row.int8(11)
        return ProjectionRow(try row.id(0), topUp)
    }
}

/// Puts the rows of topping up as they are now.
struct PutTopUps: PostgresStatement {
    typealias Row = Void
    static let name = "put_top_ups"
    static let sql = """
        INSERT INTO ledger.auto_top_ups (journal, \(LoadTopUps.columns))
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
            unnest($10), unnest($11), unnest($12), unnest($13)
        ON CONFLICT (journal, account_id) DO UPDATE SET
            threshold = excluded.threshold, amount = excluded.amount, attempts_per_day = excluded.attempts_per_day,
            failures_to_open = excluded.failures_to_open, attempt_id = excluded.attempt_id,
            attempt_amount = excluded.attempt_amount, attempt_started_at = excluded.attempt_started_at,
            broken = excluded.broken, failures = excluded.failures, day = excluded.day,
            attempts_in_day = excluded.attempts_in_day
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .int8Array, .int8Array, .int8Array, .int8Array, .uuidArray, .int8Array, .timestamptzArray,
        .boolArray, .int8Array, .int8Array, .int8Array,
    ]

    let journal: JournalID
    let topUps: [ProjectionRow<AutoTopUp>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: topUps) { $0.id($1.account) }
        parameters.column(.int8, of: topUps) { $0.credits($1.value.rules?.threshold) }
        parameters.column(.int8, of: topUps) { $0.credits($1.value.rules?.amount) }
        parameters.column(.int8, of: topUps) { $0.int8($1.value.rules?.attemptsPerDay) }
        parameters.column(.int8, of: topUps) { $0.int8($1.value.rules?.failuresToOpen) }
        parameters.column(.uuid, of: topUps) { $0.id($1.value.attempt?.id) }
        parameters.column(.int8, of: topUps) { $0.credits($1.value.attempt?.amount) }
        parameters.column(.timestamptz, of: topUps) { $0.time($1.value.attempt?.startedAt) }
        parameters.column(.bool, of: topUps) { $0.bool($1.value.isBroken) }
        parameters.column(.int8, of: topUps) { $0.int8($1.value.failures) }
        parameters.column(.int8, of: topUps) { $0.int8($1.value.day) }
        parameters.column(.int8, of: topUps) { $0.int8($1.value.attemptsInDay) }
    }
}

/// Accounts of a journal that an attempt may be due for and that can be charged; whether it is, the ledger decides. What has
/// expired and is not written off yet counts for nothing, as it does there.
struct LoadDueTopUps: PostgresStatement {
    static let name = "load_due_top_ups"
    static let sql = """
        SELECT u.account_id FROM ledger.auto_top_ups u
        JOIN ledger.accounts a ON a.journal = u.journal AND a.account_id = u.account_id
        JOIN ledger.payment_methods m ON m.journal = u.journal AND m.account_id = u.account_id
        WHERE u.journal = $1 AND u.attempt_id IS NULL AND NOT u.broken AND NOT a.closed
            AND a.posted - coalesce((
                SELECT sum(p.remaining) FROM ledger.pots p
                WHERE p.journal = u.journal AND p.account_id = u.account_id AND p.expires_at <= $3
            ), 0) < u.threshold
            AND (u.day <> $2 OR u.attempts_in_day < u.attempts_per_day)
        ORDER BY u.account_id LIMIT 100
        """
    static let parameterTypes: [PostgresType] = [.int2, .int8, .timestamptz]

    let journal: JournalID
    let moment: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8(moment.utcDay)
        parameters.timestamptz(microseconds: moment.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> AccountID { try row.id(0) }
}

/// Some attempts of a journal that were started before a moment and whose end is not known: each time others, so that none
/// waits behind those that take long.
struct LoadOpenTopUps: PostgresStatement {
    static let name = "load_open_top_ups"
    static let sql = """
        SELECT \(LoadTopUps.columns) FROM ledger.auto_top_ups WHERE journal = $1 AND attempt_started_at < $2
        ORDER BY random() LIMIT 100
        """
    static let parameterTypes: [PostgresType] = [.int2, .timestamptz]

    let journal: JournalID
    let moment: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.timestamptz(microseconds: moment.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<AutoTopUp> {
        try LoadTopUps.decode(row)
    }
}

/// Accounts of a journal whose breaker is open.
struct LoadBrokenTopUps: PostgresStatement {
    static let name = "load_broken_top_ups"
    static let sql = """
        SELECT \(LoadTopUps.columns) FROM ledger.auto_top_ups WHERE journal = $1 AND broken ORDER BY account_id LIMIT 1000
        """
    static let parameterTypes: [PostgresType] = [.int2]

    let journal: JournalID

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<AutoTopUp> {
        try LoadTopUps.decode(row)
    }
}
