-- An account's events after a sequence, up to one.
DROP FUNCTION IF EXISTS ledger.account_stream(uuid, bigint);
CREATE OR REPLACE FUNCTION ledger.account_stream(account_id uuid, up_to bigint, after bigint DEFAULT 0)
RETURNS SETOF ledger.events
LANGUAGE sql STABLE
AS $$
    SELECT events.*
    FROM ledger.events
    WHERE events.journal = (SELECT ledger.account_journal(account_stream.account_id))
        AND events.account_id = account_stream.account_id
        AND events.sequence > account_stream.after
        AND events.sequence <= account_stream.up_to
$$;
