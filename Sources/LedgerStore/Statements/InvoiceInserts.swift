internal import Ledger
internal import Postgres
internal import Reconciliation

/// Keeps what is said of an import; it counts from its event on.
struct InsertImport: PostgresStatement {
    typealias Row = Void
    static let name = "insert_import"
    static let sql = """
        INSERT INTO ledger.invoice_imports (
            import_id, provider, invoice, from_day, until_day, file_sha256, mapping, rate, lines, skipped_lines, billed,
            tolerance_microusd, tolerance_millionths
        ) VALUES ($1, $2, $3, DATE '1970-01-01' + $4, DATE '1970-01-01' + $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """
    static let parameterTypes: [PostgresType] = [
        .uuid, .text, .text, .int4, .int4, .bytea, .text, .text, .int8, .int8, .int8, .int8, .int8,
    ]

    let value: InvoiceImport

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(value.id.postgresUUID)
        parameters.text(value.provider)
        parameters.text(value.invoice)
        parameters.int4(Int32(clamping: value.period.lowerBound.number))
        parameters.int4(Int32(clamping: value.period.upperBound.number))
        parameters.bytea(value.file.bytes)
        parameters.text(value.mapping)
        parameters.text(value.rate)
        parameters.int8(value.lineCount)
        parameters.int8(value.skippedCount)
        parameters.int8(value.billed)
        parameters.int8(value.tolerance.absoluteMicroUSD)
        parameters.int8(value.tolerance.relativeMillionths)
    }
}

/// Items of a provider's imports that wait for runs which a later import bills, with that one's invoice.
struct LoadArrivedItems: PostgresStatement {
    static let name = "load_arrived_items"
    static let sql = """
        SELECT missing.import_id, missing.item, min(billing.invoice)
        FROM ledger.reconciliation_items missing
        JOIN ledger.invoice_item_runs lacked ON lacked.import_id = missing.import_id AND lacked.item = missing.item
        JOIN ledger.invoice_item_runs named ON named.execution_id = lacked.execution_id
        JOIN ledger.reconciliation_items billing ON billing.import_id = named.import_id AND billing.item = named.item
        WHERE missing.provider = $1 AND missing.outcome = 'missing_with_them' AND missing.state = 'open'
            AND billing.outcome IN ('matched', 'price_differs') AND billing.position > missing.position
        GROUP BY missing.import_id, missing.item
        ORDER BY missing.import_id, missing.item
        """
    static let parameterTypes: [PostgresType] = [.text]

    let provider: String

    func encode(into parameters: inout ParameterEncoder) { parameters.text(provider) }

    static func decode(
        _ row: PostgresRow
    ) throws(PostgresDecodingError) -> (item: SuspenseItem, invoice: String) {
        (SuspenseItem(importID: try row.id(0), number: Int(try row.int8(1))), try row.text(2))
    }
}

/// Keeps lines of an invoice.
struct InsertInvoiceLines: PostgresStatement {
    typealias Row = Void
    static let name = "insert_invoice_lines"
    static let sql = """
        INSERT INTO ledger.invoice_lines (import_id, provider, line, request_id, part, day, model, billed)
        SELECT $1, $2, unnest($3), unnest($4), unnest($5), DATE '1970-01-01' + unnest($6), unnest($7), unnest($8)
        """
    static let parameterTypes: [PostgresType] = [
        .uuid, .text, .int8Array, .textArray, .textArray, .int4Array, .textArray, .int8Array,
    ]

    let importID: InvoiceImportID
    let provider: String
    let lines: ArraySlice<InvoiceLine>

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(importID.postgresUUID)
        parameters.text(provider)
        parameters.int8Array(lines.map { Int64($0.line) })
        parameters.textArray(lines.map(\.requestID))
        parameters.textArray(lines.map(\.storedPart))
        parameters.int4Array(lines.map { Int32(clamping: $0.day.number) })
        parameters.textArray(lines.map(\.model))
        parameters.int8Array(lines.map(\.billed))
    }
}

/// Keeps items of a result.
struct InsertInvoiceItems: PostgresStatement {
    typealias Row = Void
    static let name = "insert_invoice_items"
    static let sql = """
        INSERT INTO ledger.invoice_items (
            import_id, item, outcome, line, request_id, day, model, billed, booked, earlier_import_id
        )
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), DATE '1970-01-01' + unnest($6), unnest($7), unnest($8),
            unnest($9), unnest($10)::uuid
        """
    static let parameterTypes: [PostgresType] = [
        .uuid, .int8Array, .textArray, .int8Array, .textArray, .int4Array, .textArray, .int8Array, .int8Array,
        .textArray,
    ]

    let importID: InvoiceImportID
    let items: ArraySlice<ReconciledItem>

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(importID.postgresUUID)
        parameters.int8Array(items.map { Int64($0.number) })
        parameters.textArray(items.map(\.outcome.rawValue))
        parameters.int8Array(items.map { item in item.line.map { Int64($0) } })
        parameters.textArray(items.map(\.requestID))
        parameters.int4Array(items.map { Int32(clamping: $0.day.number) })
        parameters.textArray(items.map(\.model))
        parameters.int8Array(items.map(\.billed))
        parameters.int8Array(items.map(\.booked))
        parameters.textArray(items.map { $0.earlier?.description })
    }
}

/// Keeps the runs that items are about.
struct InsertInvoiceItemRuns: PostgresStatement {
    typealias Row = Void
    static let name = "insert_invoice_item_runs"
    static let sql = """
        INSERT INTO ledger.invoice_item_runs (import_id, item, journal, account_id, execution_id)
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5)
        """
    static let parameterTypes: [PostgresType] = [.uuid, .int8Array, .int2Array, .uuidArray, .uuidArray]

    let importID: InvoiceImportID
    let runs: ArraySlice<(item: Int, charge: Charge)>

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(importID.postgresUUID)
        parameters.int8Array(runs.map { Int64($0.item) })
        parameters.int2Array(runs.map(\.charge.journal.number))
        parameters.identifiers(runs.map(\.charge.accountID))
        parameters.identifiers(runs.map(\.charge.executionID))
    }
}
