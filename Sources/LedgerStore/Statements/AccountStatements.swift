internal import Ledger
internal import Postgres

/// The accounts with some ids.
struct LoadAccounts: PostgresStatement {
    static let name = "load_accounts"
    static let sql = """
        SELECT \(columns.qualified(by: "a")) FROM unnest($2::uuid[]) wanted (id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.accounts t WHERE t.journal = $1 AND t.account_id = wanted.id OFFSET 0
        ) a
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]
    static let columns = """
        account_id, tier, role, approved, closed, posted, held, sequence, head_hash, last_recorded_at, opened_at,
        alert_threshold, alert_raised_at
        """

    let journal: JournalID
    let accounts: [AccountID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(accounts)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Account {
        var account = Account(
            id: try row.id(0),
            tier: try row.word(1),
            role: try row.word(2),
            isApproved: try row.bool(3),
            openedAt: try row.time(10)
        )
        account.isClosed = try row.bool(4)
        account.posted = try row.credits(5)
        account.held = try row.credits(6)
        account.sequence = try row.int8(7)
        account.headHash = try row.digest(8)
        account.lastRecordedAt = try row.time(9)
        account.alertThreshold = try row.optionalCredits(11)
        account.alertRaisedAt = try row.optionalTime(12)
        return account
    }
}

/// Puts the rows of accounts as they are now.
struct PutAccounts: PostgresStatement {
    typealias Row = Void
    static let name = "put_accounts"
    static let sql = """
        INSERT INTO ledger.accounts (journal, \(LoadAccounts.columns))
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
            unnest($10), unnest($11), unnest($12), unnest($13), unnest($14)
        ON CONFLICT (journal, account_id) DO UPDATE SET
            tier = excluded.tier, role = excluded.role, approved = excluded.approved, closed = excluded.closed,
            posted = excluded.posted, held = excluded.held, sequence = excluded.sequence,
            head_hash = excluded.head_hash, last_recorded_at = excluded.last_recorded_at,
            alert_threshold = excluded.alert_threshold, alert_raised_at = excluded.alert_raised_at
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .textArray, .textArray, .boolArray, .boolArray, .int8Array, .int8Array, .int8Array,
        .byteaArray, .timestamptzArray, .timestamptzArray, .int8Array, .timestamptzArray,
    ]

    let journal: JournalID
    let accounts: [Account]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: accounts) { $0.id($1.id) }
        parameters.column(.text, of: accounts) { $0.text($1.tier.rawValue) }
        parameters.column(.text, of: accounts) { $0.text($1.role.rawValue) }
        parameters.column(.bool, of: accounts) { $0.bool($1.isApproved) }
        parameters.column(.bool, of: accounts) { $0.bool($1.isClosed) }
        parameters.column(.int8, of: accounts) { $0.credits($1.posted) }
        parameters.column(.int8, of: accounts) { $0.credits($1.held) }
        parameters.column(.int8, of: accounts) { $0.int8($1.sequence) }
        parameters.column(.bytea, of: accounts) { $0.digest($1.headHash) }
        parameters.column(.timestamptz, of: accounts) { $0.time($1.lastRecordedAt) }
        parameters.column(.timestamptz, of: accounts) { $0.time($1.openedAt) }
        parameters.column(.int8, of: accounts) { $0.credits($1.alertThreshold) }
        parameters.column(.timestamptz, of: accounts) { $0.time($1.alertRaisedAt) }
    }
}

/// The pots of some accounts that still have credits, left or on hold, and others by id, by what they were bought with, or
/// by period.
struct LoadPots: PostgresStatement {
    static let name = "load_pots"
    static let sql = """
        SELECT \(columns.qualified(by: "p")) FROM unnest($2::uuid[]) wanted (id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.pots t WHERE t.journal = $1 AND t.account_id = wanted.id OFFSET 0
        ) p
        WHERE p.remaining > 0 OR p.held > 0 OR p.pot_id = ANY($3) OR p.reference = ANY($4) OR p.period = ANY($5)
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .uuidArray, .textArray, .textArray]
    static let columns = """
        account_id, pot_id, kind, added, remaining, held, expires_at, added_at, reference, period, refunded, short
        """

    let journal: JournalID
    let accounts: [AccountID]
    let pots: [PotID]
    var references: [String] = []
    var periods: [String] = []

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(accounts)
        parameters.identifiers(pots)
        parameters.textArray(references)
        parameters.textArray(periods)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Pot> {
        var pot = Pot(
            id: try row.id(1),
            kind: try row.word(2),
            added: try row.credits(3),
            remaining: try row.credits(4),
            expiresAt: try row.optionalTime(6),
            addedAt: try row.time(7)
        )
        pot.held = try row.credits(5)
        pot.reference = try row.optionalText(8)
        pot.period = try row.optionalText(9)
        pot.refunded = try row.credits(10)
        pot.short = try row.credits(11)
        return ProjectionRow(try row.id(0), pot)
    }
}

/// Puts the rows of pots as they are now.
struct PutPots: PostgresStatement {
    typealias Row = Void
    static let name = "put_pots"
    static let sql = """
        INSERT INTO ledger.pots (journal, \(LoadPots.columns))
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
            unnest($10), unnest($11), unnest($12), unnest($13)
        ON CONFLICT (journal, account_id, pot_id) DO UPDATE SET remaining = excluded.remaining, held = excluded.held,
            expires_at = excluded.expires_at, refunded = excluded.refunded, short = excluded.short
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .uuidArray, .textArray, .int8Array, .int8Array, .int8Array, .timestamptzArray,
        .timestamptzArray, .textArray, .textArray, .int8Array, .int8Array,
    ]

    let journal: JournalID
    let pots: [ProjectionRow<Pot>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: pots) { $0.id($1.account) }
        parameters.column(.uuid, of: pots) { $0.id($1.value.id) }
        parameters.column(.text, of: pots) { $0.text($1.value.kind.rawValue) }
        parameters.column(.int8, of: pots) { $0.credits($1.value.added) }
        parameters.column(.int8, of: pots) { $0.credits($1.value.remaining) }
        parameters.column(.int8, of: pots) { $0.credits($1.value.held) }
        parameters.column(.timestamptz, of: pots) { $0.time($1.value.expiresAt) }
        parameters.column(.timestamptz, of: pots) { $0.time($1.value.addedAt) }
        parameters.column(.text, of: pots) { $0.text($1.value.reference) }
        parameters.column(.text, of: pots) { $0.text($1.value.period) }
        parameters.column(.int8, of: pots) { $0.credits($1.value.refunded) }
        parameters.column(.int8, of: pots) { $0.credits($1.value.short) }
    }
}
