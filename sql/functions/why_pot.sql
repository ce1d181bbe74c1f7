-- Why so much of a pot was left for runs after an event of an account's stream: what filled and emptied it, and what open
-- holds had drawn from it. Draws that were given back are left out.
CREATE OR REPLACE FUNCTION ledger.why_pot(account_id uuid, pot_id uuid, up_to bigint)
RETURNS SETOF ledger.explanation
LANGUAGE sql STABLE
AS $$
    SELECT ledger.explained(events, lines.change)
    FROM (
        SELECT changes.sequence, changes.change
        FROM ledger.pot_changes(why_pot.account_id, why_pot.up_to) AS changes
        WHERE changes.pot_id = why_pot.pot_id
        UNION ALL
        SELECT holds.sequence, -holds.amount
        FROM ledger.open_holds_at(why_pot.account_id, why_pot.up_to) AS holds
        WHERE holds.pot_id = why_pot.pot_id
    ) AS lines
    INNER JOIN ledger.account_stream(why_pot.account_id, why_pot.up_to) AS events
        ON lines.sequence = events.sequence
    ORDER BY events.sequence
$$;
