-- What each hold that was open after an event of an account's stream had set aside then, by pot; of a grant run, no pot
-- and 0. `sequence` is the event that opened the hold. Only holds that were opened after an event. Micro-credits.
DROP FUNCTION IF EXISTS ledger.open_holds_at(uuid, bigint);
CREATE OR REPLACE FUNCTION ledger.open_holds_at(account_id uuid, up_to bigint, after bigint DEFAULT 0)
RETURNS TABLE (sequence bigint, hold_id uuid, grant_id uuid, pot_id uuid, amount bigint)
LANGUAGE sql STABLE
AS $$
    SELECT
        min(events.sequence) FILTER (WHERE events.type IN ('credits.held', 'grant.held')),
        events.hold_id,
        (array_agg(events.grant_id))[1],
        draws.pot_id,
        sum(CASE WHEN events.type = 'credits.held' THEN draws.amount ELSE -draws.amount END)::bigint
    FROM ledger.account_stream(open_holds_at.account_id, open_holds_at.up_to, open_holds_at.after) AS events
    LEFT JOIN LATERAL (
        SELECT (draw ->> 0)::uuid AS pot_id, (draw ->> 1)::bigint AS amount
        FROM jsonb_array_elements(events.detail::jsonb -> 'draws') AS draw
    ) AS draws ON true
    WHERE events.type IN (
        'credits.held', 'credits.debited', 'credits.released', 'grant.held', 'grant.consumed', 'grant.released'
    )
    GROUP BY events.hold_id, draws.pot_id
    HAVING
        sum(CASE WHEN events.type = 'credits.held' THEN draws.amount ELSE -draws.amount END) > 0
        OR (bool_and(events.type = 'grant.held'))
$$;
