-- Webhooks: where a key's asynchronous runs are reported to, and what became of each report.

-- Every version of a key's webhook. A run is reported to the version that was in force when it was admitted, with that
-- version's secret, so versions stay. Only the service's role may read secrets.
CREATE TABLE ledger.webhooks (
    journal smallint NOT NULL,
    key_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    account_id uuid NOT NULL,
    url text NOT NULL,
    secret text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz CHECK (valid_until >= valid_from),
    disabled_at timestamptz,
    PRIMARY KEY (journal, key_id, version)
);
CREATE UNIQUE INDEX webhooks_in_force ON ledger.webhooks (journal, key_id) WHERE valid_until IS NULL;

-- How far each journal's ends of runs have been turned into deliveries.
CREATE TABLE ledger.webhook_checkpoints (
    journal smallint PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
);
INSERT INTO ledger.webhook_checkpoints (journal, position) SELECT j.journal, j.position FROM ledger.journals j;

-- One row per report. Its id is the execution's, or a test's own. `next_attempt_at` is when it is due, and when the claim on
-- one that is being sent runs out; it is null once the delivery has ended.
CREATE TABLE ledger.webhook_deliveries (
    journal smallint NOT NULL,
    delivery_id uuid NOT NULL,
    key_id uuid NOT NULL,
    webhook_version integer NOT NULL,
    account_id uuid NOT NULL,
    execution_id uuid,
    event text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed', 'disabled')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 10),
    created_at timestamptz NOT NULL,
    next_attempt_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (journal, delivery_id),
    CHECK ((state = 'waiting') = (next_attempt_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX webhook_deliveries_due ON ledger.webhook_deliveries (journal, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
CREATE INDEX webhook_deliveries_by_key ON ledger.webhook_deliveries (journal, key_id, created_at);

-- What became of each attempt; at most ten a delivery.
CREATE TABLE ledger.webhook_attempts (
    journal smallint NOT NULL,
    delivery_id uuid NOT NULL,
    attempt integer NOT NULL CHECK (attempt BETWEEN 1 AND 10),
    started_at timestamptz NOT NULL,
    milliseconds bigint NOT NULL CHECK (milliseconds >= 0),
    status integer,
    error text,
    PRIMARY KEY (journal, delivery_id, attempt)
);
