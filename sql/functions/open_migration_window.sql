-- migrator: superuser
-- Opens a window in which objects of the ledger may be created, altered and dropped, and records it for good: until the
-- end of the transaction, or for scope `session` until the connection ends (what can't run inside a transaction, such
-- as CREATE INDEX CONCURRENTLY). No window lets anyone change an event.
CREATE OR REPLACE FUNCTION ledger_guard.open_migration_window(reason text, scope text DEFAULT 'transaction')
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO ledger_guard.migration_windows (
        scope, opened_at, transaction_id, backend_pid, backend_started_at, opened_by, application_name, reason
    )
    SELECT
        open_migration_window.scope, transaction_timestamp(), pg_current_xact_id(), activity.pid,
        activity.backend_start, session_user, coalesce(activity.application_name, ''), open_migration_window.reason
    FROM pg_stat_get_activity(pg_backend_pid()) AS activity
    RETURNING window_id
$$;

REVOKE ALL ON FUNCTION ledger_guard.open_migration_window(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_guard.open_migration_window(text, text) TO runledger_owner;
