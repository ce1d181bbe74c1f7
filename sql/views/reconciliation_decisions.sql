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
FROM (
    SELECT
        events.journal,
        events.position,
        events.recorded_at,
        events.detail::jsonb AS detail
    FROM ledger.accounts
    INNER JOIN ledger.events
        ON accounts.journal = events.journal AND accounts.account_id = events.account_id
    WHERE
        accounts.journal = 0
        AND accounts.account_id BETWEEN '686f7573-6500-0000-0000-000000000000'
        AND '686f7573-6500-0000-ffff-ffffffffffff'
        AND events.type = 'suspense.resolved'
) AS resolving
CROSS JOIN LATERAL jsonb_array_elements_text(resolving.detail -> 'items') AS item (number);
