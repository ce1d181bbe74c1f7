-- What is set aside for runs that have not ended, and which of these nobody knows the end of:
--
--     psql --no-psqlrc "$RUNLEDGER_DATABASE_URL" -f sql/reports/holds.sql
--
-- Amounts are credits; 0 is a free run of a grant.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset null '-'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT
    holds.model,
    holds.status,
    count(*) AS holds,
    count(*) FILTER (WHERE holds.is_overdue) AS overdue,
    (sum(holds.amount) / 1000000.0)::numeric(20, 6) AS credits,
    to_char(min(holds.admitted_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS oldest
FROM ledger.open_holds AS holds
GROUP BY 1, 2
ORDER BY 1, 2;

SELECT
    runs.execution_id AS unresolved,
    runs.account_id AS account,
    runs.model,
    (runs.amount / 1000000.0)::numeric(20, 6) AS credits,
    to_char(runs.admitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS admitted,
    to_char(runs.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS expires,
    runs.policy,
    runs.provider_request_id
FROM ledger.unresolved_executions AS runs
ORDER BY runs.admitted_at, runs.execution_id;
COMMIT;
