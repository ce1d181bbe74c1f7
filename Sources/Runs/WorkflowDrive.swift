import Ledger
import Registry
import Synchronization
import Workflows

/// One run of a workflow while this process goes on with it: begins every node whose sources have ended, many at once, and
/// says how the run stands when no more can begin.
///
/// A model node is a run with a hold of its own, under an id that follows from its place: whoever begins it again finds it
/// begun. What an HTTP Request node got is written to the run's task before anything depends on it.
final class WorkflowDrive: Sendable {
    /// Nodes of one run that may go on at once.
    static let width = 16
    /// From one look at a node that another process runs to the next.
    private static let lookAgain = Duration.milliseconds(500)

    private let service: RunService
    private let store: any WorkflowStore
    private let tasks: any RunTaskStore
    private let runner: TaskRunner
    private let caller: (any WorkflowCaller)?
    private let graph: WorkflowGraph
    private let models: ModelRegistry
    private let inputs: JSONValue
    /// Nodes that were held before this process went on with the run.
    private let heldBefore: [String: ExecutionID]
    private let state: Mutex<State>

    private struct State {
        var task: RunTask
        var notes: CallNotes
        /// The latest write of the task. Each waits for the one before: what an earlier one knew must not stand in the end.
        var write: Task<Bool, Never>?
    }

    /// How a run stands when nothing more can be done now.
    enum Stand: Sendable {
        /// Every node has ended, and this is the result.
        case succeeded(JSONValue)
        /// Every node that could begin has ended, and there is no result.
        case failed(String)
        /// It is not known how some node ended.
        case unresolved
        /// The process stops, or has lost the run to another one.
        case interrupted
    }

    init?(
        _ task: RunTask,
        _ graph: WorkflowGraph,
        inputs: JSONValue,
        heldBefore: [NodeRecord],
        in service: RunService
    ) {
        guard let store = service.workflows, let tasks = service.tasks, let runner = service.runner else { return nil }
        self.service = service
        self.store = store
        self.tasks = tasks
        self.runner = runner
        self.caller = service.caller
        self.graph = graph
        self.models = service.models.current
        self.inputs = inputs
        self.heldBefore = Dictionary(
            heldBefore.map { ($0.node.place.node, $0.execution.id) },
            uniquingKeysWith: { first, _ in first }
        )
        self.state = Mutex(State(task: task, notes: CallNotes(task.pending)))
    }

    private var facts: RunTask.Facts { state.withLock(\.task.facts) }

    /// Goes on until no more can be done now.
    func advance() async -> Stand {
        var progress = WorkflowProgress(graph, inputs: inputs)
        let beginsNothing = state.withLock(\.notes.beginsNothing)
        await withTaskGroup(of: (String, WorkflowProgress.NodeEnd).self) { group in
            var running = 0
            func begin() {
                for node in progress.begin(atMost: Self.width - running) {
                    let results = progress.results
                    let mayBegin = !beginsNothing || heldBefore[node.id] != nil
                    running += 1
                    group.addTask { [self] in
                        (node.id, mayBegin ? await run(node, results) : .failed("was not begun"))
                    }
                }
            }
            begin()
            while let (id, end) = await group.next() {
                running -= 1
                progress.ended(id, end)
                begin()
            }
        }
        if progress.isInterrupted { return .interrupted }
        if !progress.unresolved.isEmpty { return .unresolved }
        if let result = graph.result(from: progress.results, models: models) { return .succeeded(result) }
        return .failed(progress.failureMessage)
    }

    private func run(
        _ node: WorkflowNode,
        _ results: [String: [String: JSONValue]]
    ) async -> WorkflowProgress.NodeEnd {
        switch node.kind {
        case .list: return .done(["items": .array(graph.items(of: node.id, from: results, models: models))])
        case .httpRequest:
            guard let call = graph.call(of: node.id, from: results, models: models) else { return .failed("is gone") }
            return await send(call, node.id)
        case .model(let name, _):
            if let held = heldBefore[node.id] { return await end(of: held) }
            guard let inputs = graph.modelInputs(of: node.id, from: results, models: models) else {
                return .failed("there is no enabled model \(name)")
            }
            return await run(name, inputs, node.id)
        case .requestInput, .responseOutput, .other: return .done([:])
        }
    }

