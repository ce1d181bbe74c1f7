-- Every run that a provider may bill, ended or under way, with what the books have as its cost, in micro-dollars. `day` is the UTC
-- day on which it ended, or was admitted. A workflow's run is not among them, and its nodes are.
CREATE OR REPLACE VIEW ledger.provider_runs AS
SELECT
    runs.journal,
    runs.account_id,
    runs.execution_id,
    providers.provider,
    runs.provider_request_id,
    coalesce(runs.ended_at, runs.admitted_at) AS at,
    (coalesce(runs.ended_at, runs.admitted_at) AT TIME ZONE 'UTC')::date AS day,
    runs.model,
    runs.status,
    coalesce(runs.provider_microusd, 0) AS booked,
    providers.provider_model
FROM ledger.executions AS runs
INNER JOIN ledger.model_providers AS providers
    ON runs.model = providers.model
    AND runs.admitted_at >= providers.from_at
    AND (providers.until_at IS NULL OR runs.admitted_at < providers.until_at)
WHERE runs.model NOT LIKE 'workflow:%';
