import Foundation
import Synchronization
import Testing

@testable import Postgres

/// What a ledger needs to know after each way of losing a connection: is the work durable, or can it never be?
@Suite("Lost connections")
struct FaultTests {
    /// A client through a proxy that can be cut, and one past it, to look at what is durable.
    func withProxy(
        sessions: Int = 1,
        _ body: (SocketProxy, PostgresClient, _ direct: PostgresClient) async throws -> Void
    ) async throws {
        let cluster = try #require(TestCluster.shared, "needs a cluster with a known socket")
        let proxy = SocketProxy(to: cluster)
        defer { proxy.stop() }
        let configuration = try cluster.configuration(folder: proxy.folder)
        try await withClient { direct in
            try await withClient(sessions: sessions, configuration: configuration) { client in
                try await body(proxy, client, direct)
            }
        }
    }

    @Test("terminated in a transaction without COMMIT: rolledBack, and the pool recovers")
    func terminatedInTransaction() async throws {
        let run = freshRun()
        try await withClient { direct in
            try await withClient(sessions: 1) { client in
                let error = try await postgresError {
                    try await client.withSession { session in
                        let pid = try await session.query(BackendPID())[0]
                        var batch = PipelineBatch()
                        batch.begin()
                        batch.append(InsertItem(run: run, id: 1))
                        batch.append(Sleep(milliseconds: 10_000))
                        async let terminated = terminateSoon(pid, direct)
                        do {
                            _ = try await session.execute(batch)
                        } catch {
                            _ = try await terminated
                            throw error
                        }
                    }
                }
                #expect(error.outcome == .rolledBack)
                #expect(error.code == .connectionLost)
                #expect(error.sqlState == "57P01")
                #expect(error.isFatal)
                #expect(error.statement == "sleep")
                let counts = try await client.query(CountItems(run: run))
                #expect(counts == [[0, 0, 0]])
            }
        }
    }

    @Test("terminated before the COMMIT of a unit was reached: the order of replies proves rolledBack")
    func terminatedBeforeCommit() async throws {
        let run = freshRun()
        try await withClient { direct in
            try await withClient(sessions: 1) { client in
                let pid = try await client.query(BackendPID())[0]
                var batch = PipelineBatch()
                batch.begin()
                batch.append(InsertItem(run: run, id: 1))
                batch.append(Sleep(milliseconds: 10_000))
                batch.commit()
                let unit = batch
                async let failing = postgresError { try await client.execute(unit) }
                _ = try await terminateSoon(pid, direct)
                let error = try await failing
                #expect(error.outcome == .rolledBack)
                #expect(error.sqlState == "57P01")
                let counts = try await client.query(CountItems(run: run))
                #expect(counts == [[0, 0, 0]])
            }
        }
    }

