-- The owner gives up its own right to change events and invoices: whoever takes its role has to take that back first, and then still
-- meets the triggers. Functions are not for everybody.
REVOKE UPDATE, DELETE, TRUNCATE ON
    ledger.events, ledger.invoice_imports, ledger.invoice_lines, ledger.invoice_items, ledger.invoice_item_runs
FROM runledger_owner;
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
