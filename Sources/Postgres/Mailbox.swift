internal import CLibpq
internal import Glibc
internal import Synchronization

/// What tasks ask of the loop thread.
enum LoopRequest: Sendable {
    /// Send a unit on a session.
    case unit(UnitRequest)
    /// Roll back whatever the session's last holder left, then give it back to the pool.
    case reset(Lease)
    /// The addresses of the hosts that a connection asked for; nil when a name has none.
    case resolved(slot: Int, hostAddresses: String?)
    /// Look at the timers again.
    case wake
    /// Finish what is owed, at most until the deadline, then end the thread.
    case shutdown(deadline: ContinuousClock.Instant, done: ReplyContinuation<Void>?)
}

typealias UnitContinuation = ReplyContinuation<UnitReply>
typealias LeaseContinuation = ReplyContinuation<Result<Lease, PostgresError>>

/// What a unit does.
enum UnitWork: Sendable {
    case pipeline(PipelineBatch)
    case copy(CopyRows)

    var byteCount: Int {
        switch self {
        case .pipeline(let batch): batch.byteCount
        case .copy(let rows): rows.writer.arena.cursor
        }
    }
}

/// A unit on its way to the loop.
struct UnitRequest: Sendable {
    let lease: Lease
    let work: UnitWork
    let deadline: ContinuousClock.Instant
    let continuation: UnitContinuation

    /// Ends a unit that the connection never saw.
    func refuse(_ code: PostgresError.Code, _ message: String) {
        let error = PostgresError(code: code, outcome: .notSent, message: message)
        continuation.resume(returning: UnitReply(result: .failure(error), transaction: nil))
    }
}

/// The answer to a unit.
struct UnitReply: Sendable {
    let result: Result<[PostgresResult], PostgresError>
    /// Where the session's transaction stands now; nil when the connection was not touched.
    let transaction: TransactionStatus?
}

/// The bounded queue between tasks and the loop thread. Costs a system call only when the loop sleeps.
final class Mailbox: Sendable {
    fileprivate struct State {
        var requests: [LoopRequest] = []
        var byteCount = 0
        var isAsleep = false
        var isClosed = false
    }

    enum Submission { case accepted, full, closed }

    /// Becomes readable when the loop must wake up.
    let descriptor: Int32
    private let maximumCount: Int
    private let maximumByteCount: Int
    private let state = Mutex(State())

    init(maximumCount: Int, maximumByteCount: Int) {
        self.maximumCount = maximumCount
        self.maximumByteCount = maximumByteCount
        self.descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(descriptor >= 0, "no descriptor is left for an eventfd")
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Queues a unit, unless the queue is full or the loop has ended.
    func submit(_ unit: UnitRequest) -> Submission {
        let bytes = unit.work.byteCount
        let (submission, mustWake) = state.withLock { state in
            if state.isClosed { return (Submission.closed, false) }
            // An empty queue takes a unit of any size: it could never be sent otherwise.
            let isFull = state.requests.count >= maximumCount || state.byteCount + bytes > maximumByteCount
            if isFull && !state.requests.isEmpty { return (.full, false) }
            state.requests.append(.unit(unit))
            state.byteCount += bytes
            return (.accepted, state.takeWake())
        }
        if mustWake { wake() }
        return submission
    }

    /// Queues anything but a unit, without a bound: there is at most one of each per session or call.
    /// Returns false when the loop has ended.
    @discardableResult
    func submit(_ request: LoopRequest) -> Bool {
        let (isAccepted, mustWake) = state.withLock { state in
            if state.isClosed { return (false, false) }
            state.requests.append(request)
            return (true, state.takeWake())
        }
        if mustWake { wake() }
        return isAccepted
    }

    /// Swaps everything queued with an empty array, whose memory is used for what comes.
    func take(into requests: inout [LoopRequest]) {
        state.withLock { state in
            swap(&state.requests, &requests)
            state.byteCount = 0
        }
    }

    /// The loop is about to sleep; false when there is something to do instead.
    func fallAsleep() -> Bool {
        state.withLock { state in
            state.isAsleep = state.requests.isEmpty
            return state.isAsleep
        }
    }

    /// The loop is awake.
    func wakeUp(isDescriptorReadable: Bool) {
        state.withLock { $0.isAsleep = false }
        guard isDescriptorReadable else { return }
        var value: UInt64 = 0
        _ = read(descriptor, &value, 8)
    }

    /// Nothing is accepted any more; returns what was still queued.
    func close() -> [LoopRequest] {
        state.withLock { state in
            state.isClosed = true
            let requests = state.requests
            state.requests = []
            return requests
        }
    }

    private func wake() {
        var value: UInt64 = 1
        _ = write(descriptor, &value, 8)
    }
}

extension Mailbox.State {
    fileprivate mutating func takeWake() -> Bool {
        defer { isAsleep = false }
        return isAsleep
    }
}
