-- What comparing invoices with the ledger found, item by item, and what became of each: `state` is `matched`, `open`, or how it was
-- last resolved. Amounts are micro-dollars.
CREATE OR REPLACE VIEW ledger.reconciliation_items AS
SELECT
    imports.provider,
    imports.invoice,
    items.import_id,
    items.item,
    items.outcome,
    CASE
        WHEN items.outcome = 'matched' THEN 'matched'
        ELSE coalesce(resolutions.resolution, 'open')
    END AS state,
    items.line,
    items.request_id,
    items.day,
    items.model,
    items.billed,
    items.booked,
    items.billed - items.booked AS difference,
    items.earlier_import_id,
    resolutions.reason,
    resolutions.actor AS resolved_by,
    resolutions.recorded_at AS resolved_at,
    imports.position
FROM ledger.reconciliation_imports AS imports
INNER JOIN ledger.invoice_items AS items ON imports.import_id = items.import_id
LEFT JOIN (
    SELECT DISTINCT ON (latest.import_id, latest.item)
        latest.import_id,
        latest.item,
        latest.resolution,
        latest.reason,
        latest.actor,
        latest.recorded_at
    FROM ledger.reconciliation_decisions AS latest
    ORDER BY latest.import_id ASC, latest.item ASC, latest.position DESC
) AS resolutions
    ON items.import_id = resolutions.import_id AND items.item = resolutions.item;
