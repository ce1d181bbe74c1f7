-- Why an account had credits that no run had on hold after an event of its stream: its balance, less its open holds.
CREATE OR REPLACE FUNCTION ledger.why_available(account_id uuid, up_to bigint)
RETURNS SETOF ledger.explanation
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY SELECT * FROM ledger.why_balance(why_available.account_id, why_available.up_to);
    RETURN QUERY
    SELECT
        held.sequence, held.position, held.recorded_at, held.type, -held.change, held.rule, held.price_version,
        held.model, held.execution_id, held.pot_id, held.grant_id
    FROM ledger.why_held(why_available.account_id, why_available.up_to) AS held;
END
$$;
