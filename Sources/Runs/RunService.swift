public import Ledger
public import Registry
import Synchronization
public import Traces

/// The use case: admit, dispatch, settle, answer.
///
/// Nothing is dispatched before its hold is durable, nothing is answered before its outcome is durable, and a caller that
/// hangs up stops neither the run nor its accounting. The caller of an asynchronous run is answered once the hold is
/// durable; the run goes on in this process or, through its task, in another.
public final class RunService: Sendable {
    /// The largest body of a request, in bytes.
    public static let largestBodyBytes = 1 << 20

    /// How long the answer to an asynchronous request waits for the provider's id.
    public static let providerIDWait = Duration.milliseconds(250)

    /// What the use case needs besides a ledger, a provider and models, and how it is bounded.
    public struct Options: Sendable {
        /// Where runs' tasks are; nil when no run has one, and none can be asynchronous.
        public var tasks: (any RunTaskStore)?
        /// Where answers are kept by idempotency key; nil when such keys mean nothing.
        public var answers: (any AnswerStore)?
        /// Knows versions of definitions that this process has not seen; nil when nobody does.
        public var definitions: (any DefinitionArchive)?
        /// Where workflows are; nil when there are none.
        public var workflows: (any WorkflowStore)?
        /// Sends what HTTP Request nodes ask for; nil when nobody does.
        public var caller: (any WorkflowCaller)?
        /// Copies media of results before runs are settled.
        public var media: any MediaKeeper = PassThroughMedia()
        /// The service's own address as providers reach it, without a slash at its end; nil when they can't.
        public var publicURL: String?
        /// Records what the use case does.
        public var spans = Spans.off
        /// Steps of tasks that may go on at once in this process.
        public var steps = 256
        /// How long a task is this process's alone unless it says so again.
        public var claim = Duration.seconds(30)
        /// The defaults.
        public init() {}
    }

