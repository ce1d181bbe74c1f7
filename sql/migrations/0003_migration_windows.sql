-- migrator: superuser
-- The record of who may have changed the ledger's tables, when and why. It and the guards belong to the superuser, in a
-- schema of their own: the ledger's owner can open a window, and can't remove the trace of it.
CREATE SCHEMA ledger_guard;

CREATE TABLE ledger_guard.migration_windows (
    window_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope text NOT NULL CHECK (scope IN ('transaction', 'session')),
    opened_at timestamptz NOT NULL,
    transaction_id xid8 NOT NULL,
    backend_pid integer NOT NULL,
    backend_started_at timestamptz NOT NULL,
    opened_by text NOT NULL,
    application_name text NOT NULL,
    reason text NOT NULL CHECK (reason <> '')
);
CREATE INDEX migration_windows_by_transaction ON ledger_guard.migration_windows (transaction_id);
CREATE INDEX migration_windows_by_backend ON ledger_guard.migration_windows (backend_pid, backend_started_at);

GRANT USAGE ON SCHEMA ledger_guard TO runledger_owner, runledger_auditor;
GRANT SELECT ON ledger_guard.migration_windows TO runledger_owner, runledger_auditor;
