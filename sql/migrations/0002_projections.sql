-- What the run path reads: kept in the same transaction as the events they follow from.
-- Amounts are whole micro-credits. Low fill factors leave room for updates in place.
CREATE TABLE ledger.accounts (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    tier text NOT NULL,
    role text NOT NULL,
    approved boolean NOT NULL,
    closed boolean NOT NULL,
    posted bigint NOT NULL CHECK (posted >= 0),
    held bigint NOT NULL CHECK (held >= 0 AND held <= posted),
    sequence bigint NOT NULL CHECK (sequence > 0),
    head_hash bytea NOT NULL,
    last_recorded_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    PRIMARY KEY (journal, account_id)
) WITH (fillfactor = 50);

CREATE TABLE ledger.pots (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    pot_id uuid NOT NULL,
    kind text NOT NULL,
    added bigint NOT NULL CHECK (added > 0),
    remaining bigint NOT NULL CHECK (remaining >= 0),
    held bigint NOT NULL CHECK (held >= 0),
    expires_at timestamptz,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (journal, account_id, pot_id)
) WITH (fillfactor = 50);

CREATE TABLE ledger.grants (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    model text NOT NULL,
    runs bigint CHECK (runs > 0),
    window_seconds bigint CHECK (window_seconds > 0),
    tier text NOT NULL,
    expires_at timestamptz,
    used bigint NOT NULL CHECK (used >= 0),
    held bigint NOT NULL CHECK (held >= 0),
    opened_at timestamptz,
    closes_at timestamptz,
    revoked boolean NOT NULL,
    PRIMARY KEY (journal, account_id, grant_id),
    CHECK ((runs IS NULL) <> (window_seconds IS NULL)),
    CHECK (runs IS NULL OR used + held <= runs)
) WITH (fillfactor = 70);

-- Open holds only: a hold that ends leaves this table. `draws` is canonical JSON: pairs of pot and amount, in order.
CREATE TABLE ledger.holds (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    grant_id uuid,
    draws text NOT NULL,
    expires_at timestamptz NOT NULL,
    policy text NOT NULL,
    PRIMARY KEY (journal, account_id, hold_id)
);

-- The latest minute that counted a request of the route; earlier minutes are in the events.
CREATE TABLE ledger.rate_windows (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    route text NOT NULL,
    minute bigint NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (journal, account_id, route)
) WITH (fillfactor = 50);

CREATE TABLE ledger.executions (
    journal smallint NOT NULL,
    execution_id uuid NOT NULL,
    account_id uuid NOT NULL,
    request_id uuid,
    key_id uuid NOT NULL,
    model text NOT NULL,
    hold_id uuid NOT NULL,
    grant_id uuid,
    quote bigint NOT NULL CHECK (quote > 0),
    price_version text NOT NULL,
    instance bigint NOT NULL,
    admitted_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    status text NOT NULL,
    provider_request_id text,
    charged bigint NOT NULL CHECK (charged >= 0 AND charged <= quote),
    absorbed bigint NOT NULL CHECK (absorbed >= 0),
    error_code text,
    ended_at timestamptz,
    PRIMARY KEY (journal, execution_id)
) WITH (fillfactor = 60);

CREATE TABLE ledger.api_keys (
    journal smallint NOT NULL,
    key_id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    secret_digest bytea NOT NULL CHECK (octet_length(secret_digest) = 32),
    capabilities text[] NOT NULL,
    issued_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (journal, key_id)
);
CREATE INDEX api_keys_by_account ON ledger.api_keys (journal, account_id);

-- Administrative commands that were carried out, so that a repeated one changes nothing.
CREATE TABLE ledger.commands (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    command_id uuid NOT NULL,
    PRIMARY KEY (journal, account_id, command_id)
);
