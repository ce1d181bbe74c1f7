internal import CLibpq
internal import Glibc
internal import Synchronization

/// One result of a script.
public struct PostgresScriptResult: Sendable, Hashable {
    /// The command tag, for example `CREATE TABLE` or `SELECT 2`.
    public var commandTag: String
    /// The rows, every value in PostgreSQL's text format, NULL as nil.
    public var rows: [[String?]]
}

/// A connection of its own that runs scripts of many statements, as a migrator needs them: outside of pipeline mode,
/// over the simple protocol, on a thread of its own, so that nothing else waits for it.
///
/// Session state (`SET`, session-level advisory locks, an open transaction) stays from one script to the next.
public final class PostgresScriptConnection: Sendable {
    private let inbox: Inbox
    private let thread: Mutex<WorkerThread?>

    /// Opens a connection.
    ///
    /// - Parameters:
    ///   - configuration: Where the server is.
    ///   - noticeHandler: Called for every notice, on the connection's thread.
    /// - Throws: `PostgresError` with code `.authentication` or `.connectionLost`.
    public init(
        configuration: PostgresConfiguration,
        noticeHandler: @escaping @Sendable (PostgresNotice) -> Void = { _ in }
    ) async throws(PostgresError) {
        let inbox = Inbox()
        self.inbox = inbox
        self.thread = Mutex(nil)
        let result: Result<Void, PostgresError> = await withReply { opened in
            let started = WorkerThread(name: "pq-script") {
                ScriptWorker.run(configuration, inbox, NoticeReceiver(handler: noticeHandler), opened: opened)
            }
            thread.withLock { $0 = started }
        }
        if case .failure(let error) = result {
            takeThread()?.join()
            throw error
        }
    }

    deinit {
        inbox.submit(.close(nil))
        takeThread()?.detach()
    }

    /// Runs a script; without transaction control in it, all of it is one transaction.
    ///
    /// A transaction that the script leaves open, failed or not, stays open: that is for the caller to end.
    ///
    /// - Returns: One result per statement.
    /// - Throws: `PostgresError` of the first failure. `.rolledBack` unless a COMMIT came before it in the script;
    ///   statements that can't run in a transaction, such as CREATE INDEX CONCURRENTLY, may leave something behind.
    @discardableResult
    public func execute(script: String) async throws(PostgresError) -> [PostgresScriptResult] {
        let result: Result<[PostgresScriptResult], PostgresError> = await withReply { continuation in
            guard !inbox.submit(.execute(script, continuation)) else { return }
            let error = PostgresError(code: .closed, outcome: .notSent, message: "the connection is closed")
            continuation.resume(returning: .failure(error))
        }
        return try result.get()
    }

    /// Runs one `COPY … TO STDOUT` and hands its data over as it comes, without keeping it.
    ///
    /// - Parameters:
    ///   - statement: the whole statement.
    ///   - receive: called on the connection's thread with each piece: a whole row in text and CSV formats. After it has
    ///     thrown it is not called again.
    /// - Throws: what `receive` threw, or a `PostgresError`.
    public func copyOut(
        _ statement: String,
        to receive: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void
    ) async throws {
        let result: Result<Void, any Error> = await withReply { continuation in
            guard !inbox.submit(.copyOut(statement, receive, continuation)) else { return }
            let error = PostgresError(code: .closed, outcome: .notSent, message: "the connection is closed")
            continuation.resume(returning: .failure(error))
        }
        try result.get()
    }

    /// Closes the connection, after what was submitted before; harmless when it is closed.
    public func close() async {
        await withReply { (continuation: ReplyContinuation<Void>) in
            if !inbox.submit(.close(continuation)) { continuation.resume() }
        }
        takeThread()?.join()
    }

    private func takeThread() -> WorkerThread? {
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
    }
}

/// What the thread of a script connection is asked to do.
private enum ScriptJob: Sendable {
    case execute(String, ReplyContinuation<Result<[PostgresScriptResult], PostgresError>>)
    case copyOut(
        String,
        @Sendable (UnsafeRawBufferPointer) throws -> Void,
        ReplyContinuation<Result<Void, any Error>>
    )
    case close(ReplyContinuation<Void>?)
}

/// A queue whose reader blocks; callers are few and wait for their answer.
private final class Inbox: Sendable {
    private let state = Mutex<(jobs: [ScriptJob], isClosed: Bool)>(([], false))
    private let descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_SEMAPHORE))

    init() { precondition(descriptor >= 0, "no descriptor is left for an eventfd") }

    deinit { _ = Glibc.close(descriptor) }

    /// Queues a job; false after the end.
    @discardableResult
    func submit(_ job: ScriptJob) -> Bool {
        let isAccepted = state.withLock { state in
            if !state.isClosed { state.jobs.append(job) }
            return !state.isClosed
        }
        var one: UInt64 = 1
        if isAccepted { _ = write(descriptor, &one, 8) }
        return isAccepted
    }

    /// Blocks until there is a job.
    func next() -> ScriptJob {
        while true {
            var value: UInt64 = 0
            guard read(descriptor, &value, 8) == 8 else { continue }
            if let job = state.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) { return job }
        }
    }

    /// Accepts nothing more; returns what is left.
    func close() -> [ScriptJob] {
        state.withLock { state in
            defer { state = ([], true) }
            return state.jobs
        }
    }
}

