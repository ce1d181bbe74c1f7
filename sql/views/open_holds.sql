-- Credits and grant runs that are set aside for runs that have not ended, oldest first.
CREATE OR REPLACE VIEW ledger.open_holds AS
SELECT
    holds.journal,
    holds.account_id,
    holds.hold_id,
    holds.execution_id,
    executions.model,
    executions.status,
    holds.amount,
    holds.grant_id,
    executions.admitted_at,
    now() - executions.admitted_at AS age,
    holds.expires_at,
    holds.expires_at <= now() AS is_overdue,
    holds.policy,
    executions.provider_request_id
FROM ledger.holds
LEFT JOIN ledger.executions
    ON holds.journal = executions.journal AND holds.execution_id = executions.execution_id
ORDER BY executions.admitted_at, holds.hold_id;
