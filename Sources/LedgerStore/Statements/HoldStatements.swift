internal import Ledger
internal import Postgres

/// Open holds by account and id.
struct LoadHolds: PostgresStatement {
    static let name = "load_holds"
    static let sql = """
        SELECT \(columns.qualified(by: "h")) FROM unnest($2::uuid[], $3::uuid[]) wanted (account_id, hold_id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.holds t
            WHERE t.journal = $1 AND t.account_id = wanted.account_id AND t.hold_id = wanted.hold_id OFFSET 0
        ) h
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .uuidArray]
    static let columns = "account_id, hold_id, execution_id, amount, grant_id, draws, expires_at, policy"

    let journal: JournalID
    let holds: [ProjectionRow<HoldID>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: holds) { $0.id($1.account) }
        parameters.column(.uuid, of: holds) { $0.id($1.value) }
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Hold> {
        guard let draws = Hold.draws(from: try row.text(5)) else {
            throw PostgresDecodingError(column: 5, reason: "draws that are no pairs of pot and amount")
        }
        let hold = Hold(
            id: try row.id(1),
            executionID: try row.id(2),
            amount: try row.credits(3),
            grantID: try row.optionalID(4),
            draws: draws,
            expiresAt: try row.time(6),
            policy: try row.word(7)
        )
        return ProjectionRow(try row.id(0), hold)
    }
}

/// Every open hold of some accounts that expired by a moment: with fewer of them, a refusal could be due to the others.
struct LoadExpiredHolds: PostgresStatement {
    static let name = "load_expired_holds"
    static let sql = """
        SELECT \(LoadHolds.columns.qualified(by: "h")) FROM unnest($2::uuid[]) wanted (id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.holds t
            WHERE t.journal = $1 AND t.account_id = wanted.id AND t.expires_at <= $3 OFFSET 0
        ) h
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .timestamptz]

    let journal: JournalID
    let accounts: [AccountID]
    let moment: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(accounts)
        parameters.timestamptz(microseconds: moment.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Hold> {
        try LoadHolds.decode(row)
    }
}

/// Open holds of a journal that expired by a moment, at most 1,000.
struct LoadJournalExpiredHolds: PostgresStatement {
    static let name = "load_journal_expired_holds"
    static let sql = "SELECT \(LoadHolds.columns) FROM ledger.holds WHERE journal = $1 AND expires_at <= $2 LIMIT 1000"
    static let parameterTypes: [PostgresType] = [.int2, .timestamptz]

    let journal: JournalID
    let moment: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.timestamptz(microseconds: moment.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Hold> {
        try LoadHolds.decode(row)
    }
}

/// Inserts the rows of holds that were opened. A hold ends as a whole, so a row never changes.
struct InsertHolds: PostgresStatement {
    typealias Row = Void
    static let name = "insert_holds"
    static let sql = """
        INSERT INTO ledger.holds (journal, \(LoadHolds.columns))
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9)
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .uuidArray, .uuidArray, .int8Array, .uuidArray, .textArray, .timestamptzArray, .textArray,
    ]

    let journal: JournalID
    let holds: [ProjectionRow<Hold>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: holds) { $0.id($1.account) }
        parameters.column(.uuid, of: holds) { $0.id($1.value.id) }
        parameters.column(.uuid, of: holds) { $0.id($1.value.executionID) }
        parameters.column(.int8, of: holds) { $0.credits($1.value.amount) }
        parameters.column(.uuid, of: holds) { $0.id($1.value.grantID) }
        parameters.column(.text, of: holds) { $0.text($1.value.drawsText) }
        parameters.column(.timestamptz, of: holds) { $0.time($1.value.expiresAt) }
        parameters.column(.text, of: holds) { $0.text($1.value.policy.rawValue) }
    }
}

/// Deletes the rows of holds that have ended.
struct DeleteHolds: PostgresStatement {
    typealias Row = Void
    static let name = "delete_holds"
    static let sql = """
        DELETE FROM ledger.holds WHERE ctid = ANY(ARRAY(
            SELECT h.ctid FROM unnest($2::uuid[], $3::uuid[]) ended (account_id, hold_id)
            CROSS JOIN LATERAL (
                SELECT t.ctid FROM ledger.holds t
                WHERE t.journal = $1 AND t.account_id = ended.account_id AND t.hold_id = ended.hold_id OFFSET 0
            ) h
        ))
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .uuidArray]

    let journal: JournalID
    let holds: [ProjectionRow<HoldID>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: holds) { $0.id($1.account) }
        parameters.column(.uuid, of: holds) { $0.id($1.value) }
    }
}
