import Testing

@testable import Postgres

@Suite("The client under load, at its start and at its end")
struct ClientTests {
    @Test("1,000 queries at once on four sessions are all answered, each with its own answer")
    func concurrent() async throws {
        var options = PostgresClientOptions()
        // The last of a thousand waits for all the others, also on a machine that is busy with other tests.
        options.leaseTimeout = .seconds(60)
        try await withClient(sessions: 4, options: options) { client in
            try await withThrowingTaskGroup(of: (Int64, [Int64]).self) { group in
                for divisor in 1...1_000 {
                    group.addTask {
                        let quotient = try await client.query(Divide(divisor: Int64(divisor)))
                        return (Int64(divisor), quotient)
                    }
                }
                var count = 0
                for try await (divisor, quotient) in group {
                    #expect(quotient == [100 / divisor])
                    count += 1
                }
                #expect(count == 1_000)
            }
            #expect(client.counts == (connected: 4, leased: 0, waiting: 0))
        }
    }

    @Test("one more than may wait is refused at once, and the others are served")
    func overload() async throws {
        var options = PostgresClientOptions()
        options.maximumWaiting = 2
        try await withClient(sessions: 1, options: options) { client in
            try await client.withSession { session in
                async let first = client.query(Divide(divisor: 1))
                async let second = client.query(Divide(divisor: 2))
                try await eventually { client.counts.waiting == 2 }
                let error = try await postgresError { try await client.query(Divide(divisor: 3)) }
                #expect(error.code == .overloaded)
                #expect(error.outcome == .notSent)
                // Served only when this closure is over.
                session.giveBack()
                let quotients = try await [first, second]
                #expect(quotients == [[100], [50]])
            }
        }
    }

    @Test("who waits for a session until the deadline gets notSent, and the session is not lost")
    func leaseDeadline() async throws {
        try await withClient(sessions: 1) { client in
            try await client.withSession { _ in
                let soon = ContinuousClock.now.advanced(by: .milliseconds(30))
                let error = try await postgresError { try await client.query(Divide(divisor: 1), deadline: soon) }
                #expect(error.code == .deadlineExceeded)
                #expect(error.outcome == .notSent)
            }
            let quotient = try await client.query(Divide(divisor: 1))
            #expect(quotient == [100])
        }
    }

    @Test("a cancelled task stops waiting for a session")
    func cancelledWait() async throws {
        try await withClient(sessions: 1) { client in
            try await client.withSession { _ in
                let task = Task { try await postgresError { try await client.query(Divide(divisor: 1)) } }
                try await eventually { client.counts.waiting == 1 }
                task.cancel()
                let error = try await task.value
                #expect(error.code == .cancelled)
                #expect(client.counts.waiting == 0)
            }
        }
    }

