import Synchronization
import Testing

@testable import Postgres

@Suite("Sessions and transactions")
struct SessionTests {
    @Test("a refused row is named by SQLSTATE, constraint, table and statement, and nothing of its unit stays")
    func serverError() async throws {
        let run = freshRun()
        try await withClient { client in
            var batch = PipelineBatch()
            batch.append(InsertItem(run: run, id: 1))
            batch.append(InsertItem(run: run, id: 2, label: "refused"))
            batch.append(InsertItem(run: run, id: 3))
            let error = try await postgresError { try await client.execute(batch) }
            #expect(error.code == .serverError)
            #expect(error.outcome == .rolledBack)
            #expect(error.sqlState == "23514")
            #expect(error.constraint == "items_label")
            #expect(error.table == "items")
            #expect(error.statement == "insert_item")
            #expect(!error.isFatal)
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[0, 0, 0]])
        }
    }

    @Test("after an aborted unit the next one on the same session works")
    func nextUnitWorks() async throws {
        try await withClient(sessions: 1) { client in
            try await client.withSession { session in
                let pid = try await session.query(BackendPID())
                var batch = PipelineBatch()
                batch.append(Divide(divisor: 5))
                batch.append(Divide(divisor: 0))
                batch.append(Divide(divisor: 4))
                let error = try await postgresError { try await session.execute(batch) }
                #expect(error.sqlState == "22012")
                let quotient = try await session.query(Divide(divisor: 4))
                #expect(quotient == [25])
                let pidAfter = try await session.query(BackendPID())
                #expect(pidAfter == pid)
            }
        }
    }

    @Test("a transaction of two units is durable as a whole, and only once COMMIT was answered")
    func twoUnits() async throws {
        let run = freshRun()
        try await withClient { client in
            try await client.withSession { session in
                var first = PipelineBatch()
                first.begin()
                first.append(InsertItem(run: run, id: 1))
                first.append(CountItems(run: run))
                let results = try await session.execute(first)
                #expect(results.count == 3)
                let inside = try results[2].decode(as: CountItems.self)
                #expect(inside == [[1, 1, 1]])
                let outside = try await client.query(CountItems(run: run))
                #expect(outside == [[0, 0, 0]])
                var second = PipelineBatch()
                second.append(InsertItem(run: run, id: 2))
                second.commit()
                let ending = try await session.execute(second)
                #expect(ending[1].commandTag == "COMMIT")
            }
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[2, 3, 2]])
        }
    }

    @Test("a failure before COMMIT in the second unit undoes the first unit too, and the session is clean afterwards")
    func secondUnitFails() async throws {
        let run = freshRun()
        try await withClient(sessions: 1) { client in
            let error = try await postgresError {
                try await client.withSession { session in
                    var first = PipelineBatch()
                    first.begin()
                    first.append(InsertItem(run: run, id: 1))
                    _ = try await session.execute(first)
                    var second = PipelineBatch()
                    second.append(InsertItem(run: run, id: 1))
                    second.commit()
                    _ = try await session.execute(second)
                }
            }
            #expect(error.sqlState == "23505")
            #expect(error.outcome == .rolledBack)
            // The only session: a transaction left open would show here.
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[0, 0, 0]])
        }
    }

    @Test("a session that comes back in the middle of a transaction is rolled back before anyone else has it")
    func returnedMidTransaction() async throws {
        let run = freshRun()
        try await withClient(sessions: 1) { client in
            let before = try await client.query(BackendPID())
            try await client.withSession { session in
                var batch = PipelineBatch()
                batch.begin()
                batch.append(InsertItem(run: run, id: 1))
                _ = try await session.execute(batch)
            }
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[0, 0, 0]])
            let status = try await client.withSession { session in
                try await session.simple("SELECT pg_current_xact_id_if_assigned()")
            }
            #expect(status == [[nil]])
            let after = try await client.query(BackendPID())
            #expect(after == before)
        }
    }

    @Test("a raw BEGIN that is left open is rolled back as well")
    func rawBegin() async throws {
        let run = freshRun()
        try await withClient(sessions: 1) { client in
            try await client.withSession { session in
                _ = try await session.simple("BEGIN")
                _ = try await session.query(InsertItem(run: run, id: 1))
            }
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[0, 0, 0]])
        }
    }

    @Test("COMMIT of a transaction that failed before is an error, not a success")
    func commitOfFailed() async throws {
        let run = freshRun()
        try await withClient { client in
            let error = try await postgresError {
                try await client.withSession { session in
                    var first = PipelineBatch()
                    first.begin()
                    first.append(InsertItem(run: run, id: 1))
                    first.append(Divide(divisor: 0))
                    _ = try? await session.execute(first)
                    var second = PipelineBatch()
                    second.commit()
                    _ = try await session.execute(second)
                }
            }
            #expect(error.code == .transactionAborted)
            #expect(error.outcome == .rolledBack)
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[0, 0, 0]])
        }
    }

    @Test(
        "a constraint that is checked only at the commit fails the unit, explicit or implicit",
        arguments: [true, false]
    )
    func deferredConstraint(isExplicit: Bool) async throws {
        let run = freshRun()
        try await withClient(sessions: 1) { client in
            try await client.withSession { session in
                var batch = PipelineBatch()
                if isExplicit { batch.begin() }
                batch.append(DeferConstraints())
                batch.append(InsertItem(run: run, id: 1))
                batch.append(InsertItem(run: run, id: 1))
                if isExplicit { batch.commit() }
                let error = try await postgresError { try await session.execute(batch) }
                #expect(error.sqlState == "23505")
                #expect(error.outcome == .rolledBack)
                let counts = try await session.query(CountItems(run: run))
                #expect(counts == [[0, 0, 0]])
            }
        }
    }

    @Test("units that are submitted without waiting run in order on one session")
    func pipelinedUnits() async throws {
        try await withClient(sessions: 1) { client in
            try await client.withSession { session in
                async let slow: Void = { _ = try await session.query(Sleep(milliseconds: 50)) }()
                async let failing = postgresError { try await session.query(Divide(divisor: 0)) }
                async let fast = session.query(Divide(divisor: 2))
                let quotient = try await fast
                #expect(quotient == [50])
                let error = try await failing
                #expect(error.sqlState == "22012")
                try await slow
            }
        }
    }

    @Test("a session that escaped its closure is of no use")
    func escaped() async throws {
        try await withClient { client in
            let escaped = try await client.withSession { $0 }
            let error = try await postgresError { try await escaped.query(Divide(divisor: 1)) }
            #expect(error.code == .closed)
            #expect(error.outcome == .notSent)
        }
    }

    @Test("notices go to the handler with their SQLSTATE")
    func notices() async throws {
        let seen = Notices()
        var options = PostgresClientOptions()
        options.eventHandler = { event in
            if case .notice(let notice) = event { seen.all.withLock { $0.append(notice) } }
        }
        try await withClient(options: options) { client in
            _ = try await client.withSession { session in
                try await session.simple("DO $$ BEGIN RAISE WARNING 'mind the gap' USING ERRCODE = 'LG042'; END $$")
            }
        }
        let expected = PostgresNotice(severity: "WARNING", sqlState: "LG042", message: "mind the gap")
        #expect(seen.all.withLock { $0 } == [expected])
    }

    @Test("role and settings hold for every session, also with spaces in them")
    func settings() async throws {
        var configuration = try TestCluster.configuration()
        configuration.role = "pg_monitor"
        configuration.applicationName = "a name"
        configuration.settings = [("statement_timeout", "7s"), ("search_path", #"public, "od\d""#)]
        let client = PostgresClient(configuration: configuration, catalogue: [], sessions: 2)
        try await client.start()
        let rows = try await client.withSession { session in
            try await session.simple(
                """
                SELECT current_user, current_setting('statement_timeout'), current_setting('search_path'), \
                current_setting('application_name')
                """
            )
        }
        await client.shutdown()
        #expect(rows == [["pg_monitor", "7s", #"public, "od\d""#, "a name"]])
    }
}

/// Notices, collected from the loop thread.
private final class Notices: Sendable {
    let all = Mutex<[PostgresNotice]>([])
}
