-- The books: every account of the chart, and the proof that they balance:
--
--     psql --no-psqlrc "$RUNLEDGER_DATABASE_URL" -f sql/reports/trial_balance.sql
--
-- With `-v positions=120,98,0` after position 120 of journal 0, 98 of journal 1 and none of journal 2. Debits are above
-- zero. Exit code 3 when a commodity does not sum to zero.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\if :{?positions} \else \set positions ''
\endif
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT
    chart.book AS account,
    chart.commodity,
    CASE chart.commodity
        WHEN 'GRANTRUN' THEN balance.units::text
        ELSE (balance.units / 1000000.0)::numeric(30, 6)::text
    END AS balance,
    chart.meaning
FROM ledger.trial_balance(string_to_array(nullif(:'positions', ''), ',')::bigint[]) AS balance
INNER JOIN ledger.chart_of_accounts AS chart ON balance.name = chart.book
ORDER BY chart.commodity, chart.book;

SELECT count(*) > 0 AS is_unbalanced
FROM (
    SELECT FROM ledger.trial_balance(string_to_array(nullif(:'positions', ''), ',')::bigint[]) AS balance
    GROUP BY balance.commodity
    HAVING sum(balance.units) <> 0
) AS unbalanced \gset
COMMIT;
\if :is_unbalanced
DO $$ BEGIN RAISE EXCEPTION 'the books do not balance' USING ERRCODE = 'LG013'; END $$;
\else
\echo Every commodity sums to zero.
\endif
