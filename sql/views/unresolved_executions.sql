-- Runs whose end nobody knows, oldest first. Each stays on hold until the truth is learned, or `expires_at` passes and
-- `policy` says what becomes of it.
CREATE OR REPLACE VIEW ledger.unresolved_executions AS
SELECT
    holds.journal,
    holds.account_id,
    holds.execution_id,
    holds.model,
    holds.amount,
    holds.grant_id,
    holds.admitted_at,
    holds.age,
    holds.expires_at,
    holds.is_overdue,
    holds.policy,
    holds.provider_request_id
FROM ledger.open_holds AS holds
WHERE holds.status = 'unresolved'
ORDER BY holds.admitted_at, holds.execution_id;
