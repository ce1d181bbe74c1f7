-- The running hash of a journal: 32 zero bytes before the first event, then SHA-256 of 0x02, the head before, and the
-- event's hash. Gives the head after every event from `from_position` to `to_position` (NULL: to the end), computed
-- from the first event on and from the stored hashes, which `event_hash` checks one by one.
CREATE OR REPLACE FUNCTION ledger.journal_chain(
    journal smallint,
    from_position bigint DEFAULT 1,
    to_position bigint DEFAULT NULL
)
RETURNS TABLE ("position" bigint, hash bytea, head_hash bytea)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    head bytea := decode(repeat('00', 32), 'hex');
    event record;
BEGIN
    FOR event IN
        SELECT events.position, events.hash
        FROM ledger.events
        WHERE events.journal = journal_chain.journal
            AND (journal_chain.to_position IS NULL OR events.position <= journal_chain.to_position)
        ORDER BY events.position
    LOOP
        head := sha256('\x02'::bytea || head || event.hash);
        IF event.position >= journal_chain.from_position THEN
            "position" := event.position;
            hash := event.hash;
            head_hash := head;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
