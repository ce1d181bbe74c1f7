-- Why a run was charged what it was: what was held for it less what was given back, with the price version of both; and
-- how it ended. Nothing is charged before the end. A workflow's run is charged what its nodes are, once it has ended.
-- Reads what the account did while the run went on: from its admission to its end, which `ended_executions` knows, or from its
-- hold to the event that was asked for.
CREATE OR REPLACE FUNCTION ledger.why_charge(account_id uuid, execution_id uuid, up_to bigint)
RETURNS SETOF ledger.explanation
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    run record;
    last bigint := why_charge.up_to;
    before bigint;
BEGIN
    SELECT ended.admitted_at, ended.ended_at INTO run
    FROM ledger.ended_executions AS ended
    WHERE ended.journal = ledger.account_journal(why_charge.account_id)
        AND ended.account_id = why_charge.account_id
        AND ended.execution_id = why_charge.execution_id;
    IF FOUND THEN
        -- 64: the events of one command are next to each other, and the moment is that of one of them.
        before := greatest(ledger.sequence_as_of(why_charge.account_id, run.admitted_at) - 64, 0);
        last := least(last, ledger.sequence_as_of(why_charge.account_id, run.ended_at) + 64);
    ELSE
        before := greatest(
            ledger.stream_beginning(why_charge.account_id, 'run', why_charge.execution_id, last) - 1, 0
        );
    END IF;
    RETURN QUERY
    WITH stream AS NOT MATERIALIZED (
        SELECT * FROM ledger.account_stream(why_charge.account_id, last, before)
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

    SELECT line.*
    FROM stream AS events
    CROSS JOIN LATERAL ledger.explained(
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
    ) AS line
    WHERE events.execution_id IN (SELECT runs.id FROM runs) AND events.type IN (
        'credits.held', 'credits.released', 'grant.held', 'grant.consumed', 'grant.released', 'execution.succeeded',
        'execution.failed', 'execution.cancelled', 'execution.unresolved', 'cost.absorbed'
    )
    ORDER BY events.sequence;
END
$$;
