-- Checks a ledger with psql alone, as an auditor:
--
--     psql --no-psqlrc "$RUNLEDGER_DATABASE_URL" -f sql/reports/verify_chain.sql
--
-- Prints one line per check with the first bad thing that it found. Exit code 0 when all is well, 3 when it is not.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

SELECT
    jsonb_agg(verified)::text AS results,
    count(verified.fault) AS fault_count,
    count(*) AS check_count
FROM ledger.verify_chain() AS verified \gset

SELECT
    result.check_name AS "check",
    result.checked,
    coalesce(result.fault, 'ok') AS result
FROM jsonb_to_recordset(:'results') AS result (check_name text, checked bigint, fault text);

SELECT
    journals.journal,
    journals.position AS head,
    encode(journals.head_hash, 'hex') AS head_hash
FROM ledger.journals
WHERE journals.position > 0
ORDER BY journals.journal;
COMMIT;

SELECT :fault_count > 0 AS is_faulty \gset
\if :is_faulty
\echo :fault_count of :check_count checks failed.
DO $$ BEGIN RAISE EXCEPTION 'the ledger is not what it was' USING ERRCODE = 'LG013'; END $$;
\else
\echo All :check_count checks passed.
\endif
