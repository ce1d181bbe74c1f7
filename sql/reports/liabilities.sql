-- What is owed to customers: credits by origin and expiry, and free runs by model:
--
--     psql --no-psqlrc "$RUNLEDGER_DATABASE_URL" -f sql/reports/liabilities.sql
--
-- Amounts are credits. The total equals the books: `Liabilities:Credits:Available` and `:Held` of reports/trial_balance.sql.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset null '-'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT
    CASE WHEN grouping(liabilities.kind) = 1 THEN 'all' ELSE liabilities.kind END AS kind,
    to_char(liabilities.expires_on, 'YYYY-MM') AS expires_in,
    sum(liabilities.pots) AS pots,
    (sum(liabilities.available) / 1000000.0)::numeric(20, 6) AS available,
    (sum(liabilities.held) / 1000000.0)::numeric(20, 6) AS held,
    (sum(liabilities.expired) / 1000000.0)::numeric(20, 6) AS expired
FROM ledger.liabilities
GROUP BY GROUPING SETS ((liabilities.kind, to_char(liabilities.expires_on, 'YYYY-MM')), ())
ORDER BY grouping(liabilities.kind), liabilities.kind, expires_in NULLS LAST;

SELECT
    grants.model,
    grants.kind,
    count(*) AS grants,
    sum(grants.runs_left) AS runs_left,
    sum(grants.runs_held) AS runs_held,
    sum(grants.runs_used) AS runs_used
FROM ledger.grants_outstanding AS grants
GROUP BY 1, 2
ORDER BY 1, 2;
COMMIT;
