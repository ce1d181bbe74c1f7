-- Why a number is what it is: the shortest list of events that add up to it, each with its rule and price version.
--
-- `subject` is one of balance, held, available (all of the account), pot, grant, charge (of a run; `reference` is its id)
-- and refusal (`reference` is the event's sequence, or the id of the request or of the run). As of `up_to`, an event of
-- the account's stream. Raises 22023 for another subject, or a reference that is none. Sessions of the run path go without
-- the joins and sorts that this needs.
CREATE OR REPLACE FUNCTION ledger.why(
    account_id uuid,
    subject text,
    reference text DEFAULT NULL,
    up_to bigint DEFAULT 9223372036854775807,
    at timestamptz DEFAULT 'infinity'
)
RETURNS SETOF ledger.explanation
LANGUAGE plpgsql STABLE
SET jit = off
SET enable_hashjoin = on
SET enable_sort = on
AS $$
DECLARE
    refusal bigint;
BEGIN
    CASE why.subject
        WHEN 'balance' THEN
            RETURN QUERY SELECT * FROM ledger.why_balance(why.account_id, why.up_to);
        WHEN 'held' THEN
            RETURN QUERY SELECT * FROM ledger.why_held(why.account_id, why.up_to);
        WHEN 'available' THEN
            RETURN QUERY SELECT * FROM ledger.why_available(why.account_id, why.up_to);
        WHEN 'pot' THEN
            RETURN QUERY SELECT * FROM ledger.why_pot(why.account_id, why.reference::uuid, why.up_to);
        WHEN 'grant' THEN
            RETURN QUERY SELECT * FROM ledger.why_grant(why.account_id, why.reference::uuid, why.up_to, why.at);
        WHEN 'charge' THEN
            RETURN QUERY SELECT * FROM ledger.why_charge(why.account_id, why.reference::uuid, why.up_to);
        WHEN 'refusal' THEN
            IF why.reference ~ '^[0-9]{1,18}$' THEN
                refusal := why.reference::bigint;
            ELSE
                refusal := ledger.stream_beginning(
                    why.account_id, 'refusal', why.reference::uuid, why.up_to
                );
            END IF;
            RETURN QUERY SELECT * FROM ledger.why_refusal(why.account_id, refusal);
        ELSE
            RAISE EXCEPTION 'subject: % is none of balance, held, available, pot, grant, charge, refusal',
                why.subject USING ERRCODE = '22023';
    END CASE;
END
$$;
