-- Runs that go on after their request was answered, or after the process that took it has ended.

-- What the events say of a run beyond what its first form could.
ALTER TABLE ledger.executions ADD COLUMN is_async boolean NOT NULL DEFAULT false;
ALTER TABLE ledger.executions ADD COLUMN submitted_at timestamptz;
ALTER TABLE ledger.executions ADD COLUMN cancel_requested_at timestamptz;

-- Work that is left to do on open runs of providers that are polled: operational, not derived from events, because inputs
-- never enter an event. A row is written in the transaction that makes the run's hold, and deleted in the one that ends it.
-- `next_action_at` is when a free task is due, and when the claim on a claimed one runs out.
CREATE TABLE ledger.run_tasks (
    journal smallint NOT NULL,
    execution_id uuid NOT NULL,
    account_id uuid NOT NULL,
    request_id uuid,
    key_id uuid NOT NULL,
    model text NOT NULL,
    definition_version integer NOT NULL,
    inputs text NOT NULL,
    is_async boolean NOT NULL,
    quote bigint NOT NULL CHECK (quote > 0),
    admitted_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    callback_digest bytea NOT NULL CHECK (octet_length(callback_digest) = 32),
    state text NOT NULL CHECK (state IN ('queued', 'submitting', 'polling', 'looking_up', 'keeping')),
    overdue boolean NOT NULL DEFAULT false,
    cancel text NOT NULL DEFAULT 'none' CHECK (cancel IN ('none', 'requested', 'sent')),
    provider_request_id text,
    provider_links text,
    pending text,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_action_at timestamptz NOT NULL,
    claimed_by bigint,
    claims bigint NOT NULL DEFAULT 0,
    hinted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (journal, execution_id)
) WITH (fillfactor = 60);
CREATE INDEX run_tasks_due ON ledger.run_tasks (journal, next_action_at);

-- How runs ended, as whoever asks later is answered: outputs never enter an event, whose digest of them is in it. Written
-- in the transaction of the run's end, kept for a number of days that the operator chooses.
CREATE TABLE ledger.execution_results (
    journal smallint NOT NULL,
    execution_id uuid NOT NULL,
    account_id uuid NOT NULL,
    result text,
    error_message text,
    milliseconds bigint NOT NULL CHECK (milliseconds >= 0),
    ended_at timestamptz NOT NULL,
    PRIMARY KEY (journal, execution_id)
);

-- Reads that an account's latest clock minute has counted. Reads change nothing that the ledger proves, so their windows
-- are no events; they need not outlive a crash of the server either.
CREATE UNLOGGED TABLE ledger.read_windows (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    minute bigint NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (journal, account_id)
) WITH (fillfactor = 50);
