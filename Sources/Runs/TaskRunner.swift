import Ledger
import Registry
import Synchronization
import Traces

/// Does one step of a task at a time: asks the provider, and records what came of it.
///
/// Nothing is sent before the task says so durably, and nothing is recorded under a claim that was lost.
final class TaskRunner: Sendable {
    /// How long a claim lasts unless it is renewed, and how many steps may go on at once.
    struct Limits: Hashable, Sendable {
        var claim = Duration.seconds(30)
        var steps = 256
    }

    let instance: Int64
    let limits: Limits
    let machine: RunTaskMachine
    private let ledger: any RunLedger
    private let tasks: any RunTaskStore
    private let provider: any ModelProvider
    private let media: any MediaKeeper
    private let identifiers: IdentifierSource
    private let clock: @Sendable () -> Timestamp
    private let callbackBase: String?
    private let observer: any RunObserver
    private let signals: RunSignals
    private let hints: RunSignals
    private let model: @Sendable (String, Int32) async throws(LedgerFailure) -> ModelDefinition?
    private let state = Mutex(State())

    private struct State {
        var steps = 0
        var held: [ExecutionID: Int] = [:]
        var isStopped = false
    }

    init(
        instance: Int64,
        limits: Limits,
        machine: RunTaskMachine,
        parts: Parts
    ) {
        self.instance = instance
        self.limits = limits
        self.machine = machine
        self.ledger = parts.ledger
        self.tasks = parts.tasks
        self.provider = parts.provider
        self.media = parts.media
        self.identifiers = parts.identifiers
        self.clock = parts.clock
        self.callbackBase = parts.callbackBase
        self.observer = parts.observer
        self.signals = parts.signals
        self.hints = parts.hints
        self.model = parts.model
    }

    /// What a runner works with.
    struct Parts {
        let ledger: any RunLedger
        let tasks: any RunTaskStore
        let provider: any ModelProvider
        let media: any MediaKeeper
        let identifiers: IdentifierSource
        let clock: @Sendable () -> Timestamp
        let callbackBase: String?
        let observer: any RunObserver
        let signals: RunSignals
        let hints: RunSignals
        let model: @Sendable (String, Int32) async throws(LedgerFailure) -> ModelDefinition?
    }

    // MARK: Room and claims

    /// Takes room for one step; false when as many go on as may.
    func takeRoom() -> Bool {
        state.withLock { state in
            guard state.steps < limits.steps, !state.isStopped else { return false }
            state.steps += 1
            return true
        }
    }

    func giveRoom() { state.withLock { $0.steps -= 1 } }

    /// Steps that may begin now.
    var room: Int { state.withLock { $0.isStopped ? 0 : limits.steps - $0.steps } }

    /// Stops recording what the ledger can't take; whoever finds the claim run out goes on.
    func stop() { state.withLock { $0.isStopped = true } }

    private var isStopped: Bool { state.withLock(\.isStopped) }

    /// Notes that this process has a task, so that its claim is renewed.
    func hold(_ execution: ExecutionID) { state.withLock { $0.held[execution, default: 0] += 1 } }

    func release(_ execution: ExecutionID) {
        state.withLock { state in
            let count = state.held[execution, default: 0] - 1
            state.held[execution] = count > 0 ? count : nil
        }
    }

    /// The wall clock.
    var now: Timestamp { clock() }

    /// When a claim that is made now runs out.
    var claimEnd: Timestamp { clock().adding(milliseconds: limits.claim.wholeMilliseconds) }

    /// Prolongs every claim of this process.
    func renew() async throws(LedgerFailure) {
        let held = state.withLock { Array($0.held.keys) }
        guard !held.isEmpty else { return }
        // Callbacks that another process took for runs that this one polls.
        for hinted in try await tasks.renewTasks(held, by: instance, until: claimEnd) { hints.signal(hinted) }
    }

    func claim(_ limit: Int) async throws(LedgerFailure) -> [RunTask] {
        try await tasks.claimTasks(limit: limit, by: instance, until: claimEnd)
    }

    // MARK: Steps

