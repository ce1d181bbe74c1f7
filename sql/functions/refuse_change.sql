-- migrator: superuser
-- The trigger of append-only tables. Raises LG010.
CREATE OR REPLACE FUNCTION ledger_guard.refuse_change()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % is refused', tg_table_schema, tg_table_name, tg_op
        USING ERRCODE = 'LG010',
        HINT = 'A wrong event is corrected by another event that follows it, such as credits.adjusted.';
END
$$;

REVOKE ALL ON FUNCTION ledger_guard.refuse_change() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_guard.refuse_change() TO runledger_owner;
