-- Makes the partitions of `ledger.events` that positions up to `up_to` need, each with its fences, and returns how
-- many.
--
-- A partition holds 16,777,216 = 256^3 positions: partition k has k * 256^3 + 1 to (k + 1) * 256^3, which is one hash
-- in the third level of a Merkle tree with tiles of 256, so that it can be archived as a whole. Older partitions that
-- were archived and dropped stay so: only those after the last one are made. Appending goes on meanwhile (ATTACH
-- PARTITION takes SHARE UPDATE EXCLUSIVE on the parent). Locks: an advisory lock while partitions are made. Raises
-- LG012.
CREATE OR REPLACE FUNCTION ledger.ensure_event_partitions(up_to bigint)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    positions_per_partition CONSTANT bigint := 16777216;
    most_per_call CONSTANT integer := 64;
    wanted bigint := (ensure_event_partitions.up_to - 1) / positions_per_partition;
    next_one bigint := ledger.next_event_partition();
    made integer := 0;
    partition_name text;
BEGIN
    IF ensure_event_partitions.up_to < 1 OR wanted < next_one THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger.ensure_event_partitions', 0));
    next_one := ledger.next_event_partition();
    IF wanted - next_one >= most_per_call THEN
        RAISE EXCEPTION 'position % is % partitions ahead; one call makes at most %',
            ensure_event_partitions.up_to, wanted - next_one + 1, most_per_call
            USING ERRCODE = 'LG012';
    END IF;
    IF wanted >= next_one THEN
        PERFORM ledger_guard.open_migration_window(
            format('event partitions %s to %s', next_one, wanted)
        );
    END IF;
    WHILE next_one <= wanted LOOP
        partition_name := 'events_' || lpad(next_one::text, greatest(6, length(next_one::text)), '0');
        EXECUTE format('CREATE TABLE ledger.%I (LIKE ledger.events INCLUDING ALL)', partition_name);
        EXECUTE format(
            'CREATE UNIQUE INDEX %I ON ledger.%I (journal, account_id, sequence)',
            partition_name || '_sequence', partition_name
        );
        EXECUTE format(
            'CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard.refuse_change()',
            partition_name
        );
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER refuse_truncate', partition_name);
        -- The row trigger comes with the attachment, from the parent's.
        EXECUTE format(
            'ALTER TABLE ledger.events ATTACH PARTITION ledger.%I FOR VALUES FROM (%s) TO (%s)',
            partition_name, next_one * positions_per_partition + 1, (next_one + 1) * positions_per_partition + 1
        );
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER refuse_change', partition_name);
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON ledger.%I FROM runledger_owner', partition_name);
        next_one := next_one + 1;
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