    // MARK: Model nodes

    private func run(_ model: String, _ inputs: JSONValue, _ node: String) async -> WorkflowProgress.NodeEnd {
        let facts = facts
        let place = NodePlace(run: facts.executionID, node: node)
        var backoff = Duration.milliseconds(50)
        while true {
            var request = RunRequest(
                id: facts.requestID ?? RequestID(service.identifiers.next()),
                identity: KeyAuthenticator.Identity(accountID: facts.accountID, keyID: facts.keyID),
                slug: model,
                body: JSONValue.object(["inputs": inputs]).canonicalBytes,
                isAsync: false,
                receivedAt: .now
            )
            request.place = place
            switch await service.run(request) {
            case .succeeded(let success): return .done(success.result.objectValue ?? [:])
            case .failed(let failure):
                guard failure.isUnresolved else { return .failed(failure.message) }
                return service.isInterrupted ? .interrupted : .unresolved
            case .inFlight(let id): return await end(of: id)
            case .refused(let refusal, let issues, _): return .failed(Self.words(refusal, issues))
            case .unavailable:
                if service.isInterrupted || Task.isCancelled { return .interrupted }
                try? await Task.sleep(for: backoff)
                backoff = min(backoff * 2, .seconds(2))
            case .accepted, .recorded, .invalidWorkflow:
                preconditionFailure("a node's run is neither asynchronous nor keyed")
            }
        }
    }

    /// Waits for the end of a node that was begun before, by whichever process.
    private func end(of id: ExecutionID) async -> WorkflowProgress.NodeEnd {
        let watcher = service.signals.watch(id)
        let facts = facts
        while !service.isInterrupted, !Task.isCancelled {
            let record = try? await store.nodes(of: facts.executionID, account: facts.accountID)
                .first { $0.execution.id == id }
            if let record {
                switch record.execution.status {
                case .succeeded:
                    guard let text = record.report?.result, let result = try? JSONValue(text: text) else {
                        return .failed("was charged, and its result is not kept")
                    }
                    return .done(result.objectValue ?? [:])
                case .failed, .cancelled:
                    return .failed(record.report?.errorMessage ?? "ended without a result")
                case .unresolved: return .unresolved
                case .admitted, .submitted: break
                }
            }
            await watcher.wait(atMost: Self.lookAgain)
        }
        return .interrupted
    }

    private static func words(_ refusal: Refusal, _ issues: [InputIssue]) -> String {
        switch refusal {
        case .invalidInputs:
            let list = issues.map { "\($0.path) \($0.message)" }.joined(separator: ", ")
            return "the inputs do not fit the model: \(list)"
        case .insufficientCredits(let required, let available):
            return "\(refusal.code): the run may cost \(required) credits, and \(available) are available"
        case .executionNotCancellable: return "the workflow was cancelled before it"
        default: return refusal.code
        }
    }

    // MARK: HTTP Request nodes

    /// Sends a call once. One that may have been sent before is sent again only if that changes nothing for whoever gets it.
    private func send(_ call: HTTPCall, _ node: String) async -> WorkflowProgress.NodeEnd {
        guard let caller else { return .failed("this service sends no HTTP requests") }
        let before = state.withLock { state in
            let before = state.notes.calls[node]
            if before == nil { state.notes.calls[node] = .sending }
            return before
        }
        switch before {
        case .ended(let end): return Self.nodeEnd(end)
        case .sending where call.method != "GET":
            return .failed("may have been sent already, and is not sent again")
        case .sending, nil: break
        }
        guard await keepNotes() else { return .interrupted }
        let end = await caller.call(call)
        // A call that was broken off says nothing of the address.
        if Task.isCancelled || service.isInterrupted, case .failed = end { return .interrupted }
        state.withLock { $0.notes.calls[node] = .ended(end) }
        guard await keepNotes() else { return .interrupted }
        return Self.nodeEnd(end)
    }

