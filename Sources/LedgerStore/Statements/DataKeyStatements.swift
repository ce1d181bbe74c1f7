internal import Ledger
internal import Postgres

/// An account's data key as its row has it.
struct KeptDataKey: Hashable, Sendable {
    /// The fingerprint of the master key that wraps it; nil for one that is kept as it is.
    let master: [UInt8]?
    /// Nil once it was destroyed.
    let wrapped: [UInt8]?
}

/// An account's data key.
struct LoadDataKey: AccountStatement {
    static let name = "load_data_key"
    static let sql = "SELECT master, wrapped_key FROM ledger.data_keys WHERE journal = $1 AND account_id = $2"

    let journal: JournalID
    let account: AccountID

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> KeptDataKey {
        KeptDataKey(master: try row.optionalBytes(0), wrapped: try row.optionalBytes(1))
    }
}

/// Keeps the data key of an account that never had one.
struct InsertDataKey: PostgresStatement {
    typealias Row = Void
    static let name = "insert_data_key"
    static let sql = """
        INSERT INTO ledger.data_keys (journal, account_id, fingerprint, master, wrapped_key, created_at)
        SELECT a.journal, a.account_id, $3, $4, $5, $6 FROM ledger.accounts a
        WHERE a.journal = $1 AND a.account_id = $2
        ON CONFLICT (journal, account_id) DO NOTHING
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .bytea, .bytea, .bytea, .timestamptz]

    let journal: JournalID
    let account: AccountID
    let fingerprint: Digest
    let kept: KeptDataKey
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.bytea(fingerprint.bytes)
        parameters.bytea(kept.master)
        parameters.bytea(kept.wrapped)
        parameters.timestamptz(microseconds: now.microseconds)
    }
}

/// Destroys an account's data key, in the transaction of `account.erased`. An account without one never gets one.
struct DestroyDataKey: PostgresStatement {
    typealias Row = Void
    static let name = "destroy_data_key"
    static let sql = """
        INSERT INTO ledger.data_keys (journal, account_id, created_at, destroyed_at) VALUES ($1, $2, $3, $3)
        ON CONFLICT (journal, account_id) DO UPDATE SET
            wrapped_key = NULL, destroyed_at = coalesce(data_keys.destroyed_at, excluded.destroyed_at)
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .timestamptz]

    let journal: JournalID
    let account: AccountID
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.timestamptz(microseconds: now.microseconds)
    }
}

/// The accounts whose data keys were destroyed after a moment.
struct LoadDestroyedKeys: PostgresStatement {
    static let name = "load_destroyed_keys"
    static let sql = "SELECT account_id FROM ledger.data_keys WHERE destroyed_at > $1"
    static let parameterTypes: [PostgresType] = [.timestamptz]

    let moment: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.timestamptz(microseconds: moment.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> AccountID { try row.id(0) }
}

/// The master key of a data key that none of some master keys wraps; nothing when there is none.
struct FindForeignMaster: PostgresStatement {
    static let name = "find_foreign_master"
    static let sql = """
        SELECT master FROM ledger.data_keys
        WHERE destroyed_at IS NULL AND master IS NOT NULL AND NOT (master = ANY($1)) LIMIT 1
        """
    static let parameterTypes: [PostgresType] = [.byteaArray]

    let masters: [[UInt8]]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.column(.bytea, of: masters) { $0.bytea($1) }
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> [UInt8] { try row.bytes(0) }
}

/// Some data keys of a journal that another master key wraps, or none does.
struct LoadKeysToRewrap: PostgresStatement {
    static let name = "load_keys_to_rewrap"
    static let sql = """
        SELECT account_id, master, wrapped_key FROM ledger.data_keys
        WHERE journal = $1 AND account_id > $2 AND destroyed_at IS NULL AND master IS DISTINCT FROM $3
        ORDER BY journal, account_id LIMIT 500
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .bytea]

    let journal: JournalID
    let after: AccountID
    let master: [UInt8]?

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(after.postgresUUID)
        parameters.bytea(master)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<KeptDataKey> {
        ProjectionRow(try row.id(0), KeptDataKey(master: try row.optionalBytes(1), wrapped: try row.optionalBytes(2)))
    }
}

/// Keeps a data key in another wrapping, unless it changed meanwhile.
struct RewrapDataKey: PostgresStatement {
    static let name = "rewrap_data_key"
    static let sql = """
        UPDATE ledger.data_keys SET master = $4, wrapped_key = $5
        WHERE journal = $1 AND account_id = $2 AND wrapped_key = $3
        RETURNING account_id
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .bytea, .bytea, .bytea]

    let journal: JournalID
    let account: AccountID
    let former: [UInt8]
    let kept: KeptDataKey

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.bytea(former)
        parameters.bytea(kept.master)
        parameters.bytea(kept.wrapped)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> AccountID { try row.id(0) }
}

/// A text that an event names by its commitment.
struct SealedText: Hashable, Sendable {
    let commitment: Digest
    let sealed: String
}

/// Keeps texts of an account; one that is there stays as it is.
struct InsertPrivateTexts: PostgresStatement {
    typealias Row = Void
    static let name = "insert_private_texts"
    static let sql = """
        INSERT INTO ledger.private_texts (journal, account_id, commitment, sealed)
        SELECT $1, unnest($2::uuid[]), unnest($3::bytea[]), unnest($4::text[])
        ON CONFLICT (journal, account_id, commitment) DO NOTHING
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .byteaArray, .textArray]

    let journal: JournalID
    let texts: [ProjectionRow<SealedText>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: texts) { $0.id($1.account) }
        parameters.column(.bytea, of: texts) { $0.digest($1.value.commitment) }
        parameters.column(.text, of: texts) { $0.text($1.value.sealed) }
    }
}

/// Texts of an account, by their commitments.
struct LoadPrivateTexts: PostgresStatement {
    static let name = "load_private_texts"
    static let sql = """
        SELECT t.commitment, t.sealed FROM unnest($3::bytea[]) wanted (commitment)
        JOIN ledger.private_texts t ON t.journal = $1 AND t.account_id = $2 AND t.commitment = wanted.commitment
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .byteaArray]

    let journal: JournalID
    let account: AccountID
    let commitments: [Digest]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.column(.bytea, of: commitments) { $0.digest($1) }
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> SealedText {
        SealedText(commitment: try row.digest(0), sealed: try row.text(1))
    }
}
