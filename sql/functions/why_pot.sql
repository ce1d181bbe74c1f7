-- Why so much of a pot was left for runs after an event of an account's stream: what filled and emptied it, and what open
-- holds had drawn from it. Draws that were given back are left out. Reads the stream from what filled the pot on.
CREATE OR REPLACE FUNCTION ledger.why_pot(account_id uuid, pot_id uuid, up_to bigint)
RETURNS SETOF ledger.explanation
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    before CONSTANT bigint := ledger.stream_beginning(
        why_pot.account_id, 'pot', why_pot.pot_id, why_pot.up_to
    ) - 1;
BEGIN
    RETURN QUERY
    SELECT line.*
    FROM (
        SELECT changes.sequence, changes.change
        FROM ledger.pot_changes(why_pot.account_id, why_pot.up_to, before) AS changes
        WHERE changes.pot_id = why_pot.pot_id AND before >= 0
        UNION ALL
        SELECT holds.sequence, -holds.amount
        FROM ledger.open_holds_at(why_pot.account_id, why_pot.up_to, before) AS holds
        WHERE holds.pot_id = why_pot.pot_id AND before >= 0
    ) AS lines
    INNER JOIN ledger.account_stream(why_pot.account_id, why_pot.up_to, before) AS events
        ON lines.sequence = events.sequence
    CROSS JOIN LATERAL ledger.explained(events, lines.change) AS line
    ORDER BY events.sequence;
END
$$;
