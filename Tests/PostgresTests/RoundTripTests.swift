import Testing

@testable import Postgres

@Suite("Values against a real server")
struct RoundTripTests {
    @Test(
        "every scalar type comes back as it was sent",
        arguments: [
            EchoScalars.Row(
                int2: .min,
                int4: .min,
                int8: .min,
                bool: true,
                uuid: PostgresUUID(high: .max, low: 1),
                microseconds: -1,
                text: "",
                bytes: [],
                json: "{}"
            ),
            EchoScalars.Row(
                int2: .max,
                int4: .max,
                int8: .max,
                bool: false,
                uuid: PostgresUUID(high: 0, low: .max),
                microseconds: 4_102_444_800_000_001,
                text: "grüße 🧾\n\t'\"\\",
                bytes: [0, 1, 254, 255],
                json: #"{"a": [1, null]}"#
            ),
            EchoScalars.Row(),
        ]
    )
    func scalars(values: EchoScalars.Row) async throws {
        try await withClient { client in
            let rows = try await client.query(EchoScalars(values: values))
            #expect(rows == [values])
        }
    }

    @Test("arrays come back element for element, with NULLs, empty and long")
    func arrays() async throws {
        let empty = EchoArrays.Row(int8: [], uuid: [], text: [], int4: [], bool: [], microseconds: [], bytes: [])
        let mixed = EchoArrays.Row(
            int8: [1, nil, .min, .max],
            uuid: [nil, PostgresUUID(high: 1, low: 2)],
            text: ["", nil, "NULL", "{\"}"],
            int4: [-1, 0, 1],
            bool: [true, false],
            microseconds: [0, 946_684_800_000_000],
            bytes: [[], [0], [1, 2, 3]]
        )
        var long = empty
        long.int8 = (0..<5_000).map { $0 % 7 == 0 ? nil : $0 }
        long.text = (0..<5_000).map { String(repeating: "x", count: $0 % 40) }
        try await withClient { client in
            for values in [empty, mixed, long] {
                let rows = try await client.query(EchoArrays(values: values))
                #expect(rows == [values])
            }
        }
    }

    @Test("the server reads the same values that were meant")
    func described() async throws {
        try await withClient { client in
            let rows = try await client.query(DescribeScalars())
            #expect(
                rows == [
                    "-42|00112233-4455-6677-8899-aabbccddeeff|2023-11-14 22:13:20.123456|00ff10|grüße|{1,NULL,-3}|"
                        + #"{a,NULL,""}"#
                ]
            )
        }
    }

    @Test("10,000 rows go in as arrays in one statement")
    func manyRows() async throws {
        let run = freshRun()
        try await withClient { client in
            _ = try await client.query(InsertItems(run: run, count: 10_000))
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[10_000, 49_995_000, 6_666]])
        }
    }

    @Test("20 MB go out and come back while neither side waits for the other")
    func largeBothWays() async throws {
        let run = freshRun()
        try await withClient { client in
            _ = try await client.query(InsertItems(run: run, count: 200, payloadByteCount: 50_000))
            var batch = PipelineBatch()
            // The replies to the reads fill the socket while the writes behind them are still being sent.
            for _ in 0..<3 { batch.append(ReadPayloads(run: run)) }
            batch.append(InsertItems(run: run + 1, count: 200, payloadByteCount: 50_000))
            for _ in 0..<3 { batch.append(ReadPayloads(run: run)) }
            let results = try await client.execute(batch)
            for index in [0, 1, 2, 4, 5, 6] {
                #expect(try results[index].decode(as: ReadPayloads.self) == Array(repeating: 50_000, count: 200))
            }
            #expect(results[3].affectedRows == 200)
        }
    }

    @Test("a column of another type, or an unexpected NULL, is a decoding error that names the place")
    func wrongType() async throws {
        struct Misread: PostgresStatement {
            static let name = "misread"
            static let sql = "SELECT 1::int8, 'a'::text, NULL::int8"
            static let parameterTypes: [PostgresType] = []
            func encode(into parameters: inout ParameterEncoder) {}
            static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(1) }
        }
        try await withClient(catalogue: [Misread.self]) { client in
            let error = try await postgresError { try await client.query(Misread()) }
            #expect(error.code == .decoding)
            #expect(error.statement == "misread")
            #expect(error.message.contains("column 1: expected int8, got text"))
            var batch = PipelineBatch()
            batch.append(Misread())
            let row = try await client.execute(batch)[0][0]
            #expect(throws: PostgresDecodingError(column: 2, reason: "an unexpected NULL")) { try row.int8(2) }
            #expect(try row.optionalInt8(2) == nil)
            #expect(row.isNull(2))
        }
    }

    @Test("SQL that is not in the catalogue is answered in text")
    func simple() async throws {
        try await withClient { client in
            let rows = try await client.withSession { session in
                try await session.simple("SELECT 1, NULL, 'x' UNION ALL SELECT 2, 'y', '' ORDER BY 1")
            }
            #expect(rows == [["1", nil, "x"], ["2", "y", ""]])
        }
    }
}