/// The thread of a script connection; blocking calls are fine here.
private enum ScriptWorker {
    static func run(
        _ configuration: PostgresConfiguration,
        _ inbox: Inbox,
        _ notices: NoticeReceiver,
        opened: ReplyContinuation<Result<Void, PostgresError>>
    ) {
        let handle = configuration.withConnectionParameters { connect($0, $1) }
        defer { handle.map { PQfinish($0) } }
        guard let handle, PQstatus(handle) == CONNECTION_OK else {
            let error = ServerReply.connectError(of: handle)
            refuse(inbox.close())
            return opened.resume(returning: .failure(error))
        }
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        notices.install(on: handle)
        opened.resume(returning: .success(()))
        while true {
            switch inbox.next() {
            case .execute(let script, let continuation):
                continuation.resume(returning: execute(script, on: handle))
            case .copyOut(let statement, let receive, let continuation):
                continuation.resume(returning: Result { try copyOut(statement, on: handle, to: receive) })
            case .close(let continuation):
                refuse(inbox.close())
                continuation?.resume()
                return
            }
        }
    }

    private static func refuse(_ jobs: [ScriptJob]) {
        let error = PostgresError(code: .closed, outcome: .notSent, message: "the connection is closed")
        for job in jobs {
            switch job {
            case .close(let continuation): continuation?.resume()
            case .execute(_, let continuation): continuation.resume(returning: .failure(error))
            case .copyOut(_, _, let continuation): continuation.resume(returning: .failure(error))
            }
        }
    }

    /// Connects with verbose errors, for the SQLSTATE in them.
    private static func connect(
        _ keywords: UnsafePointer<UnsafePointer<CChar>?>,
        _ values: UnsafePointer<UnsafePointer<CChar>?>
    ) -> OpaquePointer? {
        guard let handle = PQconnectStartParams(keywords, values, 0) else { return nil }
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        var status = PGRES_POLLING_WRITING
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING, deadline > .now {
            let events = Int16(status == PGRES_POLLING_READING ? POLLIN : POLLOUT)
            var polled = pollfd(fd: PQsocket(handle), events: events, revents: 0)
            // 1 s at a time, so that the deadline is seen.
            if poll(&polled, 1, 1_000) > 0 { status = PQconnectPoll(handle) }
        }
        return handle
    }

    private static func execute(
        _ script: String,
        on handle: OpaquePointer
    ) -> Result<[PostgresScriptResult], PostgresError> {
        guard PQsendQuery(handle, script) == 1 else {
            return .failure(
                PostgresError(code: .connectionLost, outcome: .notSent, message: ServerReply.message(of: handle))
            )
        }
        var results: [PostgresScriptResult] = []
        var failure: PostgresError?
        while let result = PQgetResult(handle) {
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                let complete = PostgresResult(owning: result)
                results.append(PostgresScriptResult(commandTag: complete.commandTag, rows: complete.textRows()))
                continue
            case PGRES_FATAL_ERROR:
                failure = failure ?? ServerReply.error(of: result)
            default:
                let message = "COPY is not supported here"
                failure = failure ?? PostgresError(code: .protocolViolation, outcome: .unknown, message: message)
                endCopy(on: handle, message)
            }
            PQclear(result)
        }
        guard var failure else { return .success(results) }
        let isLost = PQstatus(handle) == CONNECTION_BAD
        let hasCommitted = results.contains { $0.commandTag == "COMMIT" }
        failure.outcome = isLost || hasCommitted ? .unknown : .rolledBack
        return .failure(failure)
    }

    private static func copyOut(
        _ statement: String,
        on handle: OpaquePointer,
        to receive: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard PQsendQuery(handle, statement) == 1 else {
            throw PostgresError(code: .connectionLost, outcome: .notSent, message: ServerReply.message(of: handle))
        }
        var failure: (any Error)?
        while let result = PQgetResult(handle) {
            switch PQresultStatus(result) {
            case PGRES_COPY_OUT:
                var data: UnsafeMutablePointer<CChar>?
                while case let count = PQgetCopyData(handle, &data, 0), count > 0 {
                    if failure == nil {
                        do {
                            try receive(UnsafeRawBufferPointer(start: data, count: Int(count)))
                        } catch {
                            failure = error
                        }
                    }
                    PQfreemem(data)
                }
            case PGRES_COMMAND_OK: break
            case PGRES_FATAL_ERROR: failure = failure ?? ServerReply.error(of: result)
            default:
                let message = "only COPY … TO STDOUT is supported here"
                failure = failure ?? PostgresError(code: .protocolViolation, outcome: .unknown, message: message)
                endCopy(on: handle, message)
            }
            PQclear(result)
        }
        if let failure { throw failure }
    }

    /// Refuses what a COPY wants, and throws away what it gives.
    private static func endCopy(on handle: OpaquePointer, _ message: String) {
        PQputCopyEnd(handle, message)
        var row: UnsafeMutablePointer<CChar>?
        while PQgetCopyData(handle, &row, 0) > 0 { PQfreemem(row) }
    }
}