    /// Does the next step of a task that this process has.
    ///
    /// - Parameter isMarked: whether the task was inserted as being sent by this process, which has not sent it yet.
    /// - Returns: the provider's id, if this step has learned it.
    @discardableResult
    func advance(_ task: RunTask, isMarked: Bool = false, token: CallbackToken? = nil) async -> String? {
        hold(task.facts.executionID)
        defer { release(task.facts.executionID) }
        return await TraceContext.$current.withValue(task.trace) {
            await step(task, isMarked: isMarked, token: token)
        }
    }

    private func step(_ task: RunTask, isMarked: Bool, token: CallbackToken?) async -> String? {
        let step = isMarked ? .submit : machine.step(task, now: clock())
        if case .conclude(let conclusion) = step {
            return await conclude(conclusion, task)
        }
        let definition: ModelDefinition?
        do throws(LedgerFailure) {
            definition = try await model(task.facts.model, task.facts.definitionVersion)
        } catch {
            // Another version must not take its place, only because the ledger can't be asked now.
            observer.workDelayed(error)
            return await conclude(.wait(task, until: clock().adding(milliseconds: 1_000)), task)
        }
        guard let work = Work(task, definition: definition) else {
            // The definition is gone, or no longer takes the inputs: the run's policy ends it.
            return await conclude(.wait(task, until: clock().adding(milliseconds: 60_000)), task)
        }
        switch step {
        case .submit: return await submit(task, work, isMarked: isMarked, token: token)
        case .poll(let handle):
            let outcome = await provider.poll(request(task, work), handle)
            return await conclude(machine.polled(outcome, task, work.pricing, now: clock()), task)
        case .cancel(let handle):
            let outcome = await provider.cancel(request(task, work), handle)
            return await conclude(machine.cancelled(outcome, task, work.pricing, now: clock()), task)
        case .lookUp:
            let outcome = await provider.lookUp(request(task, work))
            return await conclude(machine.lookedUp(outcome, task, now: clock()), task)
        case .keep(let result): return await keep(result, task)
        case .conclude: return nil
        }
    }

    /// The definition and inputs of a task, as its provider needs them.
    private struct Work {
        let definition: ModelDefinition
        let inputs: ValidatedInputs
        let pricing: RunPricing

        init?(_ task: RunTask, definition: ModelDefinition?) {
            guard let definition, let poll = definition.provider.poll,
                let json = try? JSONValue(text: task.facts.inputs),
                case .valid(let inputs) = definition.validate(json)
            else { return nil }
            self.definition = definition
            self.inputs = inputs
            let (quote, isSame) = (task.facts.quote, definition.version == task.facts.definitionVersion)
            self.pricing = RunPricing(schedule: poll.schedule, retries: definition.provider.limits.retries) { usage in
                // Another version's price is not what was quoted.
                guard isSame else { return quote }
                // A usage report that no amount can hold can't lower the price: the customer pays the quote at most.
                return (try? definition.actualCost(inputs, delivered: usage)) ?? quote
            }
        }
    }

    private func request(_ task: RunTask, _ work: Work, callback: CallbackToken? = nil) -> DispatchRequest {
        // Beyond the deadline of the run there is still time to ask about it.
        let left = max(clock().duration(to: task.facts.deadlineAt), callback == nil ? .seconds(30) : .zero)
        return DispatchRequest(
            executionID: task.facts.executionID,
            model: work.definition,
            inputs: work.inputs,
            deadline: .now.advanced(by: left),
            callbackURL: callback.flatMap { token in callbackBase.map { $0 + token.text } },
            // Only a submit that was not accepted leaves a failure behind, and counts as an attempt if it was a retry.
            history: SubmitHistory(isFirst: task.pending == nil, retryCount: Int(task.attempts))
        )
    }

    private func submit(_ task: RunTask, _ work: Work, isMarked: Bool, token: CallbackToken?) async -> String? {
        var task = task
        let token = token ?? CallbackToken(for: task.facts.executionID)
        if !isMarked {
            task.state = .submitting
            let mark = task
            let marked = await recorded(task) { [self] () async throws(LedgerFailure) in
                try await tasks.putTask(
                    mark,
                    by: instance,
                    callbackDigest: token.digest,
                    nextActionAt: claimEnd,
                    isLetGo: false
                )
            }
            guard let marked, marked != nil else { return nil }
        }
        let outcome = await provider.submit(request(task, work, callback: token))
        return await conclude(machine.submitted(outcome, task, work.pricing, now: clock()), task)
    }

