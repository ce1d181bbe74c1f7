internal import Synchronization

/// A client of one PostgreSQL database: a loop thread and a fixed number of connections, all of which have the whole
/// catalogue prepared and stay in libpq's pipeline mode.
///
/// Prepared statements belong to connections, so a PgBouncer between in transaction mode needs to be 1.21 or newer.
public final class PostgresClient: Sendable {
    private let core: ClientCore
    private let lifecycle = Mutex(Lifecycle.idle)

    private enum Lifecycle {
        case idle
        case running(WorkerThread)
        case stopped
    }

    /// Makes a client; nothing is opened before `start`.
    ///
    /// - Parameters:
    ///   - configuration: Where the server is.
    ///   - catalogue: Every statement that will be used; names must be unique, and none may control transactions.
    ///   - sessions: How many connections to keep; at least one.
    ///   - options: Bounds, waits, and where events go.
    public init(
        configuration: PostgresConfiguration,
        catalogue: [any PostgresStatement.Type],
        sessions: Int,
        options: PostgresClientOptions = PostgresClientOptions()
    ) {
        precondition(sessions > 0, "a client has at least one session")
        var names: Set<String> = []
        var prepared = BuiltInStatement.allCases.map { ClientCore.Prepared(name: $0.rawValue, sql: $0.sql, types: []) }
        for statement in catalogue {
            precondition(names.insert(statement.name).inserted, "two statements are named \(statement.name)")
            precondition(!statement.name.hasPrefix("__"), "names that start with __ are the client's own")
            precondition(!controlsTransactions(statement.sql), "\(statement.name) controls transactions")
            prepared.append(
                ClientCore.Prepared(name: statement.name, sql: statement.sql, types: statement.parameterTypes)
            )
        }
        core = ClientCore(configuration: configuration, catalogue: prepared, sessionCount: sessions, options: options)
    }

    deinit {
        // Nobody is left to hold a session; the thread ends by itself.
        guard case .running(let thread) = lifecycle.withLock({ $0 }) else { return }
        core.mailbox.submit(.shutdown(deadline: .now, done: nil))
        thread.detach()
    }

    /// Opens every connection and prepares the catalogue.
    ///
    /// - Throws: The first failure, after which the client is closed; `.authentication`, `.preparation` (naming the
    ///   statement) or `.connectionLost`.
    public func start() async throws(PostgresError) {
        let core = core
        let result: Result<Void, PostgresError> = await withReply { continuation in
            let isFirst = lifecycle.withLock { state in
                guard case .idle = state else { return false }
                state = .running(
                    WorkerThread(name: "pq-loop") {
                        var loop = Loop(core: core, startup: continuation)
                        loop.run()
                    }
                )
                return true
            }
            if !isFirst {
                let error = PostgresError(code: .closed, outcome: .notSent, message: "a client starts only once")
                continuation.resume(returning: .failure(error))
            }
        }
        if case .failure(let error) = result {
            if error.code != .closed { joinThread() }
            throw error
        }
    }

    /// Keeps the client open until the task is cancelled, then shuts it down; starts it when that was not done.
    public func run() async throws {
        if case .idle = lifecycle.withLock({ $0 }) { try await start() }
        // A stream that never yields ends when the task is cancelled.
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        for await _ in stream {}
        continuation.finish()
        await shutdown()
    }

    /// Refuses new leases, lets sessions in use finish within `shutdownGrace`, closes the connections, ends the thread.
    ///
    /// Harmless when the client is closed already or was never started.
    public func shutdown() async {
        let deadline = ContinuousClock.now.advanced(by: core.options.shutdownGrace)
        let isIdle = lifecycle.withLock { state in
            guard case .idle = state else { return false }
            state = .stopped
            return true
        }
        if isIdle { return core.closePool() }
        await withReply { (continuation: ReplyContinuation<Void>) in
            if !core.mailbox.submit(.shutdown(deadline: deadline, done: continuation)) { continuation.resume() }
        }
        joinThread()
    }

    /// Runs a closure with exclusive use of a session, waiting for one in a bounded queue.
    ///
    /// - Parameters:
    ///   - deadline: When to stop waiting for a session; `leaseTimeout` from now when nil.
    ///   - body: Gets the session; must not let it escape.
    /// - Throws: What the closure throws, or a `PostgresError` with outcome `.notSent`: `.overloaded` at once when too
    ///   many wait, `.deadlineExceeded`, `.cancelled`, `.closed`.
    public func withSession<Value>(
        deadline: ContinuousClock.Instant? = nil,
        _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let session = PostgresSession(core: core, lease: try await core.lease(deadline: deadline))
        defer { session.giveBack() }
        return try await body(session)
    }

    /// Executes one statement by itself, as its own transaction, on any session.
    ///
    /// - Throws: `PostgresError`; `.unknown` means that a statement that writes may have written.
    public func query<Statement: PostgresStatement>(
        _ statement: Statement,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(PostgresError) -> [Statement.Row] {
        var batch = PipelineBatch()
        batch.append(statement)
        return try await execute(batch, deadline: deadline)[0].decode(as: Statement.self)
    }

    /// Executes a unit on any session; see `PostgresSession.execute`.
    ///
    /// A unit whose session turns out to be gone before anything was sent moves to another session.
    public func execute(
        _ batch: PipelineBatch,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(PostgresError) -> [PostgresResult] {
        var attempts = 0
        while true {
            let session = PostgresSession(core: core, lease: try await core.lease(deadline: deadline))
            defer { session.giveBack() }
            do throws(PostgresError) {
                return try await session.execute(batch, deadline: deadline)
            } catch {
                attempts += 1
                let isUntouched = error.code == .connectionLost && error.outcome == .notSent
                // One more than there are sessions: each may have been found dead once.
                guard isUntouched, attempts <= core.sessionCount else { throw error }
            }
        }
    }

    /// Whether at least one connection stands and the client is not closing.
    public var isHealthy: Bool { core.isHealthy }

    /// How many connections stand, how many are in use, and how many wait for one; for metrics.
    public var counts: (connected: Int, leased: Int, waiting: Int) { core.counts }

    private func joinThread() {
        let thread: WorkerThread? = lifecycle.withLock { state in
            guard case .running(let thread) = state else { return nil }
            state = .stopped
            return thread
        }
        // The loop has said that it is done, so this waits for a few instructions at most.
        thread?.join()
    }
}

/// Whether a text starts with a word that begins or ends a transaction.
private func controlsTransactions(_ sql: String) -> Bool {
    let first = sql.drop { !$0.isLetter }.prefix { $0.isLetter }.lowercased()
    return ["begin", "start", "commit", "end", "rollback", "abort", "prepare", "savepoint", "release"].contains(first)
}
