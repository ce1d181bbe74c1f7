-- SHA-256 over everything that is kept of an import: its settings, lines and items, and the runs of items. Each row is hashed as a
-- JSON array, which tells NULL from an empty text; then the hashes of each table's rows, in order; then those of the four
-- tables. NULL when the import has no row. `invoice.imported` records it as `kept`.
CREATE OR REPLACE FUNCTION ledger.invoice_digest(import uuid)
RETURNS bytea
LANGUAGE sql STABLE
AS $$
    SELECT sha256(settings.hash || lines.hash || items.hash || runs.hash)
    FROM (
        SELECT sha256(convert_to(jsonb_build_array(
            imports.import_id, imports.provider, imports.invoice, imports.from_day, imports.until_day,
            encode(imports.file_sha256, 'hex'), imports.mapping, imports.rate, imports.lines, imports.skipped_lines,
            imports.billed, imports.tolerance_microusd, imports.tolerance_millionths
        )::text, 'UTF8')) AS hash
        FROM ledger.invoice_imports AS imports
        WHERE imports.import_id = invoice_digest.import
    ) AS settings
    CROSS JOIN (
        SELECT sha256(coalesce(string_agg(sha256(convert_to(jsonb_build_array(
            lines.line, lines.provider, lines.request_id, lines.part, lines.day, lines.model, lines.billed
        )::text, 'UTF8')), ''::bytea ORDER BY lines.line), ''::bytea)) AS hash
        FROM ledger.invoice_lines AS lines
        WHERE lines.import_id = invoice_digest.import
    ) AS lines
    CROSS JOIN (
        SELECT sha256(coalesce(string_agg(sha256(convert_to(jsonb_build_array(
            items.item, items.outcome, items.line, items.request_id, items.day, items.model, items.billed, items.booked,
            items.earlier_import_id
        )::text, 'UTF8')), ''::bytea ORDER BY items.item), ''::bytea)) AS hash
        FROM ledger.invoice_items AS items
        WHERE items.import_id = invoice_digest.import
    ) AS items
    CROSS JOIN (
        SELECT sha256(coalesce(string_agg(sha256(convert_to(jsonb_build_array(
            runs.item, runs.journal, runs.account_id, runs.execution_id
        )::text, 'UTF8')), ''::bytea ORDER BY runs.item, runs.execution_id), ''::bytea)) AS hash
        FROM ledger.invoice_item_runs AS runs
        WHERE runs.import_id = invoice_digest.import
    ) AS runs
$$;
