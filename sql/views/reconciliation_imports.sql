-- Every invoice that was compared with the ledger, with its event: those whose event is missing were given up before it. Amounts
-- are micro-dollars.
CREATE OR REPLACE VIEW ledger.reconciliation_imports AS
SELECT
    imports.import_id,
    imports.provider,
    imports.invoice,
    imports.from_day,
    imports.until_day,
    imports.file_sha256,
    imports.mapping,
    imports.rate,
    imports.lines,
    imports.skipped_lines,
    imports.billed,
    imports.tolerance_microusd,
    imports.tolerance_millionths,
    decode(importing.detail ->> 'result', 'hex') AS result_sha256,
    importing.detail -> 'positions' AS positions,
    importing.journal,
    importing.position,
    importing.recorded_at,
    importing.detail ->> 'actor' AS actor
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
        AND events.type = 'invoice.imported'
) AS importing
INNER JOIN ledger.invoice_imports AS imports ON (importing.detail ->> 'import')::uuid = imports.import_id;