    @Test("committed, but the reply is lost: unknown, and the row is there")
    func committedReplyLost() async throws {
        let run = freshRun()
        try await withProxy { proxy, client, direct in
            var batch = PipelineBatch()
            batch.begin()
            batch.append(InsertItem(run: run, id: 1))
            batch.commit()
            proxy.cut(.toClient, afterBytes: 0)
            let error = try await postgresError { try await client.execute(batch) }
            #expect(error.code == .connectionLost)
            #expect(error.outcome == .unknown)
            try await eventually { try await direct.query(CountItems(run: run)) == [[1, 1, 1]] }
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[1, 1, 1]])
        }
    }

    @Test("a cut anywhere in the replies to a committing unit is unknown, or a success if COMMIT was answered")
    func cutInReplies() async throws {
        try await withProxy { proxy, client, direct in
            var (failures, successes) = (0, 0)
            for afterBytes in stride(from: 0, through: 160, by: 8) {
                let run = freshRun()
                var batch = PipelineBatch()
                batch.begin()
                batch.append(InsertItem(run: run, id: 1))
                batch.commit()
                proxy.cut(.toClient, afterBytes: afterBytes)
                do throws(PostgresError) {
                    _ = try await client.execute(batch)
                    successes += 1
                } catch {
                    #expect(error.outcome == .unknown, "cut after \(afterBytes) bytes")
                    failures += 1
                }
                try await eventually { try await direct.query(CountItems(run: run)) == [[1, 1, 1]] }
            }
            #expect(failures > 0 && successes > 0)
            // Where no cut happened, the last planned one is still there.
            proxy.cut(.toClient, afterBytes: .max)
        }
    }

    @Test("a cut in the middle of a large write without COMMIT is rolledBack; nothing is there")
    func cutInWrite() async throws {
        let run = freshRun()
        try await withProxy { proxy, client, direct in
            let error = try await postgresError {
                try await client.withSession { session in
                    var first = PipelineBatch()
                    first.begin()
                    first.append(InsertItem(run: run, id: -1))
                    _ = try await session.execute(first)
                    proxy.cut(.toServer, afterBytes: 300_000)
                    var second = PipelineBatch()
                    second.append(InsertItems(run: run, count: 50, payloadByteCount: 20_000))
                    _ = try await session.execute(second)
                }
            }
            #expect(error.code == .connectionLost)
            #expect(error.outcome == .rolledBack)
            let counts = try await direct.query(CountItems(run: run))
            #expect(counts == [[0, 0, 0]])
            let again = try await client.query(CountItems(run: run))
            #expect(again == [[0, 0, 0]])
        }
    }

    @Test("a cut in the middle of a large write with COMMIT behind it is unknown")
    func cutInCommittingWrite() async throws {
        let run = freshRun()
        try await withProxy { proxy, client, direct in
            proxy.cut(.toServer, afterBytes: 300_000)
            var batch = PipelineBatch()
            batch.begin()
            batch.append(InsertItems(run: run, count: 50, payloadByteCount: 20_000))
            batch.commit()
            let error = try await postgresError { try await client.execute(batch) }
            #expect(error.outcome == .unknown)
            let counts = try await direct.query(CountItems(run: run))
            #expect(counts == [[0, 0, 0]])
        }
    }

    @Test("a single statement whose connection is lost is unknown")
    func autocommitLost() async throws {
        let run = freshRun()
        try await withProxy { proxy, client, direct in
            proxy.cut(.toClient, afterBytes: 0)
            let error = try await postgresError { try await client.query(InsertItem(run: run, id: 1)) }
            #expect(error.outcome == .unknown)
            try await eventually { try await direct.query(CountItems(run: run)) == [[1, 1, 1]] }
        }
    }

    @Test("after a loss between two units the second is notSent, and the session stays useless")
    func lostBetweenUnits() async throws {
        let run = freshRun()
        var options = PostgresClientOptions()
        // How often a connection was lost, and how often one was made.
        let seen = Mutex((lost: 0, made: 0))
        options.eventHandler = { event in
            switch event {
            case .connectionLost: seen.withLock { $0.lost += 1 }
            case .connected: seen.withLock { $0.made += 1 }
            default: break
            }
        }
        try await withClient { direct in
            try await withClient(sessions: 2, options: options) { client in
                try await client.withSession { session in
                    let pid = try await session.query(BackendPID())[0]
                    var first = PipelineBatch()
                    first.begin()
                    first.append(InsertItem(run: run, id: 1))
                    _ = try await session.execute(first)
                    _ = try await direct.query(Terminate(pid: pid))
                    try await eventually { seen.withLock { $0 == (1, 3) } }
                    var second = PipelineBatch()
                    second.append(InsertItem(run: run, id: 2))
                    second.commit()
                    let unit = second
                    let error = try await postgresError { try await session.execute(unit) }
                    #expect(error.code == .connectionLost)
                    #expect(error.outcome == .notSent)
                }
                let counts = try await client.query(CountItems(run: run))
                #expect(counts == [[0, 0, 0]])
            }
        }
    }

    @Test("the deadline of a unit that was sent: unknown with COMMIT, rolledBack without; the session is replaced")
    func deadlineAfterSending() async throws {
        let run = freshRun()
        try await withProxy(sessions: 2) { proxy, client, direct in
            proxy.hold()
            var batch = PipelineBatch()
            batch.begin()
            batch.append(InsertItem(run: run, id: 1))
            let open = batch
            batch.commit()
            let soon = ContinuousClock.now.advanced(by: .milliseconds(100))
            let first = try await postgresError { try await client.execute(batch, deadline: soon) }
            let later = ContinuousClock.now.advanced(by: .milliseconds(100))
            let second = try await postgresError { try await client.execute(open, deadline: later) }
            #expect(first.code == .deadlineExceeded)
            #expect(first.outcome == .unknown)
            #expect(second.code == .deadlineExceeded)
            #expect(second.outcome == .rolledBack)
            proxy.release()
            let counts = try await client.query(CountItems(run: run))
            #expect(counts == [[1, 1, 1]])
        }
    }

    @Test("a server that crashes and comes back: errors meanwhile, health says so, then everything works")
    func restart() async throws {
        let cluster = TestCluster()
        defer { cluster.remove() }
        var options = PostgresClientOptions()
        options.leaseTimeout = .milliseconds(200)
        options.reconnectCap = .milliseconds(200)
        try await withClient(configuration: cluster.configuration(), options: options) { client in
            #expect(client.isHealthy)
            cluster.crash()
            try await eventually { !client.isHealthy }
            let error = try await postgresError { try await client.query(Divide(divisor: 1)) }
            #expect(error.code == .deadlineExceeded)
            #expect(error.outcome == .notSent)
            cluster.start()
            try await eventually { client.counts.connected == 2 }
            let quotient = try await client.query(Divide(divisor: 4))
            #expect(quotient == [25])
        }
    }

    private func terminateSoon(_ pid: Int32, _ direct: PostgresClient) async throws -> Bool {
        // Until the victim sleeps in the statement that it is meant to be hit in.
        try await eventually {
            try await direct.withSession { session in
                try await session.simple("SELECT wait_event FROM pg_stat_activity WHERE pid = \(pid)")
            } == [["PgSleep"]]
        }
        return try await direct.query(Terminate(pid: pid))[0]
    }
}

/// Waits until a condition holds; fails the test after 10 seconds.
func eventually(_ condition: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let deadline = ContinuousClock.now.advanced(by: .seconds(60))
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("it did not happen within 60 s", sourceLocation: sourceLocation)
}
