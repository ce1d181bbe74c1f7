-- What every account has:
--
--     psql --no-psqlrc "$RUNLEDGER_DATABASE_URL" -f sql/reports/balances.sql
--
-- Amounts are credits. `expired` was not used in time and is written off by the account's next event.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT
    balances.account_id AS account,
    balances.tier,
    (balances.posted / 1000000.0)::numeric(20, 6) AS posted,
    (balances.held / 1000000.0)::numeric(20, 6) AS held,
    (balances.available / 1000000.0)::numeric(20, 6) AS available,
    (balances.expired / 1000000.0)::numeric(20, 6) AS expired
FROM ledger.balances
ORDER BY balances.posted DESC, balances.account_id;

SELECT
    count(*) AS accounts,
    (coalesce(sum(balances.posted), 0) / 1000000.0)::numeric(20, 6) AS posted,
    (coalesce(sum(balances.held), 0) / 1000000.0)::numeric(20, 6) AS held,
    (coalesce(sum(balances.available), 0) / 1000000.0)::numeric(20, 6) AS available,
    (coalesce(sum(balances.expired), 0) / 1000000.0)::numeric(20, 6) AS expired
FROM ledger.balances;
COMMIT;
