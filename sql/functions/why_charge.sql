-- Why a run was charged what it was: what was held for it less what was given back, with the price version of both; and
-- how it ended. Nothing is charged before the end. A workflow's run is charged what its nodes are, once it has ended.
CREATE OR REPLACE FUNCTION ledger.why_charge(account_id uuid, execution_id uuid, up_to bigint)
RETURNS SETOF ledger.explanation
LANGUAGE sql STABLE
AS $$
    WITH stream AS NOT MATERIALIZED (
        SELECT * FROM ledger.account_stream(why_charge.account_id, why_charge.up_to)
    ),

    runs AS (
        SELECT why_charge.execution_id AS id
        UNION ALL
        SELECT nodes.execution_id AS id
        FROM stream AS nodes
        WHERE nodes.type IN ('credits.held', 'grant.held')
            AND nodes.detail::jsonb ->> 'workflow_run' = why_charge.execution_id::text
            AND EXISTS (
                SELECT FROM stream AS whole
                WHERE whole.execution_id = why_charge.execution_id AND whole.detail::jsonb ? 'cost'
                    AND whole.type IN ('execution.succeeded', 'execution.failed', 'execution.cancelled')
            )
    )

    SELECT ledger.explained(
        events,
        CASE
            WHEN events.type = 'credits.released' THEN -events.amount
            WHEN events.type = 'grant.consumed' THEN 0
            WHEN events.type = 'credits.held' THEN (
                SELECT sum(ended.amount)::bigint
                FROM stream AS ended
                WHERE ended.execution_id = events.execution_id
                    AND ended.type IN ('credits.debited', 'credits.released')
            )
        END
    )
    FROM stream AS events
    WHERE events.execution_id IN (SELECT runs.id FROM runs) AND events.type IN (
        'credits.held', 'credits.released', 'grant.held', 'grant.consumed', 'grant.released', 'execution.succeeded',
        'execution.failed', 'execution.cancelled', 'execution.unresolved', 'cost.absorbed'
    )
    ORDER BY events.sequence
$$;
