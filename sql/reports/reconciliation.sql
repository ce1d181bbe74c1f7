-- Invoices of providers compared with the ledger: what was found, and what waits in suspense or is claimed:
--
--     psql --no-psqlrc "$RUNLEDGER_DATABASE_URL" -v from=2027-01-01 -v until=2027-02-01 -f sql/reports/reconciliation.sql
--
-- Invoices that are for a day from `from` on and before `until`; all when left out. Amounts are USD; a difference above zero
-- is billed and not booked.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset null '-'
\if :{?from} \else \set from -infinity
\endif
\if :{?until} \else \set until infinity
\endif
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT
    imports.provider,
    imports.invoice,
    imports.from_day,
    imports.until_day,
    classes.outcome,
    classes.items,
    (classes.billed / 1000000.0)::numeric(20, 6) AS billed,
    (classes.booked / 1000000.0)::numeric(20, 6) AS booked,
    (classes.difference / 1000000.0)::numeric(20, 6) AS difference,
    (classes.open_difference / 1000000.0)::numeric(20, 6) AS in_suspense,
    (classes.claimed_difference / 1000000.0)::numeric(20, 6) AS claimed
FROM ledger.reconciliation_imports AS imports
INNER JOIN ledger.reconciliation_sums AS classes ON imports.import_id = classes.import_id
WHERE imports.until_day >= :'from'::date AND imports.from_day < :'until'::date
ORDER BY imports.provider, imports.from_day, imports.position, classes.outcome;

SELECT
    items.provider,
    items.invoice,
    items.item,
    items.outcome,
    items.state,
    items.day,
    items.model,
    items.request_id,
    (items.billed / 1000000.0)::numeric(20, 6) AS billed,
    (items.booked / 1000000.0)::numeric(20, 6) AS booked
FROM ledger.reconciliation_items AS items
INNER JOIN ledger.reconciliation_imports AS imports ON items.import_id = imports.import_id
WHERE
    items.state IN ('open', 'claimed')
    AND imports.until_day >= :'from'::date AND imports.from_day < :'until'::date
ORDER BY items.provider, imports.position, items.item;
COMMIT;
