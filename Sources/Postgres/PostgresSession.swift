internal import Synchronization

/// Exclusive use of one connection, for as long as the closure of `withSession` runs.
///
/// A transaction that is still open when the closure ends is rolled back. Other state of the session (SET, temporary
/// tables, advisory locks) is not undone: use SET LOCAL and transaction-level locks.
public final class PostgresSession: Sendable {
    private let core: ClientCore
    private let lease: Lease
    /// Twice the number of units under way, plus one when the session was given back.
    private let usage = Atomic<Int>(0)
    private let isTransactionIdle = Atomic<Bool>(true)

    init(core: ClientCore, lease: Lease) {
        self.core = core
        self.lease = lease
    }

    /// Sends a unit and waits for all of its replies: one wake-up, however many statements.
    ///
    /// Cancelling the task changes nothing: a unit that was submitted runs to its end.
    ///
    /// - Parameters:
    ///   - batch: At least one statement.
    ///   - deadline: When to stop waiting; `unitTimeout` from now when nil. A unit that was sent by then costs the
    ///     session its connection.
    /// - Returns: One result per statement, in order.
    /// - Throws: The first failure; nothing behind it in the unit was executed. See `PostgresError.Outcome`.
    public func execute(
        _ batch: PipelineBatch,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(PostgresError) -> [PostgresResult] {
        precondition(!batch.isEmpty, "a unit has at least one statement")
        return try await perform(.pipeline(batch), deadline: deadline)
    }

    /// Sends rows by COPY and waits until the server has taken them all, and committed if they say so.
    ///
    /// Nothing else may be under way on the session.
    ///
    /// - Throws: the failure; no row was kept unless `outcome` is `.unknown`.
    public func copy(_ rows: CopyRows, deadline: ContinuousClock.Instant? = nil) async throws(PostgresError) {
        _ = try await perform(.copy(rows), deadline: deadline)
    }

    private func perform(
        _ work: UnitWork,
        deadline: ContinuousClock.Instant?
    ) async throws(PostgresError) -> [PostgresResult] {
        guard usage.add(2, ordering: .acquiringAndReleasing).newValue & 1 == 0 else {
            usage.subtract(2, ordering: .acquiringAndReleasing)
            throw PostgresError(code: .closed, outcome: .notSent, message: "the session was given back")
        }
        let deadline = deadline ?? .now.advanced(by: core.options.unitTimeout)
        let reply = await withReply { continuation in
            let request = UnitRequest(lease: lease, work: work, deadline: deadline, continuation: continuation)
            switch core.mailbox.submit(request) {
            case .accepted: break
            case .full: request.refuse(.overloaded, "too much is queued for the server")
            case .closed: request.refuse(.closed, "the client is closed")
            }
        }
        if let transaction = reply.transaction {
            isTransactionIdle.store(transaction == .idle, ordering: .releasing)
        }
        usage.subtract(2, ordering: .acquiringAndReleasing)
        return try reply.result.get()
    }

    /// Executes one statement of the catalogue and decodes its rows on this task.
    ///
    /// - Throws: `PostgresError`; with code `.decoding` when a row does not have the expected types.
    public func query<Statement: PostgresStatement>(
        _ statement: Statement,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(PostgresError) -> [Statement.Row] {
        var batch = PipelineBatch()
        batch.append(statement)
        let results = try await execute(batch, deadline: deadline)
        return try results[0].decode(as: Statement.self)
    }

    /// Executes one statement that is not in the catalogue, without parameters.
    ///
    /// - Returns: The rows, every value in PostgreSQL's text format, NULL as nil.
    public func simple(
        _ sql: String,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(PostgresError) -> [[String?]] {
        var batch = PipelineBatch()
        batch.appendRaw(sql)
        return try await execute(batch, deadline: deadline)[0].textRows()
    }

    /// The closure is over: back to the pool at once when nothing is open, else by way of a ROLLBACK.
    func giveBack() {
        let usage = usage.bitwiseOr(1, ordering: .acquiringAndReleasing).oldValue
        // Given back once before.
        guard usage & 1 == 0 else { return }
        if usage == 0 && isTransactionIdle.load(ordering: .acquiring) {
            core.release(lease)
        } else {
            core.mailbox.submit(.reset(lease))
        }
    }
}
