-- What an account had at a moment, as was known then: the sums that its last event by then left, if that moved credits, or
-- else the last one before it that did. One probe of the index events_balances, however long the account's history is.
-- No row when nothing had moved by then.
CREATE OR REPLACE FUNCTION ledger.balance_at(account_id uuid, at timestamptz)
RETURNS TABLE ("position" bigint, sequence bigint, recorded_at timestamptz, balance bigint, held bigint)
LANGUAGE sql STABLE
AS $$
    SELECT events.position, events.sequence, events.recorded_at, events.balance_after, events.held_after
    FROM ledger.events
    WHERE events.journal = ledger.account_journal(balance_at.account_id)
        AND events.account_id = balance_at.account_id
        AND events.recorded_at <= balance_at.at
        AND events.balance_after IS NOT NULL
    ORDER BY events.recorded_at DESC
    LIMIT 1
$$;
