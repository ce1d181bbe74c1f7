-- What an event of a type and an amount adds to an account's balance; 0 for one that adds nothing.
CREATE OR REPLACE FUNCTION ledger.credit_change(type text, amount bigint)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN credit_change.type IN ('credits.added', 'credits.adjusted') THEN credit_change.amount
        WHEN credit_change.type IN ('credits.expired', 'credits.debited') THEN -credit_change.amount
        ELSE 0
    END
$$;
