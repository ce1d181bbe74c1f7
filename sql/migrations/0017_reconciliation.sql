-- Invoices of providers, and what comparing them with the ledger found. Append-only. A row counts when the event
-- `invoice.imported` names its import; the event has the SHA-256 of the file and of all of these rows. Rows of an import are written in one
-- transaction; foreign keys would need triggers of their own, which the fences do not allow.
CREATE TABLE ledger.invoice_imports (
    import_id uuid PRIMARY KEY,
    provider text NOT NULL CHECK (octet_length(provider) BETWEEN 1 AND 64),
    invoice text NOT NULL CHECK (octet_length(invoice) BETWEEN 1 AND 100),
    from_day date NOT NULL,
    until_day date NOT NULL CHECK (until_day >= from_day),
    file_sha256 bytea NOT NULL CHECK (octet_length(file_sha256) = 32),
    mapping text NOT NULL,
    -- Another currency than USD and its rate, as stated: EUR=1.0837.
    rate text,
    lines bigint NOT NULL CHECK (lines > 0),
    skipped_lines bigint NOT NULL CHECK (skipped_lines >= 0),
    billed bigint NOT NULL,
    tolerance_microusd bigint NOT NULL CHECK (tolerance_microusd >= 0),
    tolerance_millionths bigint NOT NULL CHECK (tolerance_millionths >= 0)
);
CREATE INDEX invoice_imports_by_file ON ledger.invoice_imports (file_sha256);

-- Amounts are micro-dollars. `part` tells lines of one request apart.
CREATE TABLE ledger.invoice_lines (
    import_id uuid NOT NULL,
    line bigint NOT NULL CHECK (line > 0),
    provider text NOT NULL,
    request_id text,
    part text NOT NULL,
    day date NOT NULL,
    model text,
    billed bigint NOT NULL,
    PRIMARY KEY (import_id, line),
    CHECK (request_id IS NOT NULL OR model IS NOT NULL)
);
CREATE INDEX invoice_lines_by_request ON ledger.invoice_lines (provider, request_id, day);

-- `line` is the first line that the item is about; NULL for what the invoice lacks.
CREATE TABLE ledger.invoice_items (
    import_id uuid NOT NULL,
    item bigint NOT NULL CHECK (item > 0),
    outcome text NOT NULL CHECK (
        outcome IN ('matched', 'price_differs', 'missing_with_us', 'missing_with_them', 'duplicate')
    ),
    line bigint,
    request_id text,
    day date NOT NULL,
    model text,
    billed bigint NOT NULL,
    booked bigint NOT NULL,
    earlier_import_id uuid,
    PRIMARY KEY (import_id, item)
);
-- Pages of what differs, however much matches.
CREATE INDEX invoice_items_that_differ ON ledger.invoice_items (import_id, item) WHERE outcome <> 'matched';

-- The runs that items are about.
CREATE TABLE ledger.invoice_item_runs (
    import_id uuid NOT NULL,
    item bigint NOT NULL,
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    PRIMARY KEY (import_id, item, execution_id)
);
CREATE INDEX invoice_item_runs_by_execution ON ledger.invoice_item_runs (execution_id);
