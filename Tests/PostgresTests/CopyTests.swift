import Testing

@testable import Postgres

/// Rows by COPY: what is durable, and what a failure says about it.
@Suite("COPY")
struct CopyTests {
    private func items(_ run: Int64, _ ids: Range<Int64>, label: String? = "item", commits: Bool = true) -> CopyRows {
        var rows = CopyRows(into: "items", columns: ["run", "id", "label", "payload"], commits: commits)
        for id in ids {
            rows.append { row in
                row.int8(run)
                row.int8(id)
                row.text(label)
                row.bytea(id % 2 == 0 ? nil : [1, 2, 3])
            }
        }
        return rows
    }

    private func begin(_ session: PostgresSession, _ run: Int64) async throws {
        var unit = PipelineBatch()
        unit.begin()
        unit.append(InsertItem(run: run, id: -1))
        _ = try await session.execute(unit)
    }

    @Test("rows arrive whole, with their NULLs, and are committed with what the transaction did before")
    func commits() async throws {
        let run = freshRun()
        try await withClient(sessions: 1) { client in
            try await client.withSession { session in
                try await begin(session, run)
                // 100,000 rows are 6 MB: more than a socket takes at once.
                try await session.copy(items(run, 0..<100_000))
                // The session goes on with pipelines, and with another COPY.
                _ = try await session.query(CountItems(run: run))
                try await begin(session, run + 1)
                try await session.copy(items(run + 1, 0..<1, label: nil))
            }
            let labels = try await client.query(CountItems(run: run))
            #expect(labels == [[100_001, 4_999_949_999, 100_001]])
            let unlabelled = try await client.query(CountItems(run: run + 1))
            #expect(unlabelled == [[2, -1, 1]])
        }
    }

    @Test("without its COMMIT the transaction goes on, and what comes next decides")
    func goesOn() async throws {
        let run = freshRun()
        try await withClient(sessions: 1) { client in
            try await client.withSession { session in
                try await begin(session, run)
                try await session.copy(items(run, 0..<3, commits: false))
                let inside = try await session.query(CountItems(run: run))
                #expect(inside == [[4, 2, 4]])
            }
            let after = try await client.query(CountItems(run: run))
            #expect(after == [[0, 0, 0]])
        }
    }

    @Test("a row that the table refuses takes all with it, and the session can be used again")
    func refused() async throws {
        let run = freshRun()
        try await withClient(sessions: 1) { client in
            let error = try await postgresError {
                try await client.withSession { session in
                    try await begin(session, run)
                    try await session.copy(items(run, 0..<10, label: "refused"))
                }
            }
            #expect(error.code == .serverError)
            #expect(error.outcome == .rolledBack)
            #expect(error.constraint == "items_label")
            #expect(error.statement?.hasPrefix("COPY items") == true)
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[0, 0, 0]])
        }
    }

    @Test("values that are not of their columns' types are refused")
    func wrongTypes() async throws {
        try await withClient(sessions: 1) { client in
            var rows = CopyRows(into: "items", columns: ["run"], commits: false)
            rows.append { $0.text("seven letters") }
            let wrong = rows
            let error = try await postgresError { try await client.withSession { try await $0.copy(wrong) } }
            #expect(error.code == .serverError)
            #expect(error.sqlState == "22P03")
        }
    }

    @Test("no unit goes beside a COPY on the same session")
    func alone() async throws {
        let run = freshRun()
        try await withClient(sessions: 1) { client in
            try await client.withSession { session in
                async let sleeping: [Void] = session.query(Sleep(milliseconds: 3_000))
                try await Task.sleep(for: .milliseconds(500))
                let error = try await postgresError { try await session.copy(items(run, 0..<1)) }
                #expect(error.code == .overloaded)
                #expect(error.outcome == .notSent)
                _ = try await sleeping
                try await session.copy(items(run, 0..<1, commits: false))
            }
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[1, 0, 1]])
        }
    }
}

extension FaultTests {
    private func rows(_ run: Int64) -> CopyRows {
        var rows = CopyRows(into: "items", columns: ["run", "id", "payload"], commits: true)
        let payload = [UInt8](repeating: 7, count: 10_000)
        for id in 0..<100 {
            rows.append { row in
                row.int8(run)
                row.int8(Int64(id))
                row.bytea(payload)
            }
        }
        return rows
    }

    @Test("a COPY with its COMMIT that is cut in its rows is unknown, and nothing is there")
    func cutInCopy() async throws {
        let run = freshRun()
        try await withProxy { proxy, client, direct in
            let error = try await postgresError {
                try await client.withSession { session in
                    var unit = PipelineBatch()
                    unit.begin()
                    unit.append(InsertItem(run: run, id: -1))
                    _ = try await session.execute(unit)
                    proxy.cut(.toServer, afterBytes: 300_000)
                    try await session.copy(rows(run))
                }
            }
            #expect(error.code == .connectionLost)
            #expect(error.outcome == .unknown)
            let counts = try await direct.query(CountItems(run: run))
            #expect(counts == [[0, 0, 0]])
        }
    }

    @Test("a COPY that was committed, but whose reply is lost, is unknown, and the rows are there")
    func copyReplyLost() async throws {
        try await withProxy { proxy, client, direct in
            var failures = 0
            for afterBytes in [0, 8, 16, 24] {
                let run = freshRun()
                do {
                    try await client.withSession { session in
                        var unit = PipelineBatch()
                        unit.begin()
                        unit.append(InsertItem(run: run, id: -1))
                        _ = try await session.execute(unit)
                        // 14: the server's request for rows of three columns comes through.
                        proxy.cut(.toClient, afterBytes: 14 + afterBytes)
                        try await session.copy(rows(run))
                    }
                } catch let error as PostgresError {
                    #expect(error.outcome == .unknown, "cut after \(afterBytes) bytes")
                    failures += 1
                }
                try await eventually { try await direct.query(CountItems(run: run))[0][0] == 101 }
            }
            #expect(failures > 0)
            proxy.cut(.toClient, afterBytes: .max)
        }
    }
}
