-- What operators have changed can't be changed afterwards.
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.operator_log
FOR EACH ROW EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.operator_log ENABLE ALWAYS TRIGGER refuse_change;

CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger.operator_log
FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.operator_log ENABLE ALWAYS TRIGGER refuse_truncate;
