-- The signed checkpoints of journals in the order in which the ledger's own log has them: its entries. What is an entry, and
-- where, is decided here once, so that two publishers can't sign two trees. Append-only; belongs to no account.
CREATE TABLE ledger.log_checkpoints (
    position bigint PRIMARY KEY CHECK (position > 0),
    journal smallint NOT NULL,
    size bigint NOT NULL CHECK (size > 0),
    note text NOT NULL CHECK (octet_length(note) <= 4096),
    recorded_at timestamptz NOT NULL,
    UNIQUE (journal, size)
);
