-- The migrations that were applied, in order; `checksum` is the SHA-256 of the file in hexadecimal.
CREATE TABLE IF NOT EXISTS ledger.migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL CHECK (checksum ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL,
    applied_by text NOT NULL,
    duration_microseconds bigint NOT NULL
);
