-- Why a run was charged what it was: what was held for it less what was given back, with the price version of both; and
-- how it ended. Nothing is charged before the end.
CREATE OR REPLACE FUNCTION ledger.why_charge(account_id uuid, execution_id uuid, up_to bigint)
RETURNS SETOF ledger.explanation
LANGUAGE sql STABLE
AS $$
    SELECT ledger.explained(
        events,
        CASE
            WHEN events.type = 'credits.released' THEN -events.amount
            WHEN events.type = 'grant.consumed' THEN 0
            WHEN events.type = 'credits.held' THEN (
                SELECT sum(ended.amount)::bigint
                FROM ledger.account_stream(why_charge.account_id, why_charge.up_to) AS ended
                WHERE ended.execution_id = why_charge.execution_id
                    AND ended.type IN ('credits.debited', 'credits.released')
            )
        END
    )
    FROM ledger.account_stream(why_charge.account_id, why_charge.up_to) AS events
    WHERE events.execution_id = why_charge.execution_id AND events.type IN (
        'credits.held', 'credits.released', 'grant.held', 'grant.consumed', 'grant.released', 'execution.succeeded',
        'execution.failed', 'execution.cancelled', 'execution.unresolved', 'cost.absorbed'
    )
    ORDER BY events.sequence
$$;
