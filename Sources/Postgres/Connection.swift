internal import CLibpq
internal import Glibc

/// One connection, confined to the loop thread.
///
/// ```
///   down ──retryAt──▶ resolving ──▶ connecting ──▶ preparing ──▶ ready
///    ▲                    │             │              │           │
///    └────────────────────┴─────────────┴──── lost ────┴───────────┘
/// ```
final class Connection {
    enum Phase {
        case down(retryAt: ContinuousClock.Instant)
        /// Waiting for a thread that resolves host names; short, and skipped for sockets and addresses.
        case resolving
        case connecting(PostgresPollingStatusType)
        case preparing
        case ready
    }

    /// Who waits for a unit.
    enum Ticket {
        case unit(SentUnit)
        case reset(Lease, deadline: ContinuousClock.Instant)
        case preparation
    }

    /// What is kept of a unit until its reply; its parameters are libpq's by then.
    struct SentUnit {
        /// What an error says about where it happened, by statement.
        let labels: [String]
        let deadline: ContinuousClock.Instant
        let continuation: UnitContinuation
    }

    let core: ClientCore
    let slot: Int
    var phase: Phase
    var handle: OpaquePointer?
    var machine = PipelineStateMachine<Ticket, PostgresResult>()
    /// The generation of the leases that may use this connection.
    var generation: UInt64 = 0
    /// Why the last attempt to connect, or the last connection, failed; nil once a connection stands.
    var lastFailure: PostgresError?
    /// Set when the connection can't be used any further, with what to tell those who wait.
    var breakage: (code: PostgresError.Code, message: String)?
    var setupDeadline = ContinuousClock.now
    var wantsWrite = false
    /// The COPY under way, which has the connection outside of its pipeline mode.
    var copying: CopyRows?
    var isResolving = false
    var backoff: Backoff
    let notices: NoticeReceiver

    init(core: ClientCore, slot: Int) {
        self.core = core
        self.slot = slot
        self.phase = .down(retryAt: .now)
        self.backoff = Backoff(base: core.options.reconnectBase, cap: core.options.reconnectCap)
        let handler = core.options.eventHandler
        self.notices = NoticeReceiver { handler(.notice($0)) }
    }

    var isReady: Bool { if case .ready = phase { true } else { false } }

    var owesReplies: Bool { isReady && !machine.owed.isEmpty }

    /// The socket to poll; -1 when there is none. It may change while connecting.
    var descriptor: Int32 { handle.map { PQsocket($0) } ?? -1 }

    /// What to poll the socket for.
    var interest: Int16 {
        switch phase {
        case .down, .resolving: 0
        case .connecting(let status): Int16(status == PGRES_POLLING_READING ? POLLIN : POLLOUT)
        case .preparing, .ready: Int16(wantsWrite ? POLLIN | POLLOUT : POLLIN)
        }
    }

    /// When the timers must be looked at next.
    var nextDeadline: ContinuousClock.Instant? {
        switch phase {
        case .down(let retryAt): retryAt
        case .resolving, .connecting, .preparing: setupDeadline
        case .ready: machine.owed.lazy.compactMap(\.ticket.deadline).min()
        }
    }

    // MARK: events

    /// Connects when it is time to, and gives up what takes too long.
    func checkTimers(now: ContinuousClock.Instant, mayReconnect: Bool) {
        switch phase {
        case .down(let retryAt):
            if mayReconnect && retryAt <= now { resolve(now: now) }
        case .resolving, .connecting, .preparing:
            if setupDeadline <= now {
                setupFailed(
                    PostgresError(code: .connectionLost, outcome: .notSent, message: "connecting took too long")
                )
            }
        case .ready:
            guard let deadline = nextDeadline, deadline <= now else { return }
            // The replies that come later would belong to nobody: the connection goes, and with it the work, if the
            // server has not done it yet.
            lose(code: .deadlineExceeded, message: "no reply before the deadline")
        }
    }

