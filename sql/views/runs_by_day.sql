-- Usage, revenue and cost of the runs that ended, by UTC day, model, plan and provider. What a run earns is `charged`; what
-- it costs us is `provider_microusd`, in dollars, so that a margin needs the price of a credit: see reports/revenue.sql.
-- Amounts are micro-credits and micro-dollars.
CREATE OR REPLACE VIEW ledger.runs_by_day AS
SELECT
    runs.day,
    runs.model,
    runs.tier,
    runs.provider,
    count(*) AS runs,
    count(*) FILTER (WHERE runs.status = 'succeeded') AS succeeded,
    count(*) FILTER (WHERE runs.status = 'failed') AS failed,
    count(*) FILTER (WHERE runs.status = 'cancelled') AS cancelled,
    count(*) FILTER (WHERE runs.grant_id IS NOT NULL AND runs.status = 'succeeded') AS free_runs,
    sum(runs.charged)::bigint AS charged,
    sum(runs.absorbed)::bigint AS absorbed,
    sum(runs.provider_microusd)::bigint AS provider_microusd
FROM ledger.rated_runs AS runs
GROUP BY 1, 2, 3, 4;
