-- Every run: those under way, whose holds are open, and those that have ended.
CREATE OR REPLACE VIEW ledger.executions AS
SELECT
    journal,
    account_id,
    hold_id AS execution_id,
    request_id,
    key_id,
    model,
    grant_id,
    quote,
    price_version,
    instance,
    admitted_at,
    deadline_at,
    status,
    provider_request_id,
    0::bigint AS charged,
    0::bigint AS absorbed,
    NULL::text AS error_code,
    NULL::timestamptz AS ended_at,
    is_async,
    submitted_at,
    cancel_requested_at
FROM ledger.holds
UNION ALL
SELECT
    journal,
    account_id,
    execution_id,
    request_id,
    key_id,
    model,
    grant_id,
    quote,
    price_version,
    instance,
    admitted_at,
    deadline_at,
    status,
    provider_request_id,
    charged,
    absorbed,
    error_code,
    ended_at,
    is_async,
    submitted_at,
    cancel_requested_at
FROM ledger.ended_executions;
