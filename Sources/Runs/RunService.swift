public import Ledger
public import Registry
import Synchronization

/// The use case: admit, dispatch, settle, answer.
///
/// Nothing is dispatched before its hold is durable, nothing is answered before its outcome is durable, and a caller that
/// hangs up stops neither the run nor its accounting. The caller of an asynchronous run is answered once the hold is
/// durable; the run goes on in this process or, through its task, in another.
public final class RunService: Sendable {
    /// The largest body of a request, in bytes.
    public static let largestBodyBytes = 1 << 20

    /// How long the answer to an asynchronous request waits for the provider's id.
    public static let providerIDWait = Duration.milliseconds(300)

    /// What the use case needs besides a ledger, a provider and models, and how it is bounded.
    public struct Options: Sendable {
        /// Where runs' tasks are; nil when no run has one, and none can be asynchronous.
        public var tasks: (any RunTaskStore)?
        /// Copies media of results before runs are settled.
        public var media: any MediaKeeper = PassThroughMedia()
        /// The service's own address as providers reach it, without a slash at its end; nil when they can't.
        public var publicURL: String?
        /// Steps of tasks that may go on at once in this process.
        public var steps = 256
        /// How long a task is this process's alone unless it says so again.
        public var claim = Duration.seconds(30)
        /// The defaults.
        public init() {}
    }

    /// The process, as executions name it.
    public let instance: Int64
    let ledger: any RunLedger
    let identifiers: IdentifierSource
    let tasks: (any RunTaskStore)?
    let runner: TaskRunner?
    let observer: any RunObserver
    let signals = EndSignals()
    let alarm = Alarm()
    private let provider: any ModelProvider
    private let media: any MediaKeeper
    private let registry: RegistryBox
    private let callbackBase: String?
    private let work = Mutex(Work())
    private let steps = StepBag()

    /// What goes on in tasks of its own.
    private struct Work {
        var runs: [ExecutionID: Task<RunAnswer, Never>] = [:]
        /// Holds that are given back after their callers were answered.
        var releases: [ExecutionID: Task<Void, Never>] = [:]
        var isInterrupted = false

        var count: Int { runs.count + releases.count }
    }

    /// Makes the use case.
    ///
    /// - Parameters:
    ///   - ledger: decides and records.
    ///   - provider: has runs done.
    ///   - registry: the models.
    ///   - instance: this process, among those that dispatch runs of the ledger.
    ///   - clock: the wall clock, for identifiers and tasks.
    ///   - observer: hears of what an operator should know.
    ///   - options: what else it needs, and its bounds.
    public init(
        ledger: any RunLedger,
        provider: any ModelProvider,
        registry: ModelRegistry,
        instance: Int64,
        clock: @escaping @Sendable () -> Timestamp,
        observer: any RunObserver,
        options: Options = Options()
    ) {
        let identifiers = IdentifierSource(clock: clock)
        let box = RegistryBox(registry)
        let callbackBase = options.publicURL.map { $0 + "/api/callbacks/" }
        self.ledger = ledger
        self.provider = provider
        self.registry = box
        self.instance = instance
        self.identifiers = identifiers
        self.observer = observer
        self.tasks = options.tasks
        self.media = options.media
        self.callbackBase = callbackBase
        self.runner = options.tasks.map { [signals] tasks in
            TaskRunner(
                instance: instance,
                limits: TaskRunner.Limits(claim: options.claim, steps: options.steps),
                machine: RunTaskMachine(),
                parts: TaskRunner.Parts(
                    ledger: ledger,
                    tasks: tasks,
                    provider: provider,
                    media: options.media,
                    identifiers: identifiers,
                    clock: clock,
                    callbackBase: callbackBase,
                    observer: observer,
                    signals: signals,
                    model: { box.model(named: $0) }
                )
            )
        }
    }

    /// Runs under way in this process, and holds that are being given back.
    public var underWayCount: Int { work.withLock(\.count) + steps.count }

    /// The enabled model with a name; nil when there is none.
    func model(named name: String) -> ModelDefinition? { registry.model(named: name) }

