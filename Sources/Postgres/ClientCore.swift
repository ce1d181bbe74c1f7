internal import Synchronization

/// What the tasks and the loop thread of one client share.
final class ClientCore: Sendable {
    /// A statement as it is prepared on every connection.
    struct Prepared: Sendable {
        let name: String
        let sql: String
        let types: [PostgresType]
    }

    let configuration: PostgresConfiguration
    let options: PostgresClientOptions
    let catalogue: [Prepared]
    let sessionCount: Int
    let mailbox: Mailbox
    private let pool: Mutex<SessionPoolStateMachine<LeaseContinuation>>
    private let nextWaiterID = Atomic<UInt64>(0)

    init(
        configuration: PostgresConfiguration,
        catalogue: [Prepared],
        sessionCount: Int,
        options: PostgresClientOptions
    ) {
        self.configuration = configuration
        self.options = options
        self.catalogue = catalogue
        self.sessionCount = sessionCount
        // 64 units a session: more than a session's holder can make use of.
        self.mailbox = Mailbox(
            maximumCount: sessionCount * 64,
            maximumByteCount: options.maximumQueuedByteCount
        )
        self.pool = Mutex(
            SessionPoolStateMachine(slotCount: sessionCount, maximumWaiting: options.maximumWaiting)
        )
    }

    var isHealthy: Bool { pool.withLock { !$0.isClosed && $0.connectedCount > 0 } }

    var counts: (connected: Int, leased: Int, waiting: Int) {
        pool.withLock { ($0.connectedCount, $0.leasedCount, $0.waitingCount) }
    }

    // MARK: called by tasks

    /// An exclusive session, at once or after a bounded wait.
    func lease(deadline: ContinuousClock.Instant?) async throws(PostgresError) -> Lease {
        if let lease = pool.withLock({ $0.leaseIdle() }) { return lease }
        let id = nextWaiterID.add(1, ordering: .relaxed).newValue
        let deadline = deadline ?? .now.advanced(by: options.leaseTimeout)
        let result = await withTaskCancellationHandler {
            await withReply { continuation in wait(id: id, deadline: deadline, continuation) }
        } onCancel: {
            cancelWait(id: id)
        }
        return try result.get()
    }

    private func wait(id: UInt64, deadline: ContinuousClock.Instant, _ continuation: LeaseContinuation) {
        switch pool.withLock({ $0.lease(id: id, deadline: deadline, waiter: continuation) }) {
        case .granted(let lease): continuation.resume(returning: .success(lease))
        case .refuse(let code): continuation.resume(returning: .failure(Self.leaseError(code)))
        case .queued(let isEarliest):
            if isEarliest { mailbox.submit(.wake) }
            // The cancellation may have come before there was something to cancel.
            if Task.isCancelled { cancelWait(id: id) }
        }
    }

    private func cancelWait(id: UInt64) {
        let waiter = pool.withLock { $0.cancel(id: id) }
        waiter?.resume(returning: .failure(Self.leaseError(.cancelled)))
    }

    /// Gives a session back whose transaction is over.
    func release(_ lease: Lease) {
        let (action, isClosed) = pool.withLock { ($0.release(lease), $0.isClosed) }
        perform(action)
        // The loop waits for the last session before it ends.
        if isClosed { mailbox.submit(.wake) }
    }

    // MARK: called by the loop

    var earliestLeaseDeadline: ContinuousClock.Instant? { pool.withLock { $0.earliestDeadline } }
    var hasLeasedSessions: Bool { pool.withLock { $0.leasedCount > 0 } }

    func generation(slot: Int) -> UInt64 { pool.withLock { $0.generation(slot: slot) } }

    func sessionReady(slot: Int) {
        perform(pool.withLock { $0.sessionReady(slot: slot) })
        options.eventHandler(.connected(session: slot))
    }

    func sessionLost(slot: Int, _ error: PostgresError) {
        pool.withLock { $0.sessionLost(slot: slot) }
        options.eventHandler(.connectionLost(session: slot, error))
    }

    func expireWaits(now: ContinuousClock.Instant) {
        for waiter in pool.withLock({ $0.expire(now: now) }) {
            waiter.resume(returning: .failure(Self.leaseError(.deadlineExceeded)))
        }
    }

    func closePool() {
        for waiter in pool.withLock({ $0.close() }) {
            waiter.resume(returning: .failure(Self.leaseError(.closed)))
        }
    }

    private func perform(_ action: SessionPoolStateMachine<LeaseContinuation>.ReadyAction) {
        guard case .hand(let lease, let waiter) = action else { return }
        waiter.resume(returning: .success(lease))
    }

    private static func leaseError(_ code: PostgresError.Code) -> PostgresError {
        let message =
            switch code {
            case .closed: "the client is closed"
            case .overloaded: "too many wait for a session"
            case .deadlineExceeded: "no session became free in time"
            default: "the task was cancelled while it waited for a session"
            }
        return PostgresError(code: code, outcome: .notSent, message: message)
    }
}
