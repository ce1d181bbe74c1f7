-- What each event of an account, after one and up to one, changed in each of its pots, holds aside: from the first event on the
-- amounts add up to the balance. `fills` is the event that a pot begins with. Micro-credits.
DROP FUNCTION IF EXISTS ledger.pot_changes(uuid, bigint);
CREATE OR REPLACE FUNCTION ledger.pot_changes(account_id uuid, up_to bigint, after bigint DEFAULT 0)
RETURNS TABLE (sequence bigint, pot_id uuid, change bigint, fills boolean)
LANGUAGE sql STABLE
AS $$
    SELECT
        events.sequence, events.pot_id, ledger.credit_change(events.type, events.amount), events.type = 'credits.added'
    FROM ledger.account_stream(pot_changes.account_id, pot_changes.up_to, pot_changes.after) AS events
    WHERE events.type IN ('credits.added', 'credits.adjusted', 'credits.expired') AND events.amount <> 0
    UNION ALL
    SELECT events.sequence, (draw ->> 0)::uuid, -(draw ->> 1)::bigint, false
    FROM ledger.account_stream(pot_changes.account_id, pot_changes.up_to, pot_changes.after) AS events
    CROSS JOIN LATERAL jsonb_array_elements(events.detail::jsonb -> 'draws') AS draw
    WHERE events.type = 'credits.debited'
$$;
