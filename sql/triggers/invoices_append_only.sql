-- Invoices, and what comparing them found, can't be changed afterwards.
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.invoice_imports
FOR EACH ROW EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.invoice_imports ENABLE ALWAYS TRIGGER refuse_change;

CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger.invoice_imports
FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.invoice_imports ENABLE ALWAYS TRIGGER refuse_truncate;

CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.invoice_lines
FOR EACH ROW EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.invoice_lines ENABLE ALWAYS TRIGGER refuse_change;

CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger.invoice_lines
FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.invoice_lines ENABLE ALWAYS TRIGGER refuse_truncate;

CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.invoice_items
FOR EACH ROW EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.invoice_items ENABLE ALWAYS TRIGGER refuse_change;

CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger.invoice_items
FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.invoice_items ENABLE ALWAYS TRIGGER refuse_truncate;

CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.invoice_item_runs
FOR EACH ROW EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.invoice_item_runs ENABLE ALWAYS TRIGGER refuse_change;

CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger.invoice_item_runs
FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.invoice_item_runs ENABLE ALWAYS TRIGGER refuse_truncate;
