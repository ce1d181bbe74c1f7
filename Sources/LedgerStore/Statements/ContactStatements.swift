internal import Ledger
internal import Postgres

/// How an account's owner can be reached.
struct LoadContact: AccountStatement {
    static let name = "load_contact"
    static let sql = "SELECT email FROM ledger.account_contacts WHERE journal = $1 AND account_id = $2"

    let journal: JournalID
    let account: AccountID

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> String { try row.text(0) }
}

/// Keeps how an account's owner can be reached; nothing happens for an account that does not exist.
struct PutContact: PostgresStatement {
    static let name = "put_contact"
    static let sql = """
        INSERT INTO ledger.account_contacts (journal, account_id, email, updated_at)
        SELECT a.journal, a.account_id, $3, $4 FROM ledger.accounts a WHERE a.journal = $1 AND a.account_id = $2
            AND NOT EXISTS (SELECT FROM ledger.erasures e WHERE e.journal = $1 AND e.account_id = $2)
        ON CONFLICT (journal, account_id) DO UPDATE SET email = excluded.email, updated_at = excluded.updated_at
        RETURNING email
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .text, .timestamptz]

    let journal: JournalID
    let account: AccountID
    let email: String
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.text(email)
        parameters.timestamptz(microseconds: now.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> String { try row.text(0) }
}

/// Forgets how an account's owner can be reached.
struct DeleteContact: AccountStatement {
    static let name = "delete_contact"
    static let sql = "DELETE FROM ledger.account_contacts WHERE journal = $1 AND account_id = $2 RETURNING email"

    let journal: JournalID
    let account: AccountID

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> String { try row.text(0) }
}
