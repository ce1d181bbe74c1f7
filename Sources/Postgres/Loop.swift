internal import Glibc

/// The thread that owns every connection of a client. Made inside of the thread, so nothing of it can be shared.
struct Loop: ~Copyable {
    private let core: ClientCore
    private var connections: [Connection] = []
    private var startup: ReplyContinuation<Result<Void, PostgresError>>?
    private var requests: [LoopRequest] = []
    private var polled: [pollfd] = []
    private var shutdownDeadline: ContinuousClock.Instant?
    private var shutdownContinuations: [ReplyContinuation<Void>] = []

    init(core: ClientCore, startup: consuming ReplyContinuation<Result<Void, PostgresError>>) {
        self.core = core
        self.startup = startup
        self.connections = (0..<core.sessionCount).map { Connection(core: core, slot: $0) }
    }

    /// Turns until a shutdown is complete: take what is queued, send it, wait, hand out what came.
    mutating func run() {
        while true {
            core.mailbox.take(into: &requests)
            let now = ContinuousClock.now
            for request in requests { handle(request, now: now) }
            requests.removeAll(keepingCapacity: true)
            for connection in connections {
                connection.checkTimers(now: now, mayReconnect: shutdownDeadline == nil)
            }
            core.expireWaits(now: now)
            reportStartup()
            if isFinished(now: now) { break }
            wait(now: now)
        }
        finish()
    }

    private mutating func handle(_ request: LoopRequest, now: ContinuousClock.Instant) {
        switch request {
        case .unit(let unit): connections[unit.lease.slot].submit(unit, now: now)
        case .reset(let lease): connections[lease.slot].reset(lease, now: now)
        case .resolved(let slot, let addresses): connections[slot].resolved(addresses)
        case .wake: break
        case .shutdown(let deadline, let done):
            core.closePool()
            shutdownDeadline = min(deadline, shutdownDeadline ?? deadline)
            if let done { shutdownContinuations.append(done) }
        }
    }

    /// Until every session stood once, the first failure is the answer to `start`, and the end.
    private mutating func reportStartup() {
        guard let startup else { return }
        if let failure = connections.lazy.compactMap(\.lastFailure).first {
            core.closePool()
            shutdownDeadline = .now
            self.startup = nil
            // Answered only after the connections are closed.
            finish()
            startup.resume(returning: .failure(failure))
        } else if connections.allSatisfy(\.isReady) {
            self.startup = nil
            startup.resume(returning: .success(()))
        }
    }

    private func isFinished(now: ContinuousClock.Instant) -> Bool {
        guard let shutdownDeadline else { return false }
        if now >= shutdownDeadline { return true }
        return !core.hasLeasedSessions && connections.allSatisfy { !$0.owesReplies }
    }

    /// Sleeps until a socket, the mailbox or a timer has something, then lets the connections concerned work.
    private mutating func wait(now: ContinuousClock.Instant) {
        polled.removeAll(keepingCapacity: true)
        polled.append(pollfd(fd: core.mailbox.descriptor, events: Int16(POLLIN), revents: 0))
        for connection in connections {
            // A negative descriptor is skipped by poll.
            polled.append(pollfd(fd: connection.descriptor, events: connection.interest, revents: 0))
        }
        var deadline = core.earliestLeaseDeadline
        Self.lower(&deadline, to: shutdownDeadline)
        for connection in connections { Self.lower(&deadline, to: connection.nextDeadline) }
        guard core.mailbox.fallAsleep() else {
            // There is more to send; look for replies in passing.
            return turn(timeoutMilliseconds: 0)
        }
        turn(timeoutMilliseconds: deadline.map { Self.milliseconds(from: now, to: $0) } ?? -1)
    }

    private mutating func turn(timeoutMilliseconds: Int32) {
        let count = poll(&polled, nfds_t(polled.count), timeoutMilliseconds)
        core.mailbox.wakeUp(isDescriptorReadable: count > 0 && polled[0].revents != 0)
        guard count > 0 else { return }
        for (index, connection) in connections.enumerated() where polled[index + 1].revents != 0 {
            connection.socketReady(events: polled[index + 1].revents)
        }
    }

    /// Ends every connection and everything that still waits.
    private mutating func finish() {
        for connection in connections { connection.close() }
        connections = []
        let closed = "the client is closed"
        startup?.resume(
            returning: .failure(PostgresError(code: .closed, outcome: .notSent, message: closed))
        )
        startup = nil
        for request in core.mailbox.close() {
            switch request {
            case .unit(let unit): unit.refuse(.closed, closed)
            case .shutdown(_, let done): done?.resume()
            case .reset, .resolved, .wake: break
            }
        }
        for continuation in shutdownContinuations { continuation.resume() }
        shutdownContinuations = []
    }

    private static func lower(_ deadline: inout ContinuousClock.Instant?, to other: ContinuousClock.Instant?) {
        guard let other else { return }
        deadline = min(other, deadline ?? other)
    }

    /// Rounded up, so that a timer is over when poll returns.
    private static func milliseconds(from now: ContinuousClock.Instant, to deadline: ContinuousClock.Instant) -> Int32 {
        let (seconds, attoseconds) = now.duration(to: deadline).components
        let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000 + 1
        return Int32(clamping: max(0, milliseconds))
    }
}
