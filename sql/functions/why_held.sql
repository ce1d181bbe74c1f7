-- Why an account had credits on hold after an event of its stream: the holds that were open then.
CREATE OR REPLACE FUNCTION ledger.why_held(account_id uuid, up_to bigint)
RETURNS SETOF ledger.explanation
LANGUAGE sql STABLE
AS $$
    SELECT ledger.explained(events, open_holds.amount)
    FROM (
        SELECT holds.sequence, sum(holds.amount)::bigint AS amount
        FROM ledger.open_holds_at(why_held.account_id, why_held.up_to) AS holds
        WHERE holds.pot_id IS NOT NULL
        GROUP BY holds.sequence
    ) AS open_holds
    INNER JOIN ledger.account_stream(why_held.account_id, why_held.up_to) AS events
        ON open_holds.sequence = events.sequence
    ORDER BY events.sequence
$$;
