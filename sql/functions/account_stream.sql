-- An account's events up to a sequence.
CREATE OR REPLACE FUNCTION ledger.account_stream(account_id uuid, up_to bigint)
RETURNS SETOF ledger.events
LANGUAGE sql STABLE
AS $$
    SELECT events.*
    FROM ledger.events
    WHERE events.journal = (SELECT ledger.account_journal(account_stream.account_id))
        AND events.account_id = account_stream.account_id
        AND events.sequence <= account_stream.up_to
$$;