    /// Has this process's worker look for due tasks now.
    func wakeWorker() { alarm.ring() }

    /// Runs a model for whoever asks, and returns when there is a durable answer.
    ///
    /// The work goes on in a task of its own, so that a caller that was cancelled changes nothing about it. After
    /// `drain(grace:)` has interrupted what was under way, the answer is `unavailable(.overloaded)`.
    public func run(_ request: RunRequest) async -> RunAnswer {
        let preflight = RunPreflight(request, registry: registry.all, canWait: runner != nil)
        let executionID = ExecutionID(identifiers.next(in: ledger.journal(of: request.identity.accountID)))
        let task: Task<RunAnswer, Never>? = work.withLock { work in
            guard !work.isInterrupted else { return nil }
            let task = Task { await perform(request, preflight, executionID) }
            work.runs[executionID] = task
            return task
        }
        guard let task else { return .unavailable(.overloaded) }
        let answer = await task.value
        work.withLock { $0.runs[executionID] = nil }
        return answer
    }

    /// Waits until no run is under way, then takes no more.
    ///
    /// - Parameter grace: after which runs that wait for a provider are recorded as unresolved. A drain that is cancelled
    ///   waits no longer.
    public func drain(grace: Duration) async {
        let end = ContinuousClock.now.advanced(by: grace)
        while underWayCount > 0, ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(20))
        }
        let runs = work.withLock { work in
            work.isInterrupted = true
            return Array(work.runs.values)
        }
        for run in runs { run.cancel() }
        for run in runs { _ = await run.value }
        await steps.finish(grace: .zero, runner: runner)
        let releases = work.withLock { Array($0.releases.values) }
        for release in releases { release.cancel() }
        for release in releases { await release.value }
    }

    private func perform(
        _ request: RunRequest,
        _ preflight: RunPreflight,
        _ executionID: ExecutionID
    ) async -> RunAnswer {
        let plan = plan(request, preflight, executionID)
        var isPassedOn = false
        defer { if !isPassedOn { plan?.giveUp() } }
        let run = AdmitRun(
            executionID: executionID,
            keyID: request.identity.keyID,
            model: preflight.model,
            inputsDigest: preflight.digest,
            preflight: preflight.outcome,
            isAsync: request.isAsync,
            instance: instance,
            task: plan?.draft
        )
        let verdict: Verdict
        do throws(LedgerFailure) {
            verdict = try await ledger.decide(command(request, .admitRun(run)))
        } catch {
            if case .unavailable(mayHaveHappened: true, _) = error { release(request, executionID) }
            return .unavailable(error)
        }
        switch verdict {
        case .refused(let refusal, let window): return .refused(refusal, issues: preflight.issues, window: window)
        case .admitted(let admission):
            guard let definition = preflight.definition, let inputs = preflight.inputs else {
                preconditionFailure("a run was admitted without a price")
            }
            // Interrupted while the ledger decided.
            guard !Task.isCancelled else {
                release(request, executionID)
                return .unavailable(.overloaded)
            }
            if request.isAsync, let plan {
                isPassedOn = true
                return await goOn(plan, request, preflight, admission)
            }
            let dispatch = DispatchRequest(
                executionID: executionID,
                model: definition,
                inputs: inputs,
                deadline: .now.advanced(by: .seconds(definition.deadlineSeconds)),
                callbackURL: plan.flatMap { plan in callbackBase.map { $0 + plan.token.text } }
            )
            return await carryOut(dispatch, for: request, admission, hasTask: plan != nil)
        case .alreadyAdmitted:
            // Only this task dispatches the run, and it has not.
            release(request, executionID)
            return .unavailable(.unavailable(mayHaveHappened: true, reason: "the run was admitted before"))
        default: preconditionFailure("an admission was answered with \(verdict)")
        }
    }

    private func carryOut(
        _ dispatch: DispatchRequest,
        for request: RunRequest,
        _ admission: Admission,
        hasTask: Bool
    ) async -> RunAnswer {
        let outcome = await provider.run(dispatch) { [self] work in
            let submission = RecordSubmission(
                executionID: dispatch.executionID,
                providerRequestID: work.id.asProviderRequestID,
                task: hasTask ? RecordSubmission.Polling(links: work.linksText, firstPollAt: nil) : nil
            )
            // A note for whoever resolves the run should this process die; the run goes on without it.
            _ = try? await ledger.decide(command(request, .recordSubmission(submission)))
        }
        let ending = await ending(of: outcome, dispatch)
        let duration = request.receivedAt.duration(to: .now)
        let settlement = RunSettlement(ending, of: dispatch.executionID, duration: duration, hasTask: hasTask)
        let settled = await settle(command(request, .settleRun(settlement.command)), dispatch.executionID)
        return settlement.answer(settled, admission, duration: request.receivedAt.duration(to: .now))
    }

    /// A dispatch's outcome with its media in storage of our own.
    private func ending(of outcome: DispatchOutcome, _ dispatch: DispatchRequest) async -> RunEnding {
        switch outcome {
        case .failed(let failure): return .ended(.failed(failure))
        case .unresolved(let reason, let id): return .unresolved(reason, providerRequestID: id)
        case .succeeded(let success):
            // A usage report that no amount can hold can't lower the price: the customer pays the quote at most.
            let cost =
                (try? dispatch.model.actualCost(dispatch.inputs, delivered: success.usage))
                ?? (try? dispatch.model.quote(dispatch.inputs).amount) ?? .zero
            var result = PricedResult(success, cost: cost, keepUntil: Timestamp(microseconds: 0))
            do throws(MediaFailure) {
                let deadline = max(dispatch.deadline, .now.advanced(by: .seconds(60)))
                result.result = try await media.keep(success.result, of: dispatch.executionID, deadline: deadline)
                return .ended(.succeeded(result))
            } catch {
                return .ended(error.isTransient ? .mediaUnavailable(result) : .mediaRefused(result))
            }
        }
    }

    /// Settles, however long the ledger takes; only the end of the process stops it.
    private func settle(_ command: Command, _ executionID: ExecutionID) async -> Execution? {
        var backoff = Duration.milliseconds(50)
        while true {
            do throws(LedgerFailure) {
                if case .settled(let settlement) = try await ledger.decide(command) {
                    signals.ended(executionID)
                    return settlement.execution
                }
                observer.settlementRefused(executionID)
                return nil
            } catch {
                observer.settlementDelayed(executionID, error)
                if work.withLock(\.isInterrupted) { return nil }
                try? await Task.sleep(for: backoff)
                backoff = min(backoff * 2, .seconds(2))
            }
        }
    }

    /// Gives back a hold that may have been made for a run that was certainly never dispatched.
    private func release(_ request: RunRequest, _ executionID: ExecutionID) {
        let outcome = RunOutcome.failed(code: "NEVER_DISPATCHED", durationMilliseconds: 0)
        let settlement = SettleRun(executionID: executionID, outcome: outcome, providerRequestID: nil)
        work.withLock { work in
            work.releases[executionID] = Task {
                _ = await settle(command(request, .settleRun(settlement)), executionID)
                self.work.withLock { $0.releases[executionID] = nil }
            }
        }
    }

    func command(_ request: RunRequest, _ action: Command.Action) -> Command {
        Command(
            id: identifiers.command(),
            accountID: request.identity.accountID,
            requestID: request.id,
            action: action
        )
    }
}

