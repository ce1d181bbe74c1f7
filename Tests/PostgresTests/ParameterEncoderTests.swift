import Testing

@testable import Postgres

@Suite("Parameters as bytes")
struct ParameterEncoderTests {
    /// The bytes of every parameter; nil is NULL.
    func bytes(_ encode: (inout ParameterEncoder) -> Void) -> [[UInt8]?] {
        var encoder = ParameterEncoder()
        encode(&encoder)
        return encoder.slots.map { slot in
            slot.length < 0 ? nil : Array(encoder.bytes[slot.offset..<slot.offset + slot.length])
        }
    }

    @Test("integers are in network order, and NULL has no bytes")
    func integers() {
        let values = bytes {
            $0.int2(-2)
            $0.int4(258)
            $0.int8(nil)
            $0.bool(true)
        }
        #expect(values == [[0xFF, 0xFE], [0, 0, 1, 2], nil, [1]])
    }

    @Test("timestamps count from 2000")
    func timestamps() {
        let values = bytes {
            $0.timestamptz(microseconds: 946_684_800_000_001)
            $0.timestamptz(microseconds: 946_684_799_999_999)
        }
        #expect(values == [[0, 0, 0, 0, 0, 0, 0, 1], Array(repeating: 0xFF, count: 8)])
    }

    @Test("an array has its header, and a length before every element")
    func arrays() {
        let values = bytes { encoder in
            encoder.array(of: .int2, count: 2) { writer in
                writer.int2(5)
                writer.null()
            }
            encoder.textArray(["ab"])
            encoder.int8Array([Int64]())
        }
        let int2: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0, 1]
        let text: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 1, 0, 0, 0, 1]
        #expect(values[0] == int2 + [0, 0, 0, 2, 0, 5, 0xFF, 0xFF, 0xFF, 0xFF])
        #expect(values[1] == text + [0, 0, 0, 2, 97, 98])
        #expect(values[2] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20])
    }

    @Test("values stay what they are while the arena grows under them")
    func growth() {
        let long = String(repeating: "x", count: 10_000)
        let values = bytes { encoder in
            encoder.text("first")
            for _ in 0..<50 { encoder.text(long) }
            encoder.uuid(high: 1, low: 2)
        }
        #expect(values[0] == Array("first".utf8))
        #expect(values[1...50].allSatisfy { $0 == Array(long.utf8) })
        #expect(values[51] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2])
    }

    @Test("a unit knows its statements, bytes and shape")
    func batch() {
        var batch = PipelineBatch()
        #expect(batch.isEmpty)
        batch.begin()
        batch.append(Divide(divisor: 3))
        batch.append(InsertItem(run: 1, id: 2))
        batch.commit()
        #expect(batch.count == 4)
        #expect(batch.byteCount == 8 + 8 + 8 + 4)
        #expect(batch.shape == UnitShape(statementCount: 4, begins: true, end: .commit))
        #expect(batch.entries.map(\.firstSlot) == [0, 0, 1, 5])
        #expect(batch.entries.map(\.slotCount) == [0, 1, 4, 0])
    }

    @Test("what breaks the rules of a unit traps instead of being sent")
    func traps() async {
        await #expect(processExitsWith: .failure) {
            var batch = PipelineBatch()
            batch.commit()
            batch.begin()
        }
        await #expect(processExitsWith: .failure) {
            var batch = PipelineBatch()
            batch.append(Mistyped())
        }
        await #expect(processExitsWith: .failure) {
            var encoder = ParameterEncoder()
            encoder.array(of: .int8, count: 2) { $0.int8(1) }
        }
        await #expect(processExitsWith: .failure) {
            _ = PostgresClient(
                configuration: try PostgresConfiguration(url: "postgresql://localhost/x"),
                catalogue: [SneakyCommit.self],
                sessions: 1
            )
        }
    }
}

@Suite("Configuration")
struct PostgresConfigurationTests {
    @Test("a URI is read, and what it says is passed on with role, settings and name")
    func uri() throws {
        var configuration = try PostgresConfiguration(
            url: "postgresql://alice:secret@db.example:6432/ledger?sslmode=require&options=-c%20geqo%3Doff"
        )
        configuration.role = "ledger owner"
        configuration.settings = [("lock_timeout", "2s")]
        let parameters = Dictionary(
            configuration.connectionParameters().map { ($0.keyword, $0.value) },
            uniquingKeysWith: { _, last in last }
        )
        #expect(parameters["host"] == "db.example")
        #expect(parameters["sslmode"] == "require")
        #expect(parameters["password"] == "secret")
        #expect(parameters["options"] == #"-c geqo=off -c role=ledger\ owner -c lock_timeout=2s"#)
        #expect(configuration.displayName == "alice@db.example:6432/ledger")
        configuration.database = "other"
        #expect(configuration.database == "other")
    }

    @Test("a string that can't be read is a configuration error that does not repeat it")
    func malformed() throws {
        let error = #expect(throws: PostgresError.self) {
            try PostgresConfiguration(url: "password=hunter2 nonsense")
        }
        #expect(error?.code == .configuration)
        #expect(error?.description.contains("hunter2") == false)
    }
}

/// Declares another type than it encodes.
private struct Mistyped: PostgresStatement {
    static let name = "mistyped"
    static let sql = "SELECT $1"
    static let parameterTypes: [PostgresType] = [.timestamptz]
    func encode(into parameters: inout ParameterEncoder) { parameters.int8(1) }
}

/// Controls transactions behind the client's back.
private struct SneakyCommit: PostgresStatement {
    static let name = "sneaky_commit"
    static let sql = "  commit AND CHAIN"
    static let parameterTypes: [PostgresType] = []
    func encode(into parameters: inout ParameterEncoder) {}
}
