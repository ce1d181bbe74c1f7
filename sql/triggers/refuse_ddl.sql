-- migrator: superuser
-- Nobody changes the ledger's objects outside of a migration window.
DROP EVENT TRIGGER IF EXISTS ledger_refuse_ddl_start;
CREATE EVENT TRIGGER ledger_refuse_ddl_start ON ddl_command_start EXECUTE FUNCTION ledger_guard.refuse_ddl();
ALTER EVENT TRIGGER ledger_refuse_ddl_start ENABLE ALWAYS;

DROP EVENT TRIGGER IF EXISTS ledger_refuse_ddl_end;
CREATE EVENT TRIGGER ledger_refuse_ddl_end ON ddl_command_end EXECUTE FUNCTION ledger_guard.refuse_ddl();
ALTER EVENT TRIGGER ledger_refuse_ddl_end ENABLE ALWAYS;

DROP EVENT TRIGGER IF EXISTS ledger_refuse_drop;
CREATE EVENT TRIGGER ledger_refuse_drop ON sql_drop EXECUTE FUNCTION ledger_guard.refuse_ddl();
ALTER EVENT TRIGGER ledger_refuse_drop ENABLE ALWAYS;
