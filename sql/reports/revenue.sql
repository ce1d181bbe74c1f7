-- Revenue, cost and margin of runs by day, model, plan and provider:
--
--     psql --no-psqlrc "$RUNLEDGER_DATABASE_URL" -v from=2027-01-01 -v until=2027-02-01 -v usd_per_credit=0.01 \
--         -f sql/reports/revenue.sql
--
-- `from` is the first UTC day, `until` the first that no longer counts; all days when left out. Without `usd_per_credit`, what
-- a credit is worth, a margin can't be known and is left empty. `revenue` and `absorbed` are credits.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset null '-'
\if :{?from} \else \set from -infinity
\endif
\if :{?until} \else \set until infinity
\endif
\if :{?usd_per_credit} \else \set usd_per_credit ''
\endif
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT
    CASE WHEN grouping(runs.day) = 1 THEN 'all' ELSE runs.day::text END AS day,
    runs.model,
    runs.tier,
    runs.provider,
    sum(runs.succeeded) AS runs,
    sum(runs.free_runs) AS free,
    (sum(runs.charged) / 1000000.0)::numeric(20, 6) AS revenue,
    (sum(runs.absorbed) / 1000000.0)::numeric(20, 6) AS absorbed,
    (sum(runs.provider_microusd) / 1000000.0)::numeric(20, 6) AS cost_usd,
    (
        (sum(runs.charged) * nullif(:'usd_per_credit', '')::numeric - sum(runs.provider_microusd)) / 1000000.0
    )::numeric(20, 6) AS margin_usd
FROM ledger.runs_by_day AS runs
WHERE runs.day >= :'from'::date AND runs.day < :'until'::date
GROUP BY GROUPING SETS ((runs.day, runs.model, runs.tier, runs.provider), ())
ORDER BY grouping(runs.day), runs.day, runs.model, runs.tier, runs.provider;
COMMIT;
