-- migrator: superuser
-- Whether this transaction or session opened a migration window. Numbers of transactions and processes come again,
-- above all after a restore into another server: so the start times must agree too.
CREATE OR REPLACE FUNCTION ledger_guard.is_window_open()
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        EXISTS (
            SELECT FROM ledger_guard.migration_windows AS opened
            WHERE opened.transaction_id = pg_current_xact_id_if_assigned()
                AND opened.opened_at = transaction_timestamp()
        )
        OR EXISTS (
            SELECT
            FROM ledger_guard.migration_windows AS opened
            INNER JOIN pg_stat_get_activity(pg_backend_pid()) AS activity
                ON opened.backend_pid = activity.pid AND opened.backend_started_at = activity.backend_start
            WHERE opened.scope = 'session'
        )
$$;

REVOKE ALL ON FUNCTION ledger_guard.is_window_open() FROM PUBLIC;
