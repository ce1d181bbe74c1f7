@testable import Postgres

/// One value of every type there and back, with its neighbours NULL.
struct EchoScalars: PostgresStatement {
    struct Row: Equatable, Sendable {
        var int2: Int16?
        var int4: Int32?
        var int8: Int64?
        var bool: Bool?
        var uuid: PostgresUUID?
        var microseconds: Int64?
        var text: String?
        var bytes: [UInt8]?
        var json: String?
    }

    static let name = "echo_scalars"
    static let sql = """
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .int4, .int8, .bool, .uuid, .timestamptz, .text, .bytea, .jsonb,
    ]

    var values: Row

    func encode(into parameters: inout ParameterEncoder) {
        parameters.int2(values.int2)
        parameters.int4(values.int4)
        parameters.int8(values.int8)
        parameters.bool(values.bool)
        parameters.uuid(values.uuid)
        parameters.timestamptz(microseconds: values.microseconds)
        parameters.text(values.text)
        parameters.bytea(values.bytes)
        parameters.jsonb(values.json)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Row {
        Row(
            int2: try row.optionalInt2(0),
            int4: try row.optionalInt4(1),
            int8: try row.optionalInt8(2),
            bool: try row.optionalBool(3),
            uuid: try row.optionalUUID(4),
            microseconds: try row.optionalTimestampMicroseconds(5),
            text: try row.optionalText(6),
            bytes: try row.optionalBytes(7),
            json: try row.optionalText(8)
        )
    }
}

/// Arrays there and back.
struct EchoArrays: PostgresStatement {
    struct Row: Equatable, Sendable {
        var int8: [Int64?]
        var uuid: [PostgresUUID?]
        var text: [String?]
        var int4: [Int32]
        var bool: [Bool]
        var microseconds: [Int64]
        var bytes: [[UInt8]]
    }

    static let name = "echo_arrays"
    static let sql = "SELECT $1, $2, $3, $4, $5, $6, $7"
    static let parameterTypes: [PostgresType] = [
        .int8Array, .uuidArray, .textArray, .int4Array, .boolArray, .timestamptzArray, .byteaArray,
    ]

    var values: Row

    func encode(into parameters: inout ParameterEncoder) {
        parameters.int8Array(values.int8)
        parameters.array(of: .uuid, count: values.uuid.count) { writer in
            for value in values.uuid { writer.uuid(value) }
        }
        parameters.textArray(values.text)
        parameters.int4Array(values.int4)
        parameters.boolArray(values.bool)
        parameters.timestamptzArray(microseconds: values.microseconds)
        parameters.byteaArray(values.bytes)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Row {
        Row(
            int8: try row.optionalInt8Array(0),
            uuid: try row.optionalUUIDArray(1),
            text: try row.optionalTextArray(2),
            int4: try row.int4Array(3),
            bool: try row.boolArray(4),
            microseconds: try row.timestampMicrosecondsArray(5),
            bytes: try row.bytesArray(6)
        )
    }
}

/// What the server itself says that values are, to check the encoding against text that PostgreSQL prints.
struct DescribeScalars: PostgresStatement {
    static let name = "describe_scalars"
    static let sql = """
        SELECT concat_ws('|', $1::int8, $2::uuid, to_char($3::timestamptz AT TIME ZONE 'UTC', \
        'YYYY-MM-DD HH24:MI:SS.US'), encode($4::bytea, 'hex'), $5::text, $6::int8[], $7::text[])
        """
    static let parameterTypes: [PostgresType] = [
        .int8, .uuid, .timestamptz, .bytea, .text, .int8Array, .textArray,
    ]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.int8(-42)
        parameters.uuid(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
        parameters.timestamptz(microseconds: 1_700_000_000_123_456)
        parameters.bytea([0, 255, 16])
        parameters.text("grüße")
        parameters.int8Array([1, nil, -3])
        parameters.textArray(["a", nil, ""])
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> String { try row.text(0) }
}

/// Divides, so that 0 is an error inside of the server.
struct Divide: PostgresStatement {
    static let name = "divide"
    static let sql = "SELECT 100 / $1"
    static let parameterTypes: [PostgresType] = [.int8]

    var divisor: Int64

    func encode(into parameters: inout ParameterEncoder) { parameters.int8(divisor) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}

/// Sleeps on the server.
struct Sleep: PostgresStatement {
    static let name = "sleep"
    static let sql = "SELECT pg_sleep($1::float8 / 1000)::text"
    static let parameterTypes: [PostgresType] = [.int4]

    var milliseconds: Int32

    func encode(into parameters: inout ParameterEncoder) { parameters.int4(milliseconds) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) {}
}

/// The process that serves the session.
struct BackendPID: PostgresStatement {
    static let name = "backend_pid"
    static let sql = "SELECT pg_backend_pid()"
    static let parameterTypes: [PostgresType] = []

    func encode(into parameters: inout ParameterEncoder) {}

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int32 { try row.int4(0) }
}

/// Ends another session.
struct Terminate: PostgresStatement {
    static let name = "terminate"
    static let sql = "SELECT pg_terminate_backend($1)"
    static let parameterTypes: [PostgresType] = [.int4]

    var pid: Int32

    func encode(into parameters: inout ParameterEncoder) { parameters.int4(pid) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Bool { try row.bool(0) }
}

/// Parameters of one test's rows: a table of its own would have to exist before the catalogue is prepared.
struct InsertItem: PostgresStatement {
    static let name = "insert_item"
    static let sql = "INSERT INTO items (run, id, label, payload) VALUES ($1, $2, $3, $4)"
    static let parameterTypes: [PostgresType] = [.int8, .int8, .text, .bytea]

    var run: Int64
    var id: Int64
    var label = "item"
    var payload: [UInt8]?

    func encode(into parameters: inout ParameterEncoder) {
        parameters.int8(run)
        parameters.int8(id)
        parameters.text(label)
        parameters.bytea(payload)
    }
}

/// Many rows at once from arrays.
struct InsertItems: PostgresStatement {
    static let name = "insert_items"
    static let sql = """
        INSERT INTO items (run, id, label, payload)
        SELECT $1, id, label, payload FROM unnest($2::int8[], $3::text[], $4::bytea[]) AS new (id, label, payload)
        """
    static let parameterTypes: [PostgresType] = [.int8, .int8Array, .textArray, .byteaArray]

    var run: Int64
    var count: Int
    var payloadByteCount = 0

    func encode(into parameters: inout ParameterEncoder) {
        parameters.int8(run)
        parameters.array(of: .int8, count: count) { writer in
            for id in 0..<count { writer.int8(Int64(id)) }
        }
        parameters.array(of: .text, count: count) { writer in
            for id in 0..<count { writer.text(id % 3 == 0 ? nil : "item \(id)") }
        }
        let payload = [UInt8](repeating: 7, count: payloadByteCount)
        parameters.array(of: .bytea, count: count) { writer in
            for _ in 0..<count { writer.bytea(payloadByteCount > 0 ? payload : nil) }
        }
    }
}

/// How many rows a test has, and the sum of their ids.
struct CountItems: PostgresStatement {
    static let name = "count_items"
    static let sql = "SELECT count(*), coalesce(sum(id), 0)::int8, count(label) FROM items WHERE run = $1"
    static let parameterTypes: [PostgresType] = [.int8]

    var run: Int64

    func encode(into parameters: inout ParameterEncoder) { parameters.int8(run) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> [Int64] {
        [try row.int8(0), try row.int8(1), try row.int8(2)]
    }
}

/// Rows with a large payload back.
struct ReadPayloads: PostgresStatement {
    static let name = "read_payloads"
    static let sql = "SELECT id, payload FROM items WHERE run = $1 ORDER BY id"
    static let parameterTypes: [PostgresType] = [.int8]

    var run: Int64

    func encode(into parameters: inout ParameterEncoder) { parameters.int8(run) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int { try row.bytes(1).count }
}

/// Moves the check of constraints to the commit.
struct DeferConstraints: PostgresStatement {
    static let name = "defer_constraints"
    static let sql = "SET CONSTRAINTS ALL DEFERRED"
    static let parameterTypes: [PostgresType] = []

    func encode(into parameters: inout ParameterEncoder) {}
}

/// Waits for an advisory lock, so that a test decides when the unit goes on.
struct AdvisoryLock: PostgresStatement {
    static let name = "advisory_lock"
    static let sql = "SELECT pg_advisory_xact_lock($1)::text"
    static let parameterTypes: [PostgresType] = [.int8]

    var key: Int64

    func encode(into parameters: inout ParameterEncoder) { parameters.int8(key) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) {}
}

let testCatalogue: [any PostgresStatement.Type] = [
    EchoScalars.self, EchoArrays.self, DescribeScalars.self, Divide.self, Sleep.self, BackendPID.self, Terminate.self,
    InsertItem.self, InsertItems.self, CountItems.self, ReadPayloads.self,
    DeferConstraints.self, AdvisoryLock.self,
]
