-- Every run that has ended, with what finance groups them by: the UTC day on which it ended, the plan that the account was on
-- when the run was admitted, and the provider that the model's definition named then. `provider` is NULL for models whose
-- definitions no service has recorded. Amounts are micro-credits and micro-dollars. A workflow's run is not among them, and
-- its nodes are: what it cost is what they cost.
CREATE OR REPLACE VIEW ledger.rated_runs AS
SELECT
    runs.journal,
    runs.account_id,
    runs.execution_id,
    (runs.ended_at AT TIME ZONE 'UTC')::date AS day,
    runs.model,
    coalesce(tiers.tier, accounts.tier) AS tier,
    providers.provider,
    runs.status,
    runs.is_async,
    runs.grant_id,
    runs.quote,
    runs.charged,
    runs.absorbed,
    coalesce(runs.provider_microusd, 0) AS provider_microusd,
    runs.duration_ms,
    runs.price_version,
    runs.provider_request_id,
    runs.admitted_at,
    runs.ended_at
FROM ledger.ended_executions AS runs
INNER JOIN ledger.accounts
    ON runs.journal = accounts.journal AND runs.account_id = accounts.account_id
LEFT JOIN (
    SELECT
        journal,
        account_id,
        tier,
        from_at,
        until_at
    FROM ledger.account_tiers
) AS tiers
    ON runs.journal = tiers.journal
    AND runs.account_id = tiers.account_id
    AND runs.admitted_at >= tiers.from_at
    AND (tiers.until_at IS NULL OR runs.admitted_at < tiers.until_at)
LEFT JOIN ledger.model_providers AS providers
    ON runs.model = providers.model
    AND runs.admitted_at >= providers.from_at
    AND (providers.until_at IS NULL OR runs.admitted_at < providers.until_at)
WHERE runs.model NOT LIKE 'workflow:%';
