-- Credits and grant runs that are set aside for runs that have not ended, oldest first.
CREATE OR REPLACE VIEW ledger.open_holds AS
SELECT
    journal,
    account_id,
    hold_id,
    hold_id AS execution_id,
    model,
    status,
    amount,
    grant_id,
    admitted_at,
    now() - admitted_at AS age,
    expires_at,
    expires_at <= now() AS is_overdue,
    policy,
    provider_request_id
FROM ledger.holds
ORDER BY admitted_at, hold_id;
