-- Runs by model and how they ended:
--
--     psql --no-psqlrc "$RUNLEDGER_DATABASE_URL" -v from=2027-01-01 -v until=2027-02-01 -f sql/reports/usage.sql
--
-- `from` is the first UTC day on which they ended, `until` the first that no longer counts; all days when left out.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset null '-'
\if :{?from} \else \set from -infinity
\endif
\if :{?until} \else \set until infinity
\endif
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT
    CASE WHEN grouping(runs.model) = 1 THEN 'all' ELSE runs.model END AS model,
    sum(runs.runs) AS runs,
    sum(runs.succeeded) AS succeeded,
    sum(runs.failed) AS failed,
    sum(runs.cancelled) AS cancelled,
    sum(runs.free_runs) AS free,
    (sum(runs.charged) / 1000000.0)::numeric(20, 6) AS credits
FROM ledger.runs_by_day AS runs
WHERE runs.day >= :'from'::date AND runs.day < :'until'::date
GROUP BY GROUPING SETS ((runs.model), ())
ORDER BY grouping(runs.model), runs.model;
COMMIT;
