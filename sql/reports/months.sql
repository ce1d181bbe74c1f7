-- The books by month: what moved on each account, which months are closed, and what they froze:
--
--     psql --no-psqlrc "$RUNLEDGER_DATABASE_URL" -f sql/reports/months.sql
--
-- Debits are above zero. A correction of a closed month is in the open month in which it was recorded.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT
    months.month,
    CASE WHEN months.is_closed THEN 'closed' ELSE 'open' END AS state,
    months.book AS account,
    months.commodity,
    CASE months.commodity
        WHEN 'GRANTRUN' THEN months.units::text
        ELSE (months.units / 1000000.0)::numeric(30, 6)::text
    END AS moved
FROM ledger.trial_by_month AS months
ORDER BY months.month, months.commodity, months.book;

SELECT
    periods.month,
    periods.journal,
    periods.after + 1 AS first_position,
    periods.through AS last_position,
    encode(periods.head_hash, 'hex') AS running_hash
FROM ledger.closed_periods AS periods
ORDER BY periods.month, periods.journal;
COMMIT;
