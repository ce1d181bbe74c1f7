-- What was earned or lost without a run: breakage, refunds and corrections, and costs that were absorbed:
--
--     psql --no-psqlrc "$RUNLEDGER_DATABASE_URL" -v from=2027-01-01 -v until=2027-02-01 -f sql/reports/losses.sql
--
-- `from` is the first UTC day, `until` the first that no longer counts; all days when left out. Amounts are credits.
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
    to_char(breakage.day, 'YYYY-MM') AS month,
    breakage.kind AS breakage,
    breakage.reason,
    sum(breakage.pots) AS pots,
    (sum(breakage.amount) / 1000000.0)::numeric(20, 6) AS credits
FROM ledger.breakage
WHERE breakage.day >= :'from'::date AND breakage.day < :'until'::date
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

SELECT
    to_char(refunds.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
    refunds.kind AS refunds,
    refunds.reason,
    count(*) AS events,
    count(DISTINCT refunds.account_id) AS accounts,
    (sum(refunds.amount) / 1000000.0)::numeric(20, 6) AS credits
FROM ledger.refunds
WHERE
    refunds.recorded_at >= :'from'::timestamp AT TIME ZONE 'UTC'
    AND refunds.recorded_at < :'until'::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

SELECT
    to_char(runs.day, 'YYYY-MM') AS month,
    runs.model AS absorbed_by_model,
    count(*) AS runs,
    (sum(runs.absorbed) / 1000000.0)::numeric(20, 6) AS credits
FROM ledger.rated_runs AS runs
WHERE runs.absorbed > 0 AND runs.day >= :'from'::date AND runs.day < :'until'::date
GROUP BY 1, 2
ORDER BY 1, 2;
COMMIT;
