import Ledger

/// What reports are made of: a few statements that are read in one snapshot, as one script. The rows are text, as `psql` has them.
///
/// Each reads the events or the ended runs once, which takes seconds on a ledger of millions: they are read behind the pages.
enum ReportSource: String, Hashable, Sendable, CaseIterable {
    /// Ended runs by day, model, plan and provider.
    case runs
    /// Breakage, refunds and corrections, absorbed cost.
    case losses
    /// Credits and free runs that customers have.
    case liabilities
    /// Open holds and unresolved runs.
    case holds
    /// What accounts have.
    case balances
    /// The books' trial balance.
    case books
    /// The books by month.
    case months

    /// Accounts that the report of balances shows.
    static let accountsShown = 1_000
    /// Unresolved runs that the report of holds shows.
    static let runsShown = 1_000

    /// The statements; each gives a table.
    var statements: [String] {
        switch self {
        case .runs:
            [
                """
                SELECT day, model, tier, provider, runs, succeeded, failed, cancelled, free_runs, charged, absorbed,
                    provider_microusd
                FROM ledger.runs_by_day
                """
            ]
        case .losses:
            [
                "SELECT day, kind, reason, pots, amount FROM ledger.breakage",
                """
                SELECT (recorded_at AT TIME ZONE 'UTC')::date, kind, reason, account_id, count(*), sum(amount)::bigint
                FROM ledger.refunds GROUP BY 1, 2, 3, 4
                """,
                """
                SELECT day, model, count(*), sum(absorbed)::bigint FROM ledger.rated_runs WHERE absorbed > 0 GROUP BY 1, 2
                """,
            ]
        case .liabilities:
            [
                """
                SELECT kind, to_char(expires_on, 'YYYY-MM'), sum(pots), sum(available), sum(held), sum(expired)
                FROM ledger.liabilities GROUP BY 1, 2
                """,
                """
                SELECT model, kind, count(*), sum(runs_left), sum(runs_held), sum(runs_used)
                FROM ledger.grants_outstanding GROUP BY 1, 2
                """,
            ]
        case .holds:
            [
                """
                SELECT model, status, count(*), count(*) FILTER (WHERE is_overdue), sum(amount)::bigint,
                    to_char(min(admitted_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
                FROM ledger.open_holds GROUP BY 1, 2
                """,
                """
                SELECT execution_id, account_id, model, amount,
                    to_char(admitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
                    to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), policy, provider_request_id
                FROM ledger.unresolved_executions ORDER BY admitted_at, execution_id LIMIT \(Self.runsShown)
                """,
            ]
        case .balances:
            [
                """
                SELECT account_id, tier, posted, held, available, expired
                FROM ledger.balances ORDER BY posted DESC, account_id LIMIT \(Self.accountsShown)
                """,
                """
                SELECT count(*), coalesce(sum(posted), 0)::bigint, coalesce(sum(held), 0)::bigint,
                    coalesce(sum(available), 0)::bigint, coalesce(sum(expired), 0)::bigint
                FROM ledger.balances
                """,
            ]
        case .books:
            [
                """
                SELECT chart.book, chart.commodity, balance.units, chart.meaning
                FROM ledger.trial_balance() AS balance
                INNER JOIN ledger.chart_of_accounts AS chart ON balance.name = chart.book
                """
            ]
        case .months:
            [
                "SELECT month, is_closed, book, commodity, units FROM ledger.trial_by_month",
                """
                SELECT month, journal, after + 1, through, encode(head_hash, 'hex') FROM ledger.closed_periods
                """,
            ]
        }
    }

    /// The whole script: first the journals' heads, then the statements, in one snapshot.
    var script: String {
        let all = ["SELECT journal, position FROM ledger.journals ORDER BY journal"] + statements
        return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n" + all.joined(separator: ";\n") + ";\nCOMMIT"
    }
}
