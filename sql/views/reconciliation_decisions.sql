-- How items of invoices left suspense, and how claims for them ended: one row for each item of each event. Events are grouped, each
-- by itself, so that their details are read once and not for each item, and those of one import are still found alone.
CREATE OR REPLACE VIEW ledger.reconciliation_decisions AS
SELECT
    resolving.import_id,
    item.number::bigint AS item,
    resolving.resolution,
    resolving.reason,
    resolving.actor,
    resolving.journal,
    resolving.position,
    resolving.recorded_at
FROM (
    SELECT
        events.position,
        events.journal,
        events.recorded_at,
        (events.detail ->> 'import')::uuid AS import_id,
        events.detail ->> 'as' AS resolution,
        events.detail ->> 'reason' AS reason,
        events.detail ->> 'actor' AS actor,
        events.detail -> 'items' AS items
    FROM ledger.house_events AS events
    WHERE events.type = 'suspense.resolved'
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
) AS resolving
CROSS JOIN LATERAL jsonb_array_elements_text(resolving.items) AS item (number);