    /// The process, as executions name it.
    public let instance: Int64
    /// The models: those that can be run now, and recent versions of theirs.
    public let models: ModelCatalogue
    let ledger: any RunLedger
    let identifiers: IdentifierSource
    let tasks: (any RunTaskStore)?
    let answers: (any AnswerStore)?
    let workflows: (any WorkflowStore)?
    let caller: (any WorkflowCaller)?
    let runner: TaskRunner?
    let observer: any RunObserver
    let spans: Spans
    /// Ends of runs.
    let signals = RunSignals()
    /// Providers' callbacks.
    let hints = RunSignals()
    let alarm = Alarm()
    private let provider: any ModelProvider
    private let media: any MediaKeeper
    let steps = StepBag()
    private let callbackBase: String?
    private let clock: @Sendable () -> Timestamp
    private let work = Mutex(Work())

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
    ///   - registry: the models to begin with.
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
        let catalogue = ModelCatalogue(registry)
        let callbackBase = options.publicURL.map { $0 + "/api/callbacks/" }
        self.ledger = ledger
        self.provider = provider
        self.models = catalogue
        self.instance = instance
        self.identifiers = identifiers
        self.clock = clock
        self.observer = observer
        self.tasks = options.tasks
        self.answers = options.answers
        self.spans = options.spans
        self.workflows = options.workflows
        self.caller = options.caller
        self.media = options.media
        self.callbackBase = callbackBase
        self.runner = options.tasks.map { [signals, hints] tasks in
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
                    hints: hints,
                    model: { [archive = options.definitions] (name, version) async throws(LedgerFailure) in
                        if let model = catalogue.model(named: name, version: version) { return model }
                        if let model = try await archive?.definition(of: name, version: version) { return model }
                        return catalogue.model(named: name)
                    }
                )
            )
        }
    }

    /// Runs under way in this process, and holds that are being given back.
    public var underWayCount: Int { work.withLock(\.count) + steps.count }

    /// Has this process's worker look for due tasks now.
    func wakeWorker() { alarm.ring() }

    /// Puts other models in the place of those that can be run. Runs that were admitted keep the definition they were
    /// admitted with.
    ///
    /// - Throws: as `ModelCatalogue.replace(with:)`; the models then stay as they are.
    @discardableResult
    public func replaceRegistry(_ registry: ModelRegistry) throws(RegistryError) -> RegistryChange {
        try models.replace(with: registry)
    }

    /// Runs a model for whoever asks, and returns when there is a durable answer.
    ///
    /// The work goes on in a task of its own, so that a caller that was cancelled changes nothing about it. After
    /// `drain(grace:)` has interrupted what was under way, the answer is `unavailable(.overloaded)`.
    public func run(_ request: RunRequest) async -> RunAnswer {
        let preflight = RunPreflight(request, registry: models.current, canWait: runner != nil)
        let executionID =
            request.place?.executionID
            ?? ExecutionID(identifiers.next(in: ledger.journal(of: request.identity.accountID)))
        return await carry(executionID) { [self] in await perform(request, preflight, executionID) }
    }

    /// Whether what is under way was told to stop.
    var isInterrupted: Bool { work.withLock(\.isInterrupted) }

    /// Has work on a run go on in a task of its own.
    func carry(
        _ executionID: ExecutionID,
        _ body: @escaping @Sendable () async -> RunAnswer
    ) async -> RunAnswer {
        let task: Task<RunAnswer, Never>? = work.withLock { work in
            guard !work.isInterrupted else { return nil }
            let task = Task { await body() }
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
            task: plan?.draft,
            part: request.place.map(WorkflowPart.node)
        )
        let verdict: Verdict
        do throws(LedgerFailure) {
            verdict = try await admit(run, for: request)
        } catch {
            if case .unavailable(mayHaveHappened: true, _) = error { release(request, executionID) }
            return .unavailable(error)
        }
        switch verdict {
        case .repeated(let claim): return await answerAgain(request, claim)
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
                let answer = await goOn(plan, request, preflight, admission)
                return await kept(answer, request, executionID)
            }
            let dispatch = DispatchRequest(
                executionID: executionID,
                model: definition,
                inputs: inputs,
                deadline: .now.advanced(by: .seconds(definition.deadlineSeconds)),
                callbackURL: plan.flatMap { plan in callbackBase.map { $0 + plan.token.text } },
                hint: plan == nil ? nil : hints.watch(executionID)
            )
            return await carryOut(dispatch, for: request, admission, plan)
        case .alreadyAdmitted:
            if request.place != nil { return .inFlight(executionID) }
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
        _ plan: Plan?
    ) async -> RunAnswer {
        let hasTask = plan != nil
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
        if case .ended(.mediaUnavailable(let result)) = ending, let plan,
            await passOn(result, plan, dispatch, request, admission)
        {
            let answer = RunAnswer.failed(
                RunAnswer.Failure(
                    executionID: dispatch.executionID,
                    message: "The run has succeeded, and its media are still being stored",
                    isUnresolved: true,
                    window: admission.window
                )
            )
            return await kept(answer, request, dispatch.executionID)
        }
        let duration = request.receivedAt.duration(to: .now)
        var settlement = RunSettlement(ending, of: dispatch.executionID, duration: duration, hasTask: hasTask)
        if let keyed = keyed(request) {
            let draft = await keyed.renderer.draft(settlement.expected(admission, duration: duration), of: request.id)
            settlement.command.claim = .answered(key: keyed.request.key, draft)
        }
        let settled = await settle(command(request, .settleRun(settlement.command)), dispatch.executionID)
        if let settled, !settled.isRepeat, case .answered(_, let draft)? = settlement.command.claim {
            return .recorded(draft.answer(charged: settled.execution.charged), isRepeat: false)
        }
        let answer = settlement.answer(
            settled?.execution,
            admission,
            duration: request.receivedAt.duration(to: .now)
        )
        return settled == nil ? answer : await kept(answer, request, dispatch.executionID)
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
            let keepUntil = clock().adding(seconds: RunTaskMachine.Patience().keepSeconds)
            var result = PricedResult(success, cost: cost, keepUntil: keepUntil)
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
    func settle(_ command: Command, _ executionID: ExecutionID) async -> Settlement? {
        var backoff = Duration.milliseconds(50)
        while true {
            do throws(LedgerFailure) {
                if case .settled(let settlement) = try await ledger.decide(command) {
                    signals.signal(executionID)
                    return settlement
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
        let settlement = SettleRun(
            executionID: executionID,
            outcome: outcome,
            providerRequestID: nil,
            claim: keyed(request).map { .released(key: $0.request.key) }
        )
        work.withLock { work in
            work.releases[executionID] = Task {
                _ = await settle(command(request, .settleRun(settlement)), executionID)
                self.work.withLock { $0.releases[executionID] = nil }
            }
        }
    }

    func command(
        _ request: RunRequest,
        _ action: Command.Action,
        idempotency: IdempotentRequest? = nil
    ) -> Command {
        Command(
            id: identifiers.command(),
            accountID: request.identity.accountID,
            requestID: request.id,
            action: action,
            idempotency: idempotency,
            traceID: TraceContext.current?.traceID
        )
    }
}
