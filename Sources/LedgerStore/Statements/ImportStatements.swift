internal import Ledger
internal import Postgres
internal import Reconciliation

/// Imports before a position, the latest first.
struct LoadImports: PostgresStatement {
    static let name = "load_imports"
    static let sql = """
        SELECT i.import_id, i.provider, i.invoice, \(dayNumber("i.from_day")), \(dayNumber("i.until_day")),
            i.file_sha256, i.mapping, i.rate, i.lines, i.skipped_lines, i.billed, i.tolerance_microusd,
            i.tolerance_millionths, i.result_sha256, ARRAY(SELECT jsonb_array_elements_text(i.positions)::bigint),
            i.position, i.recorded_at, i.actor
        FROM ledger.reconciliation_imports i
        WHERE ($1::uuid IS NULL OR i.import_id = $1) AND ($2::bytea IS NULL OR i.file_sha256 = $2)
            AND ($3::text IS NULL OR i.invoice = $3 OR octet_length($3) >= 4 AND starts_with(i.import_id::text, $3))
            AND i.position < $4
        ORDER BY i.position DESC
        LIMIT $5
        """
    static let parameterTypes: [PostgresType] = [.uuid, .bytea, .text, .int8, .int8]

    let choice: ImportChoice
    let before: Int64
    let limit: Int64

    func encode(into parameters: inout ParameterEncoder) {
        var id: InvoiceImportID?
        var file: Digest?
        var name: String?
        switch choice {
        case .all: break
        case .one(let only): id = only
        case .file(let digest): file = digest
        case .named(let text): name = text
        }
        parameters.uuid(id?.postgresUUID)
        parameters.bytea(file?.bytes)
        parameters.text(name)
        parameters.int8(before)
        parameters.int8(limit)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> RecordedImport {
        let value = InvoiceImport(
            id: try row.id(0),
            provider: try row.text(1),
            invoice: try row.text(2),
            period: try row.day(3)...row.day(4),
            file: try row.digest(5),
            mapping: try row.text(6),
            rate: try row.optionalText(7),
            lineCount: try row.int8(8),
            skippedCount: try row.int8(9),
            billed: try row.int8(10),
            tolerance: Tolerance(absoluteMicroUSD: try row.int8(11), relativeMillionths: try row.int8(12))
        )
        return RecordedImport(
            value: value,
            result: try row.digest(13),
            positions: try row.int8Array(14),
            position: try row.int8(15),
            recordedAt: try row.time(16),
            actor: try row.optionalText(17),
            classes: []
        )
    }
}

/// What an import found, by outcome. A statement of its own, so that only its own decisions are looked at.
struct LoadImportClasses: PostgresStatement {
    static let name = "load_import_classes"
    static let sql = LoadManyImportClasses.columns + "WHERE import_id = $1"
    static let parameterTypes: [PostgresType] = [.uuid]

    let id: InvoiceImportID

    func encode(into parameters: inout ParameterEncoder) { parameters.uuid(id.postgresUUID) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> RecordedClass {
        try LoadManyImportClasses.decode(row)
    }
}

/// What some imports found, by outcome.
struct LoadManyImportClasses: PostgresStatement {
    static let name = "load_many_import_classes"
    static let columns = """
        SELECT import_id, outcome, items, billed, booked, open_items, open_difference, claimed_difference
        FROM ledger.reconciliation_sums

        """
    static let sql = columns + "WHERE import_id = ANY($1)"
    static let parameterTypes: [PostgresType] = [.uuidArray]

    let imports: [InvoiceImportID]

    func encode(into parameters: inout ParameterEncoder) { parameters.identifiers(imports) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> RecordedClass {
        let sum = InvoiceClass(
            outcome: try row.word(1),
            count: try row.int8(2),
            billed: try row.int8(3),
            booked: try row.int8(4)
        )
        return RecordedClass(
            importID: try row.id(0),
            sum: sum,
            openCount: try row.int8(5),
            open: try row.int8(6),
            claimed: try row.int8(7)
        )
    }
}

/// What some imports found in all.
struct LoadImportTotals: PostgresStatement {
    static let name = "load_import_totals"
    static let sql = """
        SELECT matched_items, differing_items, difference, open_items, open_difference, claimed_difference, import_id
        FROM ledger.reconciliation_totals WHERE import_id = ANY($1)
        """
    static let parameterTypes: [PostgresType] = [.uuidArray]

    let imports: [InvoiceImportID]

    func encode(into parameters: inout ParameterEncoder) { parameters.identifiers(imports) }

    static func decode(
        _ row: PostgresRow
    ) throws(PostgresDecodingError) -> (importID: InvoiceImportID, total: ImportTotal) {
        (try row.id(6), try ImportTotal(row, count: 1))
    }
}

/// What all imports found together.
struct SumImports: PostgresStatement {
    static let name = "sum_imports"
    static let sql = """
        SELECT coalesce(sum(t.matched_items), 0)::bigint, coalesce(sum(t.differing_items), 0)::bigint,
            coalesce(sum(t.difference), 0)::bigint, coalesce(sum(t.open_items), 0)::bigint,
            coalesce(sum(t.open_difference), 0)::bigint, coalesce(sum(t.claimed_difference), 0)::bigint, count(*)
        FROM ledger.reconciliation_totals t
        """
    static let parameterTypes: [PostgresType] = []

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ImportTotal {
        try ImportTotal(row, count: row.int8(6))
    }
}

extension ImportTotal {
    fileprivate init(_ row: PostgresRow, count: Int64) throws(PostgresDecodingError) {
        self.init(
            importCount: count,
            matchedCount: try row.int8(0),
            differingCount: try row.int8(1),
            difference: try row.int8(2),
            openCount: try row.int8(3),
            open: try row.int8(4),
            claimed: try row.int8(5)
        )
    }
}

/// Some imports after a position, each with what its event recorded and what is kept now. The event's own words name it, since its
/// row may be gone.
struct CheckImports: PostgresStatement {
    static let name = "check_imports"
    static let sql = """
        SELECT (e.detail ->> 'import')::uuid, e.detail ->> 'provider', e.detail ->> 'invoice', e.position,
            e.detail ->> 'kept'
                IS NOT DISTINCT FROM encode(ledger.invoice_digest((e.detail ->> 'import')::uuid), 'hex')
        FROM ledger.house_events e
        WHERE e.journal = 0 AND e.type = 'invoice.imported' AND e.position > $1
        ORDER BY e.position
        LIMIT 20
        """
    static let parameterTypes: [PostgresType] = [.int8]

    let after: Int64

    func encode(into parameters: inout ParameterEncoder) { parameters.int8(after) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> (item: ChangedImport, isKept: Bool) {
        let item = ChangedImport(
            id: try row.id(0),
            provider: try row.text(1),
            invoice: try row.text(2),
            position: try row.int8(3)
        )
        return (item, try row.bool(4))
    }
}

/// SHA-256 over everything that is kept of an import.
struct DigestImport: PostgresStatement {
    static let name = "digest_import"
    static let sql = "SELECT ledger.invoice_digest($1)"
    static let parameterTypes: [PostgresType] = [.uuid]

    let importID: InvoiceImportID

    func encode(into parameters: inout ParameterEncoder) { parameters.uuid(importID.postgresUUID) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Digest { try row.digest(0) }
}
