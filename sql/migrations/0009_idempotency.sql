-- What the first request under each idempotency key of an account has led to, and what it was answered. A row is written in
-- the transaction of the command's first event, and the answer to a run in the transaction of its end. Operational, as
-- results are: outputs never enter an event. The key itself is not kept.
CREATE TABLE ledger.idempotency (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    key_digest bytea NOT NULL CHECK (octet_length(key_digest) = 32),
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    execution_id uuid,
    request_id uuid,
    claimed_at timestamptz NOT NULL,
    status smallint CHECK (status BETWEEN 200 AND 599),
    headers text,
    body bytea,
    PRIMARY KEY (journal, account_id, key_digest),
    CHECK ((status IS NULL) = (headers IS NULL) AND (status IS NULL) = (body IS NULL)),
    CHECK (execution_id IS NOT NULL OR status IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX idempotency_by_age ON ledger.idempotency (journal, claimed_at);
