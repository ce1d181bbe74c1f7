-- One field of an event's canonical bytes: a 4-byte big-endian length and the bytes; the length -1 alone for NULL.
CREATE OR REPLACE FUNCTION ledger.canonical_field(value bytea)
RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT coalesce(int4send(octet_length(value)) || value, '\xffffffff'::bytea) $$;
