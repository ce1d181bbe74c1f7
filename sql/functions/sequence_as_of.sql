-- The sequence of an account's last event that was recorded by a moment, at or before a position of its journal; 0 when
-- there is none. Both grow with the sequence, so halving the stream finds it in about log2(events) probes.
CREATE OR REPLACE FUNCTION ledger.sequence_as_of(
    account_id uuid,
    at timestamptz DEFAULT 'infinity',
    at_position bigint DEFAULT 9223372036854775807
)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
DECLARE
    home smallint := ledger.account_journal(sequence_as_of.account_id);
    low bigint := 0;
    high bigint;
    middle bigint;
    is_reached boolean;
BEGIN
    SELECT events.sequence INTO high
    FROM ledger.events
    WHERE events.journal = home AND events.account_id = sequence_as_of.account_id
    ORDER BY events.sequence DESC
    LIMIT 1;
    high := coalesce(high, 0);
    middle := high;
    WHILE low < high LOOP
        SELECT events.recorded_at <= sequence_as_of.at AND events.position <= sequence_as_of.at_position
        INTO is_reached
        FROM ledger.events
        WHERE events.journal = home AND events.account_id = sequence_as_of.account_id AND events.sequence = middle;
        IF is_reached THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
        middle := (low + high + 1) / 2;
    END LOOP;
    RETURN low;
END
$$;
