-- What an account had as of a moment, of an event of its stream, or of a position of its journal (give one; none is now),
-- twice: as was known then, and as is known now (or by `known_at`), and what lies between the two. Micro-credits. One row;
-- none for an unknown account.
CREATE OR REPLACE FUNCTION ledger.balance_as_of(
    account_id uuid,
    at timestamptz DEFAULT NULL,
    at_sequence bigint DEFAULT NULL,
    at_position bigint DEFAULT NULL,
    known_at timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (
    journal smallint, "position" bigint, sequence bigint, moment timestamptz, balance bigint, held bigint,
    balance_known_now bigint, difference bigint, late_events bigint[]
)
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    last_sequence bigint := balance_as_of.at_sequence;
BEGIN
    IF num_nonnulls(balance_as_of.at, balance_as_of.at_sequence, balance_as_of.at_position) > 1 THEN
        RAISE EXCEPTION 'give one of at, at_sequence and at_position' USING ERRCODE = '22023';
    END IF;
    journal := ledger.account_journal(balance_as_of.account_id);
    IF journal IS NULL THEN
        RETURN;
    END IF;
    moment := coalesce(balance_as_of.at, 'infinity');
    IF balance_as_of.at_position IS NOT NULL THEN
        last_sequence := ledger.sequence_as_of(
            balance_as_of.account_id, at_position => balance_as_of.at_position
        );
    END IF;
    IF last_sequence IS NOT NULL THEN
        moment := coalesce(
            (
                SELECT events.recorded_at
                FROM ledger.events
                WHERE events.journal = balance_as_of.journal
                    AND events.account_id = balance_as_of.account_id
                    AND events.sequence <= last_sequence
                ORDER BY events.sequence DESC
                LIMIT 1
            ),
            '-infinity'
        );
    END IF;
    SELECT found.position, found.sequence, found.balance, found.held
    INTO position, sequence, balance, held
    FROM ledger.balance_at(balance_as_of.account_id, moment) AS found;
    balance := coalesce(balance, 0);
    held := coalesce(held, 0);
    SELECT coalesce(sum(late.change), 0), coalesce(array_agg(late.sequence ORDER BY late.sequence), '{}')
    INTO difference, late_events
    FROM ledger.late_changes(balance_as_of.account_id, moment, balance_as_of.known_at) AS late;
    balance_known_now := balance + difference;
    RETURN NEXT;
END
$$;
