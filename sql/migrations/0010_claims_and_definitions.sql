-- Which process is sending a report, so that those of one that is gone are freed before their claims run out. Null while
-- nobody is.
ALTER TABLE ledger.webhook_deliveries ADD COLUMN claimed_by bigint;
CREATE INDEX webhook_deliveries_claimed ON ledger.webhook_deliveries (journal, claimed_by)
    WHERE claimed_by IS NOT NULL;

-- Every version of a model's definition that a service has used, as its files were when it was first seen: runs that are
-- still open end by theirs. It belongs to no journal: it follows from files, not from events. Never changed. The digests
-- are of what the texts say, without comments, layout, `version` and `enabled`.
CREATE TABLE ledger.definition_versions (
    model text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    model_sha256 bytea NOT NULL CHECK (octet_length(model_sha256) = 32),
    provider_sha256 bytea NOT NULL CHECK (octet_length(provider_sha256) = 32),
    model_text text NOT NULL,
    provider_text text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    PRIMARY KEY (model, version)
);
