-- The items of each invoice by what was found: how many, what is billed and what was booked, and what of it is still open, in
-- suspense, or claimed. Amounts are micro-dollars.
CREATE OR REPLACE VIEW ledger.reconciliation_sums AS
SELECT
    items.import_id,
    items.provider,
    items.invoice,
    items.outcome,
    count(*) AS items,
    sum(items.billed)::bigint AS billed,
    sum(items.booked)::bigint AS booked,
    sum(items.difference)::bigint AS difference,
    count(*) FILTER (WHERE items.state = 'open') AS open_items,
    coalesce(sum(items.difference) FILTER (WHERE items.state = 'open'), 0)::bigint AS open_difference,
    coalesce(sum(items.difference) FILTER (WHERE items.state = 'claimed'), 0)::bigint AS claimed_difference
FROM ledger.reconciliation_items AS items
GROUP BY items.import_id, items.provider, items.invoice, items.outcome;
