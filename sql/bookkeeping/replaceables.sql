-- The files of roles, functions, views, triggers and grants as they were last applied.
CREATE TABLE IF NOT EXISTS ledger.replaceables (
    path text PRIMARY KEY,
    checksum text NOT NULL CHECK (checksum ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL,
    applied_by text NOT NULL,
    duration_microseconds bigint NOT NULL
);
