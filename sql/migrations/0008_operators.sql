-- Operators, and what they look after: references of credits, renewals, alerts, topping up, switches of models, payments.

-- What credits were bought with and which period of a plan they are for, once in an account each; what refunds took back.
ALTER TABLE ledger.pots
    ADD COLUMN reference text,
    ADD COLUMN period text,
    ADD COLUMN refunded bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    ADD COLUMN short bigint NOT NULL DEFAULT 0 CHECK (short >= 0 AND short <= refunded);
UPDATE ledger.pots SET reference = e.detail::jsonb ->> 'reference'
FROM ledger.events e
WHERE e.journal = pots.journal AND e.account_id = pots.account_id AND e.type = 'credits.added' AND e.pot_id = pots.pot_id
    AND e.detail::jsonb ? 'reference';
-- A refund may not say whose payment it was.
CREATE INDEX pots_by_reference ON ledger.pots (reference) WHERE reference IS NOT NULL;

ALTER TABLE ledger.accounts
    ADD COLUMN alert_threshold bigint CHECK (alert_threshold > 0),
    ADD COLUMN alert_raised_at timestamptz;
CREATE INDEX accounts_alerted ON ledger.accounts (journal, alert_raised_at) WHERE alert_raised_at IS NOT NULL;

-- How accounts are topped up by themselves; a projection. The rules are there or not, and so is an open attempt.
CREATE TABLE ledger.auto_top_ups (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    threshold bigint CHECK (threshold > 0),
    amount bigint CHECK (amount > 0),
    attempts_per_day bigint CHECK (attempts_per_day BETWEEN 1 AND 24),
    failures_to_open bigint CHECK (failures_to_open BETWEEN 1 AND 10),
    attempt_id uuid,
    attempt_amount bigint CHECK (attempt_amount > 0),
    attempt_started_at timestamptz,
    broken boolean NOT NULL,
    failures bigint NOT NULL CHECK (failures >= 0),
    day bigint NOT NULL,
    attempts_in_day bigint NOT NULL CHECK (attempts_in_day >= 0),
    PRIMARY KEY (journal, account_id),
    CHECK (num_nulls(threshold, amount, attempts_per_day, failures_to_open) IN (0, 4)),
    CHECK (num_nulls(attempt_id, attempt_amount, attempt_started_at) IN (0, 3))
);

-- Who may use the operators' API. Tables from here on belong to no account, so they have no journal.
CREATE TABLE ledger.operators (
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'finance', 'support')),
    token_digest bytea PRIMARY KEY CHECK (octet_length(token_digest) = 32),
    created_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE UNIQUE INDEX operators_by_name ON ledger.operators (name) WHERE removed_at IS NULL;

-- What operators changed that is no account's. Append-only.
CREATE TABLE ledger.operator_log (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail text
);

-- Requests of operators that carried an Idempotency-Key: what was asked for under a command's id.
CREATE TABLE ledger.operator_requests (
    command_id uuid PRIMARY KEY,
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    received_at timestamptz NOT NULL
);

-- Models that operators have switched off or on again; what the definition says holds for the others.
CREATE TABLE ledger.model_switches (
    model text PRIMARY KEY,
    enabled boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);

-- Events of the payment provider, each once, and what became of them.
CREATE TABLE ledger.payment_events (
    event_id text PRIMARY KEY,
    type text NOT NULL,
    received_at timestamptz NOT NULL,
    account_id uuid,
    outcome text NOT NULL CHECK (outcome IN ('applied', 'ignored', 'refused')),
    detail text NOT NULL
);
CREATE INDEX payment_events_by_time ON ledger.payment_events (received_at, event_id);
