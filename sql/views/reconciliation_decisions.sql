-- How items of invoices left suspense, and how claims for them ended: one row for each item of each event.
CREATE OR REPLACE VIEW ledger.reconciliation_decisions AS
SELECT
    (resolving.detail ->> 'import')::uuid AS import_id,
    item.number::bigint AS item,
    resolving.detail ->> 'as' AS resolution,
    resolving.detail ->> 'reason' AS reason,
    resolving.detail ->> 'actor' AS actor,
    resolving.journal,
    resolving.position,
    resolving.recorded_at
FROM ledger.house_events AS resolving
CROSS JOIN LATERAL jsonb_array_elements_text(resolving.detail -> 'items') AS item (number)
WHERE resolving.type = 'suspense.resolved';
