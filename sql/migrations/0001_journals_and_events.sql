-- Journals and the events in them. One row per journal holds its head; a writer locks that row for the length of its
-- transaction, so positions are handed out in commit order.
CREATE TABLE ledger.ledger (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    name text NOT NULL CHECK (name <> ''),
    journal_count smallint NOT NULL CHECK (journal_count BETWEEN 1 AND 4096),
    created_at timestamptz NOT NULL
);

CREATE TABLE ledger.journals (
    journal smallint PRIMARY KEY CHECK (journal >= 0),
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    head_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(head_hash) = 32)
) WITH (fillfactor = 10);

CREATE TABLE ledger.events (
    version smallint NOT NULL,
    journal smallint NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    account_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    type text NOT NULL,
    recorded_at timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    command_id uuid NOT NULL,
    request_id uuid,
    execution_id uuid,
    key_id uuid,
    model text,
    grant_id uuid,
    hold_id uuid,
    pot_id uuid,
    amount bigint,
    balance_after bigint,
    held_after bigint,
    price_version text,
    detail text,
    previous_hash bytea CHECK (octet_length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (journal, position)
) PARTITION BY RANGE (position);