    @Test("cancelling a task does not stop a unit that was submitted")
    func cancelledUnit() async throws {
        let run = freshRun()
        try await withClient { client in
            let blocker = try await PostgresScriptConnection(configuration: try TestCluster.configuration())
            try await blocker.execute(script: "SELECT pg_advisory_lock(\(run))")
            let task = Task {
                var batch = PipelineBatch()
                batch.begin()
                batch.append(AdvisoryLock(key: run))
                batch.append(InsertItem(run: run, id: 1))
                batch.commit()
                return try await client.execute(batch).count
            }
            try await eventually { client.counts.leased == 1 }
            task.cancel()
            await blocker.close()
            let count = try await task.value
            #expect(count == 4)
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[1, 1, 1]])
        }
    }

    @Test("a shutdown lets a transaction under way finish, and refuses what comes after")
    func shutdownDrains() async throws {
        let run = freshRun()
        try await withClient { client in
            try await client.withSession { session in
                var first = PipelineBatch()
                first.begin()
                first.append(InsertItem(run: run, id: 1))
                _ = try await session.execute(first)
                async let shutdown: Void = client.shutdown()
                try await eventually { !client.isHealthy }
                let error = try await postgresError { try await client.query(Divide(divisor: 1)) }
                #expect(error.code == .closed)
                #expect(error.outcome == .notSent)
                var second = PipelineBatch()
                second.append(Sleep(milliseconds: 50))
                second.commit()
                let results = try await session.execute(second)
                #expect(results[1].commandTag == "COMMIT")
                session.giveBack()
                await shutdown
            }
        }
        try await withClient { client in
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[1, 1, 1]])
        }
    }

    @Test("a shutdown does not wait longer than its grace; what is owed then is unknown or rolledBack")
    func shutdownGrace() async throws {
        var options = PostgresClientOptions()
        options.shutdownGrace = .milliseconds(50)
        try await withClient(options: options) { client in
            async let failing = postgresError { try await client.query(Sleep(milliseconds: 20_000)) }
            try await eventually { client.counts.leased == 1 }
            let start = ContinuousClock.now
            await client.shutdown()
            #expect(ContinuousClock.now - start < .seconds(5))
            let error = try await failing
            #expect(error.code == .closed)
            #expect(error.outcome == .unknown)
        }
    }

    @Test("a client whose task is cancelled shuts down")
    func runUntilCancelled() async throws {
        let client = PostgresClient(configuration: try TestCluster.configuration(), catalogue: [], sessions: 1)
        let task = Task { try await client.run() }
        try await eventually { client.isHealthy }
        task.cancel()
        try await task.value
        #expect(!client.isHealthy)
    }

    @Test("a statement that can't be prepared fails the start and is named")
    func preparation() async throws {
        struct Broken: PostgresStatement {
            static let name = "broken"
            static let sql = "SELECT no_such_column FROM pg_class"
            static let parameterTypes: [PostgresType] = []
            func encode(into parameters: inout ParameterEncoder) {}
        }
        let client = PostgresClient(
            configuration: try TestCluster.configuration(),
            catalogue: [Divide.self, Broken.self, Sleep.self],
            sessions: 2
        )
        let error = try await postgresError { try await client.start() }
        #expect(error.code == .preparation)
        #expect(error.statement == "broken")
        #expect(error.sqlState == "42703")
        #expect(error.outcome == .notSent)
        await client.shutdown()
    }

    @Test("a role that does not exist is an authentication error with its SQLSTATE")
    func authentication() async throws {
        var configuration = try TestCluster.configuration()
        configuration.user = "nobody_of_that_name"
        let client = PostgresClient(configuration: configuration, catalogue: [], sessions: 1)
        let error = try await postgresError { try await client.start() }
        #expect(error.code == .authentication)
        #expect(error.sqlState == "28000")
    }

    @Test("no server at the address is connectionLost, with libpq's reason")
    func noServer() async throws {
        var configuration = try TestCluster.configuration()
        configuration.host = "/nonexistent"
        let client = PostgresClient(configuration: configuration, catalogue: [], sessions: 1)
        let error = try await postgresError { try await client.start() }
        #expect(error.code == .connectionLost)
        #expect(error.outcome == .notSent)
        #expect(error.message.contains("/nonexistent"))
    }

    @Test("a host name that does not exist is connectionLost; one that does is resolved off the loop")
    func hostNames() async throws {
        let unknown = PostgresClient(
            configuration: try PostgresConfiguration(url: "postgresql://postgres@no-such-host.invalid/postgres"),
            catalogue: [],
            sessions: 1
        )
        let error = try await postgresError { try await unknown.start() }
        #expect(error.code == .connectionLost)
        #expect(error.message.contains("resolved"))
        // Nothing listens on port 1, so the address was found and refused.
        let refusing = PostgresClient(
            configuration: try PostgresConfiguration(url: "postgresql://postgres@localhost:1/postgres"),
            catalogue: [],
            sessions: 1
        )
        let refused = try await postgresError { try await refusing.start() }
        #expect(refused.message.contains("port 1 failed: Connection refused"))
    }

    @Test("after a change of the tables the prepared statements are renewed")
    func stalePlans() async throws {
        struct ReadAll: PostgresStatement {
            static let name = "read_all"
            static let sql = "SELECT * FROM changing"
            static let parameterTypes: [PostgresType] = []
            func encode(into parameters: inout ParameterEncoder) {}
            static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int32 { try row.int4(0) }
        }
        let script = try await PostgresScriptConnection(configuration: try TestCluster.configuration())
        try await script.execute(
            script: "DROP TABLE IF EXISTS changing; CREATE TABLE changing (a int); INSERT INTO changing VALUES (1)"
        )
        try await withClient(sessions: 1, catalogue: [ReadAll.self]) { client in
            let before = try await client.query(ReadAll())
            #expect(before == [1])
            try await script.execute(script: "ALTER TABLE changing ADD b int")
            let error = try await postgresError { try await client.query(ReadAll()) }
            #expect(error.sqlState == "0A000")
            #expect(error.outcome == .rolledBack)
            let after = try await client.query(ReadAll())
            #expect(after == [1])
        }
        await script.close()
    }
}
