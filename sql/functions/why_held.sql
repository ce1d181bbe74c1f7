-- Why an account had credits on hold after an event of its stream: the holds that were open then. Looks back, in parts that
-- grow, until those that it has seen come up to what was held.
CREATE OR REPLACE FUNCTION ledger.why_held(account_id uuid, up_to bigint)
RETURNS SETOF ledger.explanation
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    last bigint;
    moment timestamptz;
    held bigint;
    low bigint;
    span bigint := 256;
    known bigint;
BEGIN
    SELECT events.sequence, events.recorded_at INTO last, moment
    FROM ledger.account_stream(why_held.account_id, why_held.up_to) AS events
    ORDER BY events.sequence DESC
    LIMIT 1;
    SELECT found.held INTO held FROM ledger.balance_at(why_held.account_id, moment) AS found;
    LOOP
        low := greatest(last - span, 0);
        SELECT coalesce(sum(holds.amount), 0) INTO known
        FROM ledger.open_holds_at(why_held.account_id, last, low) AS holds
        WHERE holds.pot_id IS NOT NULL;
        EXIT WHEN known = coalesce(held, 0) OR low = 0 OR last IS NULL;
        span := span * 4;
    END LOOP;
    RETURN QUERY
    SELECT line.*
    FROM (
        SELECT holds.sequence, sum(holds.amount)::bigint AS amount
        FROM ledger.open_holds_at(why_held.account_id, last, low) AS holds
        WHERE holds.pot_id IS NOT NULL
        GROUP BY holds.sequence
    ) AS open_holds
    INNER JOIN ledger.account_stream(why_held.account_id, last, low) AS events
        ON open_holds.sequence = events.sequence
    CROSS JOIN LATERAL ledger.explained(events, open_holds.amount) AS line
    ORDER BY events.sequence;
END
$$;
