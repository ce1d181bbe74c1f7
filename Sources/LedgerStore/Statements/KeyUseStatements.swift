internal import Ledger
internal import Postgres

/// Keeps when keys of a journal were last used, all of them at once. The later moment stays, and a key that was revoked by
/// then was not used.
struct PutKeyUses: PostgresStatement {
    typealias Row = Void
    static let name = "put_key_uses"
    static let sql = """
        INSERT INTO ledger.api_key_uses AS kept (journal, key_id, last_used_at)
        SELECT k.journal, k.key_id, wanted.at FROM unnest($2::uuid[], $3::timestamptz[]) wanted (id, at)
        JOIN ledger.api_keys k ON k.journal = $1 AND k.key_id = wanted.id
        WHERE (k.revoked_at IS NULL OR wanted.at <= k.revoked_at)
            AND NOT EXISTS (SELECT FROM ledger.erasures e WHERE e.journal = $1 AND e.account_id = k.account_id)
        ON CONFLICT (journal, key_id) DO UPDATE SET last_used_at = excluded.last_used_at
        WHERE kept.last_used_at < excluded.last_used_at
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .timestamptzArray]

    let journal: JournalID
    /// By key, so that two services lock the rows in one order.
    let uses: [(key: KeyID, at: Timestamp)]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: uses) { $0.id($1.key) }
        parameters.column(.timestamptz, of: uses) { $0.time($1.at) }
    }
}

/// The keys of an account with when they were last used, the latest first.
struct LoadAccountKeys: AccountStatement {
    static let name = "load_account_keys"
    static let sql = """
        SELECT \(LoadKeys.columns.qualified(by: "k")), u.last_used_at FROM ledger.api_keys k
        LEFT JOIN ledger.api_key_uses u ON u.journal = k.journal AND u.key_id = k.key_id
        WHERE k.journal = $1 AND k.account_id = $2
        ORDER BY k.issued_at DESC, k.key_id DESC
        """

    let journal: JournalID
    let account: AccountID

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> (key: APIKey, lastUsedAt: Timestamp?) {
        (try LoadKeys.decode(row).value, try row.optionalTime(7))
    }
}
