-- The items of each invoice by what was found: how many, what is billed and what was booked, as the event `invoice.compared` says;
-- and what of it is still open, in suspense, or claimed: what decisions have left. Only items that were decided are looked
-- at. Amounts are micro-dollars.
CREATE OR REPLACE VIEW ledger.reconciliation_sums AS
SELECT
    compared.import_id,
    imports.provider,
    imports.invoice,
    compared.outcome,
    compared.items,
    compared.billed,
    compared.booked,
    compared.billed - compared.booked AS difference,
    CASE WHEN compared.outcome = 'matched' THEN 0 ELSE compared.items - coalesce(decided.items, 0) END AS open_items,
    CASE
        WHEN compared.outcome = 'matched' THEN 0
        ELSE compared.billed - compared.booked - coalesce(decided.difference, 0)
    END AS open_difference,
    coalesce(decided.claimed_difference, 0) AS claimed_difference
FROM (
    SELECT
        (comparing.detail ->> 'import')::uuid AS import_id,
        comparing.detail ->> 'outcome' AS outcome,
        (comparing.detail ->> 'count')::bigint AS items,
        (comparing.detail ->> 'billed')::bigint AS billed,
        (comparing.detail ->> 'booked')::bigint AS booked
    FROM ledger.house_events AS comparing
    WHERE comparing.type = 'invoice.compared'
) AS compared
INNER JOIN ledger.invoice_imports AS imports ON compared.import_id = imports.import_id
LEFT JOIN (
    SELECT
        decisions.import_id,
        items.outcome,
        -- The end of a claim is about an item that left suspense when it was claimed.
        count(*) FILTER (WHERE decisions.resolution IN ('accepted', 'claimed', 'reversed')) AS items,
        (sum(items.billed - items.booked) FILTER (WHERE decisions.resolution IN ('accepted', 'claimed', 'reversed')))::bigint
            AS difference,
        sum(
            CASE decisions.resolution
                WHEN 'claimed' THEN items.billed - items.booked
                WHEN 'credited' THEN items.booked - items.billed
                WHEN 'written_off' THEN items.booked - items.billed
            END
        )::bigint AS claimed_difference
    FROM ledger.reconciliation_decisions AS decisions
    INNER JOIN ledger.invoice_items AS items
        ON decisions.import_id = items.import_id AND decisions.item = items.item
    GROUP BY decisions.import_id, items.outcome
) AS decided
    ON compared.import_id = decided.import_id AND compared.outcome = decided.outcome;
