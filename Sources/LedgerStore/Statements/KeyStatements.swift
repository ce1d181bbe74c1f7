internal import Ledger
internal import Postgres

/// The keys with some ids.
struct LoadKeys: PostgresStatement {
    static let name = "load_keys"
    static let sql = """
        SELECT \(columns.qualified(by: "k")) FROM unnest($2::uuid[]) wanted (id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.api_keys t WHERE t.journal = $1 AND t.key_id = wanted.id OFFSET 0
        ) k
        """
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
        SELECT c.account_id, c.command_id FROM unnest($2::uuid[], $3::uuid[]) wanted (account_id, command_id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.commands t WHERE t.journal = $1 AND t.account_id = wanted.account_id AND t.command_id = wanted.command_id OFFSET 0
        ) c
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .uuidArray]

    let journal: JournalID
    let commands: [ProjectionRow<CommandID>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: commands) { $0.id($1.account) }
        parameters.column(.uuid, of: commands) { $0.id($1.value) }
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
        INSERT INTO ledger.commands (journal, account_id, command_id)
        SELECT $1, unnest($2), unnest($3)
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
