-- What belongs to persons is sealed under a key of their account's, beside the events. Destroying the key erases it,
-- wherever a copy of it is kept.

-- The keys. `master` is the fingerprint of the master key that wraps the account's key; null for one that is kept as it is.
-- A destroyed key leaves its row, so that no other is made in its place.
CREATE TABLE ledger.data_keys (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    fingerprint bytea CHECK (octet_length(fingerprint) = 32),
    master bytea CHECK (octet_length(master) = 8),
    wrapped_key bytea,
    created_at timestamptz NOT NULL,
    destroyed_at timestamptz,
    PRIMARY KEY (journal, account_id),
    CHECK ((wrapped_key IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK (fingerprint IS NOT NULL OR destroyed_at IS NOT NULL)
);
CREATE INDEX data_keys_destroyed ON ledger.data_keys (destroyed_at) WHERE destroyed_at IS NOT NULL;
CREATE INDEX data_keys_by_master ON ledger.data_keys (master) WHERE destroyed_at IS NULL;
-- What a destroyed key's row was before does not stay until there are many like it.
ALTER TABLE ledger.data_keys SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0);

-- Texts that events name by their commitments: keys' names and reasons. Written in the transaction of the event.
CREATE TABLE ledger.private_texts (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    commitment bytea NOT NULL CHECK (octet_length(commitment) = 32),
    sealed text NOT NULL,
    PRIMARY KEY (journal, account_id, commitment)
);

-- Erasures that were decided, and how far they have come. The row is written in the transaction of `account.erased`; what
-- it counts is what was deleted, and files that were removed.
CREATE TABLE ledger.erasures (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    decided_at timestamptz NOT NULL,
    rows_erased text NOT NULL DEFAULT '{}',
    rows_done_at timestamptz,
    files_erased bigint NOT NULL DEFAULT 0 CHECK (files_erased >= 0),
    finished_at timestamptz CHECK (finished_at IS NULL OR rows_done_at IS NOT NULL),
    PRIMARY KEY (journal, account_id)
);
CREATE INDEX erasures_open ON ledger.erasures (journal, decided_at) WHERE finished_at IS NULL;

-- A sealed address is longer than the address.
ALTER TABLE ledger.account_contacts
    DROP CONSTRAINT account_contacts_email_check,
    ADD CONSTRAINT account_contacts_email_check CHECK (octet_length(email) BETWEEN 3 AND 512);
