internal import Ledger
internal import Postgres
internal import Reconciliation

extension PostgresRow {
    func day(_ column: Int) throws(PostgresDecodingError) -> Day { Day(number: try int8(column)) }
}

/// The days since 1970 of a column of dates.
private func dayNumber(_ column: String) -> String { "(\(column) - DATE '1970-01-01')::bigint" }

/// The runs that a provider may bill: those that ended in a period, and those whose requests are named; with what earlier
/// imports have made of each.
struct LoadCharges: PostgresStatement {
    static let name = "load_charges"
    static let sql = """
        WITH runs AS MATERIALIZED (
            SELECT * FROM ledger.provider_runs
            WHERE provider = $1
                AND (at >= $2 AND at < $3 OR provider_request_id IN (SELECT unnest($4::text[])))
        ), settled AS (
            SELECT r.execution_id,
                bool_or(i.outcome IN ('matched', 'price_differs')) AS is_billed,
                (array_agg(i.import_id ORDER BY i.position DESC) FILTER (WHERE i.outcome = 'missing_with_them'))[1]
                    AS import_id,
                (array_agg(i.item ORDER BY i.position DESC) FILTER (WHERE i.outcome = 'missing_with_them'))[1] AS item,
                (array_agg(i.state ORDER BY i.position DESC) FILTER (WHERE i.outcome = 'missing_with_them'))[1] AS state
            FROM ledger.invoice_item_runs r
            JOIN ledger.reconciliation_items i ON i.import_id = r.import_id AND i.item = r.item
            WHERE r.execution_id IN (SELECT execution_id FROM runs)
            GROUP BY r.execution_id
        )
        SELECT runs.journal, runs.account_id, runs.execution_id, runs.provider_request_id,
            \(dayNumber("runs.day")), runs.model, runs.booked,
            coalesce(settled.is_billed, false), settled.import_id, settled.item, settled.state, runs.provider_model
        FROM runs LEFT JOIN settled ON settled.execution_id = runs.execution_id
        ORDER BY runs.execution_id
        """
    static let parameterTypes: [PostgresType] = [.text, .timestamptz, .timestamptz, .textArray]

    let provider: String
    let period: ClosedRange<Day>
    let requests: [String]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.text(provider)
        parameters.timestamptz(microseconds: period.lowerBound.start.microseconds)
        parameters.timestamptz(microseconds: period.upperBound.next.start.microseconds)
        parameters.textArray(requests)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Charge {
        Charge(
            journal: JournalID(try row.int2(0)),
            accountID: try row.id(1),
            executionID: try row.id(2),
            requestID: try row.optionalText(3),
            day: try row.day(4),
            model: try row.text(5),
            providerModel: try row.optionalText(11),
            booked: try row.int8(6),
            standing: try standing(row)
        )
    }

    private static func standing(_ row: PostgresRow) throws(PostgresDecodingError) -> Charge.Standing {
        if try row.bool(7) { return .billed }
        guard let importID: InvoiceImportID = try row.optionalID(8) else { return .owed }
        switch try row.word(10, as: ItemState.self) {
        case .open, .claimed: return .suspended(SuspenseItem(importID: importID, number: Int(try row.int8(9))))
        case .reversed: return .owed
        default: return .dropped
        }
    }
}

/// Which imports billed requests before, the first one first.
struct LoadEarlierParts: PostgresStatement {
    static let name = "load_earlier_parts"
    static let sql = """
        SELECT l.request_id, l.part, l.import_id
        FROM ledger.invoice_lines l
        JOIN ledger.reconciliation_imports i ON i.import_id = l.import_id
        WHERE l.provider = $1 AND l.request_id IN (SELECT unnest($2::text[]))
        ORDER BY i.position
        """
    static let parameterTypes: [PostgresType] = [.text, .textArray]

    let provider: String
    let requests: [String]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.text(provider)
        parameters.textArray(requests)
    }

    static func decode(
        _ row: PostgresRow
    ) throws(PostgresDecodingError) -> (part: InvoicePart, importID: InvoiceImportID) {
        (InvoicePart(requestID: try row.text(0), part: try row.text(1)), try row.id(2))
    }
}

/// Which imports billed days and models without requests before, the first one first.
struct LoadEarlierDays: PostgresStatement {
    static let name = "load_earlier_days"
    static let sql = """
        SELECT \(dayNumber("l.day")), l.model, l.import_id
        FROM ledger.invoice_lines l
        JOIN ledger.reconciliation_imports i ON i.import_id = l.import_id
        WHERE l.provider = $1 AND l.request_id IS NULL AND l.day IN (SELECT DATE '1970-01-01' + unnest($2::int4[]))
        GROUP BY l.day, l.model, l.import_id, i.position
        ORDER BY i.position
        """
    static let parameterTypes: [PostgresType] = [.text, .int4Array]

    let provider: String
    let days: [Day]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.text(provider)
        parameters.int4Array(days.map { Int32(clamping: $0.number) })
    }

    static func decode(
        _ row: PostgresRow
    ) throws(PostgresDecodingError) -> (key: DayModel, importID: InvoiceImportID) {
        (DayModel(day: try row.day(0), model: try row.text(1)), try row.id(2))
    }
}