    /// Sends a unit, if its session still stands.
    func submit(_ unit: UnitRequest, now: ContinuousClock.Instant) {
        guard isReady, generation == unit.lease.generation else {
            return unit.refuse(.connectionLost, "the session's connection is gone")
        }
        if unit.deadline <= now { return unit.refuse(.deadlineExceeded, "the deadline passed before it was sent") }
        // 64: a holder that pipelines deeper than this has lost count.
        if machine.owed.count >= 64 { return unit.refuse(.overloaded, "too many units under way on one session") }
        switch unit.work {
        case .pipeline(let batch):
            if copying != nil { return unit.refuse(.overloaded, "a COPY is under way on the session") }
            let labels = batch.entries.map(\.label)
            send(
                batch,
                ticket: .unit(SentUnit(labels: labels, deadline: unit.deadline, continuation: unit.continuation))
            )
        case .copy(let rows):
            // A COPY can't be pipelined: it needs the connection for itself.
            guard machine.owed.isEmpty else { return unit.refuse(.overloaded, "the session has a unit under way") }
            let labels = [rows.sql, "COMMIT"]
            startCopy(rows, SentUnit(labels: labels, deadline: unit.deadline, continuation: unit.continuation))
        }
    }

    /// Ends what the last holder of a session left open.
    func reset(_ lease: Lease, now: ContinuousClock.Instant) {
        guard isReady, generation == lease.generation else { return }
        var batch = PipelineBatch()
        batch.rollback()
        send(batch, ticket: .reset(lease, deadline: now.advanced(by: .seconds(5))))
    }

    /// The socket became readable or writable, or broke.
    func socketReady(events: Int16) {
        switch phase {
        case .down, .resolving: break
        case .connecting: continueConnecting()
        case .preparing, .ready: receive()
        }
    }

    /// The end: what is owed fails, and no connection is made again.
    func close() {
        guard let handle else { return }
        let endings = machine.connectionLost(code: .closed, message: "the client was closed")
        PQfinish(handle)
        self.handle = nil
        phase = .down(retryAt: .now)
        for ending in endings { end(ending) }
    }

    // MARK: replies

    /// Hands an ending to whoever waits for it.
    func end(_ ending: PipelineStateMachine<Ticket, PostgresResult>.Ending) {
        switch ending {
        case .succeed(.unit(let unit), let results, let transaction):
            unit.continuation.resume(returning: UnitReply(result: .success(results), transaction: transaction))
        case .succeed(.reset(let lease, _), _, let transaction):
            guard isReady else { return }
            if transaction == .idle {
                core.release(lease)
            } else {
                breakage = (.connectionLost, "a session could not be rolled back")
            }
        case .succeed(.preparation, _, _): becomeReady()
        case .fail(.unit(let unit), var error, let statement, let transaction):
            if let statement, statement < unit.labels.count { error.statement = unit.labels[statement] }
            // First, so that whoever is woken does not lease this connection again.
            if Self.isStale(error) { lose(code: .connectionLost, message: "the prepared statements are stale") }
            unit.continuation.resume(returning: UnitReply(result: .failure(error), transaction: transaction))
        case .fail(.reset, _, _, _): breakage = (.connectionLost, "a session could not be rolled back")
        case .fail(.preparation, var error, let statement, _):
            guard case .preparing = phase else { return }
            if let statement, statement < core.catalogue.count, !error.isFatal {
                error.statement = core.catalogue[statement].name
                error.code = .preparation
            }
            error.outcome = .notSent
            setupFailed(error)
        }
    }

    /// Prepared statements that no longer fit the tables (after a migration) are prepared anew on a new connection.
    private static func isStale(_ error: PostgresError) -> Bool {
        error.sqlState == "26000" || (error.sqlState == "0A000" && error.message.hasPrefix("cached plan"))
    }

    /// Gives the connection up if something in this turn broke it.
    func settleBreakage() {
        guard let breakage else { return }
        lose(code: breakage.code, message: breakage.message)
    }

    func lose(code: PostgresError.Code, message: String) {
        let error = PostgresError(code: code, outcome: .unknown, message: message)
        let endings = machine.connectionLost(code: code, message: message)
        guard isReady else {
            // The catalogue was being prepared; its ending knows if the server gave a reason.
            for ending in endings { end(ending) }
            return
        }
        handle.map { PQfinish($0) }
        handle = nil
        copying = nil
        lastFailure = error
        _ = retryLater()
        core.sessionLost(slot: slot, error)
        for ending in endings { end(ending) }
        breakage = nil
    }

    /// Writes as much as the socket takes, and remembers if there is more.
    func flush(_ handle: OpaquePointer) {
        switch PQflush(handle) {
        case 0: wantsWrite = false
        case 1: wantsWrite = true
        default: breakage = (.connectionLost, "the connection broke while writing")
        }
    }
}

extension Connection.Ticket {
    /// When the wait for it is over.
    var deadline: ContinuousClock.Instant? {
        switch self {
        case .unit(let unit): unit.deadline
        case .reset(_, let deadline): deadline
        case .preparation: nil
        }
    }
}