/// Runs of providers that are polled: they have a task, so that any process can go on with them.
extension RunService {
    /// What is settled about a run's task before the ledger is asked.
    private final class Plan: Sendable {
        let draft: RunTaskDraft
        let token: CallbackToken
        let runner: TaskRunner
        /// Whether the run is sent by this process as soon as it is admitted.
        let hasRoom: Bool
        private let isGivenUp = Mutex(false)

        init(draft: RunTaskDraft, token: CallbackToken, runner: TaskRunner, hasRoom: Bool) {
            self.draft = draft
            self.token = token
            self.runner = runner
            self.hasRoom = hasRoom
            runner.hold(token.executionID)
        }

        /// Lets the claim, and the room for a step, be used by others. Once is enough.
        func giveUp() {
            let isFirst = isGivenUp.withLock { isGivenUp in
                defer { isGivenUp = true }
                return !isGivenUp
            }
            guard isFirst else { return }
            runner.release(token.executionID)
            if hasRoom { runner.giveRoom() }
        }
    }

    private func plan(_ request: RunRequest, _ preflight: RunPreflight, _ executionID: ExecutionID) -> Plan? {
        guard let runner, let definition = preflight.definition, let inputs = preflight.inputs,
            definition.supportsAsync
        else { return nil }
        // One that the caller waits for needs no room: its caller's connection is the bound.
        let hasRoom = request.isAsync && runner.takeRoom()
        let token = CallbackToken(for: executionID)
        let draft = RunTaskDraft(
            inputs: inputs.json.description,
            callbackDigest: token.digest,
            state: hasRoom || !request.isAsync ? .submitting : .queued,
            claimedBy: instance,
            nextActionAt: runner.claimEnd
        )
        return Plan(draft: draft, token: token, runner: runner, hasRoom: hasRoom)
    }

