-- Microseconds since 1970-01-01T00:00:00Z, exactly.
CREATE OR REPLACE FUNCTION ledger.canonical_microseconds(moment timestamptz)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT (extract(epoch FROM moment) * 1000000)::bigint $$;
