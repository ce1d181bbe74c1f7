-- What the ledger has signed once can't be taken back.
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.log_checkpoints
FOR EACH ROW EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.log_checkpoints ENABLE ALWAYS TRIGGER refuse_change;

CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger.log_checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.log_checkpoints ENABLE ALWAYS TRIGGER refuse_truncate;
