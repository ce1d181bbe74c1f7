-- What each event of an account changed in each of its pots, holds aside: the amounts add up to the balance. Micro-credits.
CREATE OR REPLACE FUNCTION ledger.pot_changes(account_id uuid, up_to bigint)
RETURNS TABLE (sequence bigint, pot_id uuid, change bigint)
LANGUAGE sql STABLE
AS $$
    SELECT events.sequence, events.pot_id, ledger.credit_change(events.type, events.amount)
    FROM ledger.account_stream(pot_changes.account_id, pot_changes.up_to) AS events
    WHERE events.type IN ('credits.added', 'credits.adjusted', 'credits.expired') AND events.amount <> 0
    UNION ALL
    SELECT events.sequence, (draw ->> 0)::uuid, -(draw ->> 1)::bigint
    FROM ledger.account_stream(pot_changes.account_id, pot_changes.up_to) AS events
    CROSS JOIN LATERAL jsonb_array_elements(events.detail::jsonb -> 'draws') AS draw
    WHERE events.type = 'credits.debited'
$$;
