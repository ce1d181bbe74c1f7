-- An event's hash recomputed from its columns: SHA-256 of 0x00 and the canonical bytes.
CREATE OR REPLACE FUNCTION ledger.event_hash(event ledger.events)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT sha256('\x00'::bytea || ledger.event_canonical_bytes(event)) $$;
