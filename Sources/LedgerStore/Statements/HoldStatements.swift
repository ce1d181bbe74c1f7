internal import Ledger
internal import Postgres

/// Open holds of some accounts: those with some ids, and those that expired by a moment.
struct LoadHolds: PostgresStatement {
    static let name = "load_holds"
    static let sql = """
        SELECT \(columns) FROM ledger.holds WHERE journal = $1 AND account_id = ANY($2) AND hold_id = ANY($3)
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .uuidArray]
    static let columns = "account_id, hold_id, execution_id, amount, grant_id, draws, expires_at, policy"

    let journal: JournalID
    let accounts: [AccountID]
    let holds: [HoldID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(accounts)
        parameters.identifiers(holds)
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
        SELECT \(LoadHolds.columns) FROM ledger.holds
        WHERE journal = $1 AND account_id = ANY($2) AND expires_at <= $3
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

/// Puts the rows of open holds as they are now.
struct PutHolds: PostgresStatement {
    typealias Row = Void
    static let name = "put_holds"
    static let sql = """
        INSERT INTO ledger.holds (journal, \(LoadHolds.columns))
        SELECT $1, * FROM unnest(
            $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::uuid[], $7::text[], $8::timestamptz[], $9::text[]
        )
        ON CONFLICT (journal, account_id, hold_id) DO UPDATE SET amount = excluded.amount, draws = excluded.draws
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
        DELETE FROM ledger.holds h USING unnest($2::uuid[], $3::uuid[]) ended (account_id, hold_id)
        WHERE h.journal = $1 AND h.account_id = ended.account_id AND h.hold_id = ended.hold_id
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
