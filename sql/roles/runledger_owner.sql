-- migrator: superuser
-- Owns the schema `ledger` and everything in it. Nobody logs in as it: migrations take it, and each time leave a trace
-- in `ledger_guard.migration_windows`. Roles belong to the whole server, so another database's migrator may be at it
-- too.
DO $$
BEGIN
    IF to_regrole('runledger_owner') IS NULL THEN
        CREATE ROLE runledger_owner NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
