-- When the ledger's objects could be changed, by whom and why.
CREATE OR REPLACE VIEW ledger.migration_windows AS
SELECT
    window_id,
    scope,
    opened_at,
    opened_by,
    application_name,
    reason,
    transaction_id,
    backend_pid
FROM ledger_guard.migration_windows;