    private func keep(_ result: PricedResult, _ task: RunTask) async -> String? {
        let left = min(max(clock().duration(to: result.keepUntil), .seconds(5)), .seconds(120))
        let outcome: Result<JSONValue, MediaFailure>
        do throws(MediaFailure) {
            let kept = try await media.keep(
                result.result,
                of: task.facts.executionID,
                deadline: .now.advanced(by: left)
            )
            outcome = .success(kept)
        } catch {
            outcome = .failure(error)
        }
        return await conclude(machine.kept(outcome, result, task, now: clock()), task)
    }

    // MARK: Records

    private func conclude(_ conclusion: RunTaskMachine.Conclusion, _ task: RunTask) async -> String? {
        switch conclusion {
        case .wait(let next, let until):
            // A result that came just now is worked on at once; a process that dies meanwhile is told it again.
            if next.state == .keeping, task.state != .keeping, until <= clock(),
                let result = PendingOutcome(next.pending)?.result
            {
                return await keep(result, next)
            }
            await put(next, until: until)
        case .accepted(let work, let firstPollAt):
            let submission = RecordSubmission(
                executionID: task.facts.executionID,
                providerRequestID: work.id.asProviderRequestID,
                task: RecordSubmission.Polling(links: work.linksText, firstPollAt: firstPollAt)
            )
            _ = await decide(.recordSubmission(submission), task)
            return submission.providerRequestID
        case .unresolved(let next, let reason, let until):
            let settlement = SettleRun(
                executionID: task.facts.executionID,
                outcome: .unresolved(reason: reason.rawValue),
                providerRequestID: next.providerRequestID
            )
            _ = await decide(.settleRun(settlement), task)
            await put(next, until: until)
        case .ended(let end):
            let milliseconds = task.facts.admittedAt.duration(to: clock()).wholeMilliseconds
            var settlement = SettleRun(
                end,
                of: task.facts.executionID,
                milliseconds: milliseconds,
                providerRequestID: task.providerRequestID,
                task: .ends
            )
            settlement.trace = task.facts.trace
            let verdict = await decide(.settleRun(settlement), task)
            if case .refused = verdict { observer.settlementRefused(task.facts.executionID) }
            signals.signal(task.facts.executionID)
        }
        return nil
    }

    private func put(_ task: RunTask, until next: Timestamp) async {
        _ = await recorded(task) { [self] () async throws(LedgerFailure) in
            try await tasks.putTask(task, by: instance, callbackDigest: nil, nextActionAt: next, isLetGo: true)
        }
    }

    private func decide(_ action: Command.Action, _ task: RunTask) async -> Verdict? {
        let command = Command(
            id: identifiers.command(),
            accountID: task.facts.accountID,
            requestID: task.facts.requestID,
            action: action
        )
        return await recorded(task) { [self] () async throws(LedgerFailure) in try await ledger.decide(command) }
    }

    /// Records something, however long the ledger takes; only the end of the process stops it.
    private func recorded<Value: Sendable>(
        _ task: RunTask,
        _ record: @Sendable () async throws(LedgerFailure) -> Value
    ) async -> Value? {
        var backoff = Duration.milliseconds(50)
        while true {
            do throws(LedgerFailure) {
                return try await record()
            } catch {
                observer.settlementDelayed(task.facts.executionID, error)
                if isStopped { return nil }
                // Not cancellable: a drain waits for what came of the step.
                let pause = backoff
                await Task { try? await Task.sleep(for: pause) }.value
                backoff = min(backoff * 2, .seconds(2))
            }
        }
    }
}

extension RunTask {
    /// The trace that what is done for the run belongs to, whichever process does it.
    var trace: TraceContext? { facts.trace.flatMap { TraceContext($0) } }
}
