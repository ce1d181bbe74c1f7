-- Why an account had its balance after an event of its stream: the changes of the pots that still had credits. What
-- happened to emptied pots adds up to nothing, and is left out.
--
-- Looks back, in parts that grow, until the pots that it has seen from their beginning on hold the whole balance: no pot holds
-- less than nothing, so the ones before are empty.
CREATE OR REPLACE FUNCTION ledger.why_balance(account_id uuid, up_to bigint)
RETURNS SETOF ledger.explanation
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    last bigint;
    moment timestamptz;
    balance bigint;
    low bigint;
    span bigint := 256;
    known bigint;
    pots uuid[];
BEGIN
    SELECT events.sequence, events.recorded_at INTO last, moment
    FROM ledger.account_stream(why_balance.account_id, why_balance.up_to) AS events
    ORDER BY events.sequence DESC
    LIMIT 1;
    SELECT found.balance INTO balance FROM ledger.balance_at(why_balance.account_id, moment) AS found;
    LOOP
        low := greatest(last - span, 0);
        SELECT coalesce(sum(filled.amount), 0), array_agg(filled.pot_id) INTO known, pots
        FROM (
            SELECT changes.pot_id, sum(changes.change) AS amount
            FROM ledger.pot_changes(why_balance.account_id, last, low) AS changes
            GROUP BY changes.pot_id
            HAVING sum(changes.change) <> 0 AND (low = 0 OR bool_or(changes.fills))
        ) AS filled;
        EXIT WHEN known = coalesce(balance, 0) OR low = 0 OR last IS NULL;
        span := span * 4;
    END LOOP;
    RETURN QUERY
    SELECT line.*
    FROM (
        SELECT changes.sequence, sum(changes.change)::bigint AS change
        FROM ledger.pot_changes(why_balance.account_id, last, low) AS changes
        WHERE changes.pot_id = ANY (pots)
        GROUP BY changes.sequence
    ) AS lines
    INNER JOIN ledger.account_stream(why_balance.account_id, last, low) AS events
        ON lines.sequence = events.sequence
    CROSS JOIN LATERAL ledger.explained(events, lines.change) AS line
    ORDER BY lines.sequence;
END
$$;
