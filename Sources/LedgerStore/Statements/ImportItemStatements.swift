internal import Ledger
internal import Postgres
internal import Reconciliation

/// A page of an import's items after one: all, or those of an outcome or in a state, or all but those that match.
struct LoadImportItems: PostgresStatement {
    static let name = "load_import_items"
    static let sql = text()

    static func text(andOnly condition: String = "") -> String {
        """
        SELECT i.item, i.outcome, i.state, i.line, i.request_id, \(dayNumber("i.day")), i.model, i.billed, i.booked,
            i.earlier_import_id, i.reason, i.resolved_by, i.resolved_at, r.execution_id, r.account_id,
            (SELECT count(*) FROM ledger.invoice_item_runs n WHERE n.import_id = i.import_id AND n.item = i.item)
        FROM ledger.reconciliation_items i
        LEFT JOIN LATERAL (
            SELECT execution_id, account_id FROM ledger.invoice_item_runs r
            WHERE r.import_id = i.import_id AND r.item = i.item ORDER BY execution_id LIMIT 1
        ) r ON true
        WHERE i.import_id = $1 AND i.item > $2 AND ($3::text IS NULL OR i.outcome = $3)
            AND ($4::text IS NULL OR i.state = $4) AND (NOT $5 OR i.outcome <> 'matched')\(condition)
        ORDER BY i.item
        LIMIT $6
        """
    }
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

/// The same of items that differ: a statement of its own, so that an index of these is used.
struct LoadDifferingItems: PostgresStatement {
    static let name = "load_differing_items"
    static let sql = LoadImportItems.text(andOnly: " AND i.outcome <> 'matched'")
    static let parameterTypes = LoadImportItems.parameterTypes

    let query: InvoiceItemQuery

    func encode(into parameters: inout ParameterEncoder) { LoadImportItems(query: query).encode(into: &parameters) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> RecordedItem {
        try LoadImportItems.decode(row)
    }
}
