import Ledger
import LedgerStore
import Postgres

/// A page of accounts in order of their ids, over all journals: from each as many as the page could need.
struct ListAccounts: PostgresStatement {
    static let name = "console_list_accounts"
    static let sql = """
        SELECT page.account_id, page.tier, page.approved, page.closed, page.posted, page.held, page.sequence,
            page.last_recorded_at
        FROM ledger.journals
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.accounts
            WHERE accounts.journal = journals.journal AND account_id >= $1 AND account_id <= $2
            ORDER BY account_id LIMIT $3
        ) page
        ORDER BY page.account_id LIMIT $3
        """
    static let parameterTypes: [PostgresType] = [.uuid, .uuid, .int8]

    /// An account as the list shows it.
    struct Line: Sendable {
        let id: AccountID
        let tier: String
        let isApproved: Bool
        let isClosed: Bool
        let posted: Credits
        let held: Credits
        let sequence: Int64
        let lastRecordedAt: Timestamp
    }

    /// The ids, both ends included.
    let range: ClosedRange<AccountID>
    let limit: Int

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(range.lowerBound.postgresUUID)
        parameters.uuid(range.upperBound.postgresUUID)
        parameters.int8(Int64(limit))
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Line {
        Line(
            id: try row.id(0),
            tier: try row.text(1),
            isApproved: try row.bool(2),
            isClosed: try row.bool(3),
            posted: try row.credits(4),
            held: try row.credits(5),
            sequence: try row.int8(6),
            lastRecordedAt: try row.time(7)
        )
    }
}

/// Whose key it is; the digest of its secret is not asked for.
struct FindKeyOwner: PostgresStatement {
    static let name = "console_find_key_owner"
    static let sql = "SELECT account_id FROM ledger.api_keys WHERE journal = $1 AND key_id = $2"
    static let parameterTypes: [PostgresType] = [.int2, .uuid]

    let key: KeyID

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(key.journal)
        parameters.uuid(key.postgresUUID)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> AccountID { try row.id(0) }
}

/// Whose run it is. Its id names the journal; in it the runs are by account, so this goes through the journal's keys.
struct FindRunOwner: PostgresStatement {
    static let name = "console_find_run_owner"
    static let sql = """
        SELECT account_id FROM ledger.holds WHERE journal = $1 AND hold_id = $2
        UNION ALL
        SELECT account_id FROM ledger.ended_executions WHERE journal = $1 AND execution_id = $2
        LIMIT 1
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid]

    let run: ExecutionID

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(run.journal)
        parameters.uuid(run.postgresUUID)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> AccountID { try row.id(0) }
}

/// Runs under way, the oldest first: of one account, or of all.
struct ListOpenRuns: PostgresStatement {
    static let name = "console_list_open_runs"
    static let sql = """
        SELECT account_id, hold_id, model, status, amount, admitted_at, expires_at FROM ledger.holds
        WHERE ($1::uuid IS NULL OR account_id = $1) AND ($2::int2 IS NULL OR journal = $2)
            AND ($3::text IS NULL OR status = $3)
        ORDER BY admitted_at, hold_id LIMIT $4
        """
    static let parameterTypes: [PostgresType] = [.uuid, .int2, .text, .int8]

    /// A run under way.
    struct Line: Sendable {
        let account: AccountID
        let run: ExecutionID
        let model: String
        let status: String
        let held: Credits
        let admittedAt: Timestamp
        let expiresAt: Timestamp
    }

    var account: AccountID?
    var journal: JournalID?
    var status: Execution.Status?
    let limit: Int

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(account?.postgresUUID)
        parameters.int2(journal?.number)
        parameters.text(status?.rawValue)
        parameters.int8(Int64(limit))
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Line {
        Line(
            account: try row.id(0),
            run: try row.id(1),
            model: try row.text(2),
            status: try row.text(3),
            held: try row.credits(4),
            admittedAt: try row.time(5),
            expiresAt: try row.time(6)
        )
    }
}

/// How many runs are under way, how many of those nobody knows the fate of, and what they hold.
struct CountOpenRuns: PostgresStatement {
    static let name = "console_count_open_runs"
    static let sql = """
        SELECT count(*), count(*) FILTER (WHERE status = 'unresolved'), coalesce(sum(amount), 0)::int8,
            count(*) FILTER (WHERE expires_at <= now())
        FROM (SELECT status, amount, expires_at FROM ledger.holds LIMIT 100000) AS first_ones
        """
    static let parameterTypes: [PostgresType] = []

    /// The counts; of at most 100,000 runs.
    struct Counts: Sendable {
        let open: Int64
        let unresolved: Int64
        let held: Credits
        let overdue: Int64
    }

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Counts {
        Counts(open: try row.int8(0), unresolved: try row.int8(1), held: try row.credits(2), overdue: try row.int8(3))
    }
}
