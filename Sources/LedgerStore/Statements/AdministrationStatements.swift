internal import Ledger
internal import Postgres

/// A journal's accounts after an id, in order of their ids.
struct LoadAccountPage: PostgresStatement {
    static let name = "load_account_page"
    static let sql = """
        SELECT \(LoadAccounts.columns) FROM ledger.accounts WHERE journal = $1 AND account_id > $2
        ORDER BY account_id LIMIT $3
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int8]

    let journal: JournalID
    let after: AccountID
    let limit: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(after.postgresUUID)
        parameters.int8(limit)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Account { try LoadAccounts.decode(row) }
}

/// A journal's accounts whose alert stands, the latest first.
struct LoadAlerts: PostgresStatement {
    static let name = "load_alerts"
    static let sql = """
        SELECT \(LoadAccounts.columns) FROM ledger.accounts WHERE journal = $1 AND alert_raised_at IS NOT NULL
        ORDER BY alert_raised_at DESC LIMIT 1000
        """
    static let parameterTypes: [PostgresType] = [.int2]

    let journal: JournalID

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Account { try LoadAccounts.decode(row) }
}

/// A pot of an account, and its pots whose refunds could not be taken back; empty ones too.
struct LoadSomePots: PostgresStatement {
    static let name = "load_some_pots"
    static let sql = """
        SELECT \(LoadPots.columns) FROM ledger.pots
        WHERE journal = $1 AND account_id = $2 AND (pot_id = $3 OR short > 0)
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .uuid]

    let journal: JournalID
    let account: AccountID
    let pot: PotID?

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.uuid(pot?.postgresUUID)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Pot> {
        try LoadPots.decode(row)
    }
}

/// Whose credits were bought with something; the earliest, should several accounts say so.
struct FindReference: PostgresStatement {
    static let name = "find_reference"
    static let sql = """
        SELECT account_id FROM ledger.pots WHERE reference = $1 ORDER BY added_at, pot_id LIMIT 1
        """
    static let parameterTypes: [PostgresType] = [.text]

    let reference: String

    func encode(into parameters: inout ParameterEncoder) { parameters.text(reference) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> AccountID { try row.id(0) }
}

/// Keeps what was asked for under a command's id, and says what was asked for under it first.
struct KeepOperatorRequest: PostgresStatement {
    static let name = "keep_operator_request"
    static let sql = """
        WITH kept AS (
            INSERT INTO ledger.operator_requests (command_id, fingerprint, received_at) VALUES ($1, $2, $3)
            ON CONFLICT (command_id) DO NOTHING RETURNING fingerprint
        )
        SELECT fingerprint FROM kept
        UNION ALL SELECT fingerprint FROM ledger.operator_requests WHERE command_id = $1
        LIMIT 1
        """
    static let parameterTypes: [PostgresType] = [.uuid, .bytea, .timestamptz]

    let command: CommandID
    let fingerprint: Digest
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(command.postgresUUID)
        parameters.bytea(fingerprint.bytes)
        parameters.timestamptz(microseconds: now.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Digest { try row.digest(0) }
}

/// Forgets what was asked for under a command's id, because it was refused.
struct ForgetOperatorRequest: PostgresStatement {
    typealias Row = Void
    static let name = "forget_operator_request"
    static let sql = "DELETE FROM ledger.operator_requests WHERE command_id = $1"
    static let parameterTypes: [PostgresType] = [.uuid]

    let command: CommandID

    func encode(into parameters: inout ParameterEncoder) { parameters.uuid(command.postgresUUID) }
}
