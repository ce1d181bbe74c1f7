-- The number of the partition of `ledger.events` that would come next: one more than the last that is attached.
CREATE OR REPLACE FUNCTION ledger.next_event_partition()
RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(max(substring(pg_class.relname FROM '^events_([0-9]+)$')::bigint) + 1, 0)
    FROM pg_inherits
    INNER JOIN pg_class ON pg_inherits.inhrelid = pg_class.oid
    WHERE pg_inherits.inhparent = 'ledger.events'::regclass
$$;
