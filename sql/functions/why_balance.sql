-- Why an account had its balance after an event of its stream: the changes of the pots that still had credits. What
-- happened to emptied pots adds up to nothing, and is left out.
CREATE OR REPLACE FUNCTION ledger.why_balance(account_id uuid, up_to bigint)
RETURNS SETOF ledger.explanation
LANGUAGE sql STABLE
AS $$
    WITH changes AS (
        SELECT changes.sequence, changes.pot_id, changes.change
        FROM ledger.pot_changes(why_balance.account_id, why_balance.up_to) AS changes
    ),
    lines AS (
        SELECT changes.sequence, sum(changes.change)::bigint AS change
        FROM changes
        WHERE changes.pot_id IN (
            SELECT changes.pot_id FROM changes GROUP BY changes.pot_id HAVING sum(changes.change) <> 0
        )
        GROUP BY changes.sequence
    )
    SELECT ledger.explained(events, lines.change)
    FROM lines
    INNER JOIN ledger.account_stream(why_balance.account_id, why_balance.up_to) AS events
        ON lines.sequence = events.sequence
    ORDER BY lines.sequence
$$;
