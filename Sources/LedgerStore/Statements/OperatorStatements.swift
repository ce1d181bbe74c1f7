internal import Ledger
internal import Postgres

/// The operator whose token has a digest.
struct FindOperator: PostgresStatement {
    static let name = "find_operator"
    static let sql = """
        SELECT \(LoadOperators.columns) FROM ledger.operators WHERE token_digest = $1 AND removed_at IS NULL
        """
    static let parameterTypes: [PostgresType] = [.bytea]

    let digest: Digest

    func encode(into parameters: inout ParameterEncoder) { parameters.bytea(digest.bytes) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> OperatorRecord {
        try LoadOperators.decode(row)
    }
}

/// Every operator there is, by name.
struct LoadOperators: PostgresStatement {
    static let name = "load_operators"
    static let sql = "SELECT \(columns) FROM ledger.operators WHERE removed_at IS NULL ORDER BY name LIMIT 1000"
    static let parameterTypes: [PostgresType] = []
    static let columns = "name, role, created_at"

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> OperatorRecord {
        OperatorRecord(name: try row.text(0), role: try row.word(1), createdAt: try row.time(2))
    }
}

/// Adds an operator; gives no row when there is one of that name.
struct InsertOperator: PostgresStatement {
    static let name = "insert_operator"
    static let sql = """
        INSERT INTO ledger.operators (name, role, token_digest, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING RETURNING true
        """
    static let parameterTypes: [PostgresType] = [.text, .text, .bytea, .timestamptz]

    let name: String
    let role: OperatorRole
    let digest: Digest
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.text(name)
        parameters.text(role.rawValue)
        parameters.bytea(digest.bytes)
        parameters.timestamptz(microseconds: now.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Bool { try row.bool(0) }
}

/// Ends an operator's token; gives no row when there is none of that name.
struct RemoveOperator: PostgresStatement {
    static let name = "remove_operator"
    static let sql = """
        UPDATE ledger.operators SET removed_at = $2 WHERE name = $1 AND removed_at IS NULL RETURNING true
        """
    static let parameterTypes: [PostgresType] = [.text, .timestamptz]

    let name: String
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.text(name)
        parameters.timestamptz(microseconds: now.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Bool { try row.bool(0) }
}

/// Notes what an operator changed that is no account's.
struct LogOperation: PostgresStatement {
    typealias Row = Void
    static let name = "log_operation"
    static let sql = """
        INSERT INTO ledger.operator_log (recorded_at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5)
        """
    static let parameterTypes: [PostgresType] = [.timestamptz, .text, .text, .text, .text]

    let operation: OperatorLogEntry

    func encode(into parameters: inout ParameterEncoder) {
        parameters.timestamptz(microseconds: operation.recordedAt.microseconds)
        parameters.text(operation.actor)
        parameters.text(operation.action)
        parameters.text(operation.subject)
        parameters.text(operation.detail)
    }
}

/// Notes something that an operator did, and gives its place.
struct NoteOperation: PostgresStatement {
    static let name = "note_operation"
    static let sql = LogOperation.sql + " RETURNING entry"
    static let parameterTypes = LogOperation.parameterTypes

    let operation: OperatorLogEntry

    func encode(into parameters: inout ParameterEncoder) {
        LogOperation(operation: operation).encode(into: &parameters)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}

/// Whether something was noted of a subject after a place.
struct FindOperation: PostgresStatement {
    static let name = "find_operation"
    static let sql = """
        SELECT EXISTS (
            SELECT FROM ledger.operator_log WHERE entry > $1 AND action = $2 AND subject = $3
        )
        """
    static let parameterTypes: [PostgresType] = [.int8, .text, .text]

    let action: String
    let subject: String
    let after: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.int8(after)
        parameters.text(action)
        parameters.text(subject)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Bool { try row.bool(0) }
}

/// The latest entries of the operators' log, the newest first.
struct LoadOperatorLog: PostgresStatement {
    static let name = "load_operator_log"
    static let sql = """
        SELECT recorded_at, actor, action, subject, detail FROM ledger.operator_log ORDER BY entry DESC LIMIT $1
        """
    static let parameterTypes: [PostgresType] = [.int8]

    let limit: Int64

    func encode(into parameters: inout ParameterEncoder) { parameters.int8(limit) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> OperatorLogEntry {
        OperatorLogEntry(
            recordedAt: try row.time(0),
            actor: try row.text(1),
            action: try row.text(2),
            subject: try row.text(3),
            detail: try row.optionalText(4)
        )
    }
}

/// Switches a model off or on; gives no row when it was switched so before.
struct PutModelSwitch: PostgresStatement {
    static let name = "put_model_switch"
    static let sql = """
        INSERT INTO ledger.model_switches (model, enabled, changed_at, changed_by) VALUES ($1, $2, $3, $4)
        ON CONFLICT (model) DO UPDATE SET enabled = excluded.enabled, changed_at = excluded.changed_at,
            changed_by = excluded.changed_by
        WHERE model_switches.enabled <> excluded.enabled
        RETURNING true
        """
    static let parameterTypes: [PostgresType] = [.text, .bool, .timestamptz, .text]

    let model: ModelSwitch

    func encode(into parameters: inout ParameterEncoder) {
        parameters.text(model.model)
        parameters.bool(model.isEnabled)
        parameters.timestamptz(microseconds: model.changedAt.microseconds)
        parameters.text(model.changedBy)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Bool { try row.bool(0) }
}

/// Every switch of a model.
struct LoadModelSwitches: PostgresStatement {
    static let name = "load_model_switches"
    static let sql = "SELECT model, enabled, changed_at, changed_by FROM ledger.model_switches ORDER BY model"
    static let parameterTypes: [PostgresType] = []

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ModelSwitch {
        ModelSwitch(
            model: try row.text(0),
            isEnabled: try row.bool(1),
            changedAt: try row.time(2),
            changedBy: try row.text(3)
        )
    }
}
