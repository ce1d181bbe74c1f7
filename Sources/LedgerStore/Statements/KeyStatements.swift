internal import Ledger
internal import Postgres

/// The keys with some ids.
struct LoadKeys: PostgresStatement {
    static let name = "load_keys"
    static let sql = "SELECT \(columns) FROM ledger.api_keys WHERE journal = $1 AND key_id = ANY($2)"
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]
    static let columns = "key_id, account_id, name, secret_digest, capabilities, issued_at, revoked_at"

    let journal: JournalID
    let keys: [KeyID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(keys)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<APIKey> {
        var key = APIKey(
            id: try row.id(0),
            name: try row.text(2),
            secretDigest: try row.digest(3),
            capabilities: try row.textArray(4).compactMap { Capability($0) },
            issuedAt: try row.time(5)
        )
        key.revokedAt = try row.optionalTime(6)
        return ProjectionRow(try row.id(1), key)
    }
}

/// Puts the row of a key as it is now. One at a time: keys are issued one at a time.
struct PutKey: PostgresStatement {
    typealias Row = Void
    static let name = "put_key"
    static let sql = """
        INSERT INTO ledger.api_keys (journal, \(LoadKeys.columns)) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (journal, key_id) DO UPDATE SET revoked_at = excluded.revoked_at
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuid, .uuid, .text, .bytea, .textArray, .timestamptz, .timestamptz,
    ]

    let journal: JournalID
    let key: ProjectionRow<APIKey>

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(key.value.id.postgresUUID)
        parameters.uuid(key.account.postgresUUID)
        parameters.text(key.value.name)
        parameters.bytea(key.value.secretDigest.bytes)
        parameters.textArray(key.value.capabilities.map(\.text))
        parameters.timestamptz(microseconds: key.value.issuedAt.microseconds)
        parameters.timestamptz(microseconds: key.value.revokedAt?.microseconds)
    }
}

/// Which of some administrative commands were carried out before.
struct LoadCommands: PostgresStatement {
    static let name = "load_commands"
    static let sql = """
        SELECT account_id, command_id FROM ledger.commands
        WHERE journal = $1 AND account_id = ANY($2) AND command_id = ANY($3)
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .uuidArray]

    let journal: JournalID
    let accounts: [AccountID]
    let commands: [CommandID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(accounts)
        parameters.identifiers(commands)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<CommandID> {
        ProjectionRow(try row.id(0), try row.id(1))
    }
}

/// Notes administrative commands as carried out.
struct PutCommands: PostgresStatement {
    typealias Row = Void
    static let name = "put_commands"
    static let sql = """
        INSERT INTO ledger.commands (journal, account_id, command_id) SELECT $1, * FROM unnest($2::uuid[], $3::uuid[])
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .uuidArray]

    let journal: JournalID
    let commands: [ProjectionRow<CommandID>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: commands) { $0.id($1.account) }
        parameters.column(.uuid, of: commands) { $0.id($1.value) }
    }
}