/// Imports, the latest first: all, the one with an id, those of a file.
struct LoadImports: PostgresStatement {
    static let name = "load_imports"
    static let sql = """
        SELECT i.import_id, i.provider, i.invoice, \(dayNumber("i.from_day")), \(dayNumber("i.until_day")),
            i.file_sha256, i.mapping, i.rate, i.lines, i.skipped_lines, i.billed, i.tolerance_microusd,
            i.tolerance_millionths, i.result_sha256, ARRAY(SELECT jsonb_array_elements_text(i.positions)::bigint),
            i.position, i.recorded_at, i.actor
        FROM ledger.reconciliation_imports i
        WHERE ($1::uuid IS NULL OR i.import_id = $1) AND ($2::bytea IS NULL OR i.file_sha256 = $2)
        ORDER BY i.position DESC
        LIMIT $3
        """
    static let parameterTypes: [PostgresType] = [.uuid, .bytea, .int8]

    var id: InvoiceImportID?
    var file: Digest?
    var limit: Int64 = 1_000

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(id?.postgresUUID)
        parameters.bytea(file?.bytes)
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

/// What some imports found, by outcome.
struct LoadImportClasses: PostgresStatement {
    static let name = "load_import_classes"
    static let sql = """
        SELECT import_id, outcome, items, billed, booked, open_items, open_difference, claimed_difference
        FROM ledger.reconciliation_sums WHERE import_id = ANY($1)
        """
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

/// A page of an import's items after one: all, or those of an outcome or in a state, or all but those that match.
struct LoadImportItems: PostgresStatement {
    static let name = "load_import_items"
    static let sql = """
        SELECT i.item, i.outcome, i.state, i.line, i.request_id, \(dayNumber("i.day")), i.model, i.billed, i.booked,
            i.earlier_import_id, i.reason, i.resolved_by, i.resolved_at, r.execution_id, r.account_id,
            (SELECT count(*) FROM ledger.invoice_item_runs n WHERE n.import_id = i.import_id AND n.item = i.item)
        FROM ledger.reconciliation_items i
        LEFT JOIN LATERAL (
            SELECT execution_id, account_id FROM ledger.invoice_item_runs r
            WHERE r.import_id = i.import_id AND r.item = i.item ORDER BY execution_id LIMIT 1
        ) r ON true
        WHERE i.import_id = $1 AND i.item > $2 AND ($3::text IS NULL OR i.outcome = $3)
            AND ($4::text IS NULL OR i.state = $4) AND (NOT $5 OR i.outcome <> 'matched')
        ORDER BY i.item
        LIMIT $6
        """
    static let parameterTypes: [PostgresType] = [.uuid, .int8, .text, .text, .bool, .int8]

    let query: InvoiceItemQuery

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(query.importID.postgresUUID)
        parameters.int8(query.after)
        parameters.text(query.outcome?.rawValue)
        parameters.text(query.state?.rawValue)
        parameters.bool(query.isExceptions)
        parameters.int8(Int64(query.limit))
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> RecordedItem {
        RecordedItem(
            number: try row.int8(0),
            outcome: try row.word(1),
            state: try row.word(2),
            line: try row.optionalInt8(3),
            requestID: try row.optionalText(4),
            day: try row.day(5),
            model: try row.optionalText(6),
            billed: try row.int8(7),
            booked: try row.int8(8),
            earlier: try row.optionalID(9),
            reason: try row.optionalText(10),
            resolvedBy: try row.optionalText(11),
            resolvedAt: try row.optionalTime(12),
            run: try row.optionalID(13),
            account: try row.optionalID(14),
            runCount: try row.int8(15)
        )
    }
}

/// A page of an import's items with all of their runs, as the digest of the result is made of them.
struct LoadDigestedItems: PostgresStatement {
    static let name = "load_digested_items"
    static let sql = """
        SELECT i.item, i.outcome, i.line, i.request_id, \(dayNumber("i.day")), i.model, i.billed, i.booked,
            i.earlier_import_id, ARRAY(
                SELECT r.execution_id FROM ledger.invoice_item_runs r
                WHERE r.import_id = i.import_id AND r.item = i.item ORDER BY r.execution_id
            )
        FROM ledger.invoice_items i
        WHERE i.import_id = $1 AND i.item > $2
        ORDER BY i.item
        LIMIT 5000
        """
    static let parameterTypes: [PostgresType] = [.uuid, .int8]

    let importID: InvoiceImportID
    let after: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(importID.postgresUUID)
        parameters.int8(after)
    }

    /// Adds an item to a digest, and gives its number.
    typealias Row = (number: Int64, add: (inout ResultDigest) -> Void)

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Row {
        let number = try row.int8(0)
        let outcome = try row.word(1, as: InvoiceOutcome.self)
        let line = try row.optionalInt8(2)
        let requestID = try row.optionalText(3)
        let day = try row.day(4)
        let model = try row.optionalText(5)
        let (billed, booked) = (try row.int8(6), try row.int8(7))
        let earlier: InvoiceImportID? = try row.optionalID(8)
        let runs = try row.uuidArray(9).map { ExecutionID($0) }
        return (
            number,
            { digest in
                digest.add(
                    number: number,
                    outcome: outcome,
                    line: line,
                    requestID: requestID,
                    day: day,
                    model: model,
                    billed: billed,
                    booked: booked,
                    earlier: earlier,
                    runs: runs
                )
            }
        )
    }
}
