-- migrator: superuser
-- The record of migration windows is append-only too.
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger_guard.migration_windows
FOR EACH ROW EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger_guard.migration_windows ENABLE ALWAYS TRIGGER refuse_change;

CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger_guard.migration_windows
FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger_guard.migration_windows ENABLE ALWAYS TRIGGER refuse_truncate;
