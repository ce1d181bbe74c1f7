internal import Ledger
internal import Postgres

/// All grants of some accounts.
struct LoadGrants: PostgresStatement {
    static let name = "load_grants"
    static let sql = """
        SELECT \(columns.qualified(by: "g")) FROM unnest($2::uuid[]) wanted (id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.grants t WHERE t.journal = $1 AND t.account_id = wanted.id OFFSET 0
        ) g
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]
    static let columns = """
        account_id, grant_id, model, runs, window_seconds, tier, expires_at, used, held, opened_at, closes_at, revoked
        """

    let journal: JournalID
    let accounts: [AccountID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(accounts)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Grant> {
        let allowance: Grant.Allowance
        guard row.isNull(3) != row.isNull(4) else {
            throw PostgresDecodingError(column: 3, reason: "a grant of runs and of time, or of neither")
        }
        if let runs = try row.optionalInt8(3) {
            allowance = .runs(runs)
        } else {
            allowance = .window(seconds: try row.int8(4))
        }
        var grant = Grant(
            id: try row.id(1),
            model: try row.text(2),
            allowance: allowance,
            tier: try row.word(5),
            expiresAt: try row.optionalTime(6)
        )
        grant.used = try row.int8(7)
        grant.held = try row.int8(8)
        grant.openedAt = try row.optionalTime(9)
        grant.closesAt = try row.optionalTime(10)
        grant.isRevoked = try row.bool(11)
        return ProjectionRow(try row.id(0), grant)
    }
}

/// Puts the rows of grants as they are now.
struct PutGrants: PostgresStatement {
    typealias Row = Void
    static let name = "put_grants"
    static let sql = """
        INSERT INTO ledger.grants (journal, \(LoadGrants.columns))
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
            unnest($10), unnest($11), unnest($12), unnest($13)
        ON CONFLICT (journal, account_id, grant_id) DO UPDATE SET
            used = excluded.used, held = excluded.held, opened_at = excluded.opened_at,
            closes_at = excluded.closes_at, revoked = excluded.revoked
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .uuidArray, .textArray, .int8Array, .int8Array, .textArray, .timestamptzArray, .int8Array,
        .int8Array, .timestamptzArray, .timestamptzArray, .boolArray,
    ]

    let journal: JournalID
    let grants: [ProjectionRow<Grant>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: grants) { $0.id($1.account) }
        parameters.column(.uuid, of: grants) { $0.id($1.value.id) }
        parameters.column(.text, of: grants) { $0.text($1.value.model) }
        parameters.column(.int8, of: grants) { writer, row in
            if case .runs(let runs) = row.value.allowance { writer.int8(runs) } else { writer.null() }
        }
        parameters.column(.int8, of: grants) { writer, row in
            if case .window(let seconds) = row.value.allowance { writer.int8(seconds) } else { writer.null() }
        }
        parameters.column(.text, of: grants) { $0.text($1.value.tier.rawValue) }
        parameters.column(.timestamptz, of: grants) { $0.time($1.value.expiresAt) }
        parameters.column(.int8, of: grants) { $0.int8($1.value.used) }
        parameters.column(.int8, of: grants) { $0.int8($1.value.held) }
        parameters.column(.timestamptz, of: grants) { $0.time($1.value.openedAt) }
        parameters.column(.timestamptz, of: grants) { $0.time($1.value.closesAt) }
        parameters.column(.bool, of: grants) { $0.bool($1.value.isRevoked) }
    }
}

/// The latest windows of some accounts.
struct LoadWindows: PostgresStatement {
    static let name = "load_windows"
    static let sql = """
        SELECT w.account_id, w.route, w.minute, w.count FROM unnest($2::uuid[]) wanted (id)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.rate_windows t WHERE t.journal = $1 AND t.account_id = wanted.id OFFSET 0
        ) w
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]

    let journal: JournalID
    let accounts: [AccountID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(accounts)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<RouteWindow> {
        let window = RateWindow(minute: try row.int8(2), count: try row.int8(3))
        return ProjectionRow(try row.id(0), RouteWindow(route: try row.word(1), window: window))
    }
}

/// Puts the rows of windows as they are now.
struct PutWindows: PostgresStatement {
    typealias Row = Void
    static let name = "put_windows"
    static let sql = """
        INSERT INTO ledger.rate_windows (journal, account_id, route, minute, count)
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5)
        ON CONFLICT (journal, account_id, route) DO UPDATE SET minute = excluded.minute, count = excluded.count
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .textArray, .int8Array, .int8Array]

    let journal: JournalID
    let windows: [ProjectionRow<RouteWindow>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: windows) { $0.id($1.account) }
        parameters.column(.text, of: windows) { $0.text($1.value.route.rawValue) }
        parameters.column(.int8, of: windows) { $0.int8($1.value.window.minute) }
        parameters.column(.int8, of: windows) { $0.int8($1.value.window.count) }
    }
}
