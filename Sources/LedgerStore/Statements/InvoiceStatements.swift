internal import Ledger
internal import Postgres
internal import Reconciliation

extension PostgresRow {
    func day(_ column: Int) throws(PostgresDecodingError) -> Day { Day(number: try int8(column)) }
}

/// The days since 1970 of a column of dates.
func dayNumber(_ column: String) -> String { "(\(column) - DATE '1970-01-01')::bigint" }

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