    private static func nodeEnd(_ end: CallEnd) -> WorkflowProgress.NodeEnd {
        switch end {
        case .failed(let reason): return .failed(reason)
        case .answered(let status, let body):
            guard status < 400 else { return .failed("the address answered with status \(status)") }
            return .done(["status": .integer(Int64(status)), "body": body])
        }
    }

    /// Writes what is known of calls to the task, which this process keeps.
    ///
    /// - Returns: whether this process still has the task.
    private func keepNotes() async -> Bool {
        await put(isLetGo: false, nextActionAt: runner.claimEnd)
    }

    // MARK: The task

    /// Lets the task be had by others from a moment on.
    ///
    /// - Parameter beginsNothing: whether no more nodes shall begin: whoever asked was told how the run stands.
    func letGo(until next: Timestamp, beginsNothing: Bool) async {
        state.withLock { state in
            if beginsNothing { state.notes.beginsNothing = true }
            state.task.attempts += 1
        }
        _ = await put(isLetGo: true, nextActionAt: next)
    }

    private func put(isLetGo: Bool, nextActionAt: Timestamp) async -> Bool {
        let write = state.withLock { state in
            let before = state.write
            let write = Task { [self] in
                _ = await before?.value
                return await self.write(isLetGo: isLetGo, nextActionAt: nextActionAt)
            }
            state.write = write
            return write
        }
        return await write.value
    }

    private func write(isLetGo: Bool, nextActionAt: Timestamp) async -> Bool {
        var backoff = Duration.milliseconds(50)
        while true {
            let task = state.withLock { state in
                // Begun: a wish to cancel must not find it as one that never was.
                state.task.state = .polling
                state.task.pending = state.notes.text
                return state.task
            }
            do throws(LedgerFailure) {
                return try await tasks.putTask(
                    task,
                    by: service.instance,
                    callbackDigest: nil,
                    nextActionAt: nextActionAt,
                    isLetGo: isLetGo
                ) != nil
            } catch {
                if service.isInterrupted { return false }
                try? await Task.sleep(for: backoff)
                backoff = min(backoff * 2, .seconds(2))
            }
        }
    }
}

/// What a workflow's task notes beside the ledger: its HTTP Request nodes' calls, as JSON in the task's row.
struct CallNotes: Hashable, Sendable {
    enum Call: Hashable, Sendable {
        /// It may have been sent.
        case sending
        case ended(CallEnd)
    }

    var calls: [String: Call] = [:]
    /// Whether no more nodes shall begin.
    var beginsNothing = false

    init(_ text: String?) {
        guard let json = text.flatMap({ try? JSONValue(text: $0) }) else { return }
        beginsNothing = json["beginsNothing"]?.boolValue ?? false
        for (node, call) in json["calls"]?.objectValue ?? [:] {
            if let status = call["status"]?.integerValue {
                calls[node] = .ended(.answered(status: Int(status), body: call["body"] ?? .null))
            } else if let reason = call["failure"]?.stringValue {
                calls[node] = .ended(.failed(reason))
            } else {
                calls[node] = .sending
            }
        }
    }

    var text: String {
        let list = calls.mapValues { (call) -> JSONValue in
            switch call {
            case .sending: .object([:])
            case .ended(.answered(let status, let body)): .object(["status": .integer(Int64(status)), "body": body])
            case .ended(.failed(let reason)): .object(["failure": .string(reason)])
            }
        }
        return JSONValue.object(["calls": .object(list), "beginsNothing": .bool(beginsNothing)]).description
    }
}
