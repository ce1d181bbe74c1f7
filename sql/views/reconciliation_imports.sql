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
FROM ledger.house_events AS importing
INNER JOIN ledger.invoice_imports AS imports ON (importing.detail ->> 'import')::uuid = imports.import_id
WHERE importing.type = 'invoice.imported';
