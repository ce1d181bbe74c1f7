-- What happened to an account's credits, in order: every event that moves any, with the balance it left, as recorded
-- and as summed up here. Amounts are micro-credits; `change` is what the event added to the balance, `held_change` to
-- holds.
CREATE OR REPLACE FUNCTION ledger.account_history(account_id uuid)
RETURNS TABLE (
    journal smallint,
    "position" bigint,
    sequence bigint,
    recorded_at timestamptz,
    effective_at timestamptz,
    type text,
    model text,
    execution_id uuid,
    pot_id uuid,
    change bigint,
    held_change bigint,
    balance_after bigint,
    held_after bigint,
    running_balance bigint
)
LANGUAGE sql STABLE
AS $$
    SELECT
        events.journal, events.position, events.sequence, events.recorded_at, events.effective_at, events.type,
        events.model, events.execution_id, events.pot_id, moved.change, moved.held_change, events.balance_after,
        events.held_after, (sum(moved.change) OVER (ORDER BY events.sequence))::bigint AS running_balance
    FROM ledger.journals
    INNER JOIN ledger.accounts
        ON journals.journal = accounts.journal AND accounts.account_id = account_history.account_id
    INNER JOIN ledger.events
        ON accounts.journal = events.journal AND accounts.account_id = events.account_id
    CROSS JOIN LATERAL (
        SELECT
            CASE events.type
                WHEN 'credits.added' THEN events.amount
                WHEN 'credits.adjusted' THEN events.amount
                WHEN 'credits.expired' THEN -events.amount
                WHEN 'credits.debited' THEN -events.amount
                ELSE 0
            END AS change,
            CASE events.type
                WHEN 'credits.held' THEN events.amount
                WHEN 'credits.released' THEN -events.amount
                WHEN 'credits.debited' THEN -events.amount
                ELSE 0
            END AS held_change
    ) AS moved
    WHERE events.type IN (
        'credits.added', 'credits.adjusted', 'credits.expired', 'credits.debited', 'credits.held', 'credits.released'
    )
    ORDER BY events.sequence
$$;