    /// Has the run go on without its caller, and waits a moment for the provider's id.
    private func goOn(
        _ plan: Plan,
        _ request: RunRequest,
        _ preflight: RunPreflight,
        _ admission: Admission
    ) async -> RunAnswer {
        guard let definition = preflight.definition, case .quoted(let quote) = preflight.outcome else {
            preconditionFailure("a run was admitted without a price")
        }
        let facts = RunTask.Facts(
            executionID: admission.executionID,
            accountID: request.identity.accountID,
            requestID: request.id,
            keyID: request.identity.keyID,
            model: definition.internalName,
            definitionVersion: definition.version,
            inputs: plan.draft.inputs,
            isAsync: true,
            quote: quote.amount,
            admittedAt: admission.admittedAt,
            deadlineAt: admission.admittedAt.adding(seconds: quote.deadlineSeconds)
        )
        let task = RunTask(facts, state: plan.draft.state)
        let (ids, known) = AsyncStream.makeStream(of: String?.self, bufferingPolicy: .bufferingNewest(1))
        let runner = plan.runner
        steps.add { [self] in
            defer { plan.giveUp() }
            if plan.hasRoom {
                known.yield(await runner.advance(task, isMarked: true, token: plan.token))
            } else {
                // As many steps go on as may: whoever is free first has it.
                let now = admission.admittedAt
                _ = try? await tasks?.putTask(
                    task,
                    by: instance,
                    callbackDigest: nil,
                    nextActionAt: now,
                    isLetGo: true
                )
            }
            known.finish()
            alarm.ring()
        }
        return .accepted(
            RunAnswer.Accepted(
                executionID: admission.executionID,
                providerRequestID: await ids.first(within: Self.providerIDWait),
                window: admission.window
            )
        )
    }
}

extension AsyncStream<String?> {
    /// The first element that comes within a time.
    fileprivate func first(within time: Duration) async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask {
                for await element in self { return element }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: time)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}

/// The models, which may be exchanged for others.
final class RegistryBox: Sendable {
    private let registry: Mutex<ModelRegistry>

    init(_ registry: ModelRegistry) { self.registry = Mutex(registry) }

    var all: ModelRegistry { registry.withLock { $0 } }

    func model(named name: String) -> ModelDefinition? { all.model(named: name) }
}

/// Who hears of what an operator should know.
public protocol RunObserver: Sendable {
    /// A run has an outcome that the ledger can't record yet.
    func settlementDelayed(_ execution: ExecutionID, _ failure: LedgerFailure)
    /// The ledger knows nothing of a run that was to be settled.
    func settlementRefused(_ execution: ExecutionID)
    /// A run of a process that is gone was recorded as unresolved.
    func foundAbandoned(_ execution: ExecutionID)
    /// A hold was ended by its definition's policy.
    func expired(_ execution: ExecutionID)
    /// The ledger can't be asked for tasks that are due.
    func workDelayed(_ failure: LedgerFailure)
}
