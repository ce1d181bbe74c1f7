public import Ledger
public import Registry
import Synchronization

/// The use case: admit, dispatch, settle, answer.
///
/// Nothing is dispatched before its hold is durable, nothing is answered before its outcome is durable, and a caller that
/// hangs up stops neither the run nor its accounting.
public final class RunService: Sendable {
    /// The largest body of a request, in bytes.
    public static let largestBodyBytes = 1 << 20

    /// The process, as executions name it.
    public let instance: Int64
    /// The models: those that can be run now, and recent versions of theirs.
    public let models: ModelCatalogue
    let ledger: any RunLedger
    let identifiers: IdentifierSource
    private let provider: any ModelProvider
    private let observer: any RunObserver
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
    ///   - clock: the wall clock, for identifiers.
    ///   - observer: hears of what an operator should know.
    public init(
        ledger: any RunLedger,
        provider: any ModelProvider,
        registry: ModelRegistry,
        instance: Int64,
        clock: @escaping @Sendable () -> Timestamp,
        observer: any RunObserver
    ) {
        self.ledger = ledger
        self.provider = provider
        self.models = ModelCatalogue(registry)
        self.instance = instance
        self.identifiers = IdentifierSource(clock: clock)
        self.observer = observer
    }

    /// Runs under way in this process, and holds that are being given back.
    public var underWayCount: Int { work.withLock(\.count) }

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
        let preflight = RunPreflight(request, registry: models.current)
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
        let releases = work.withLock { Array($0.releases.values) }
        for release in releases { release.cancel() }
        for release in releases { await release.value }
    }

    private func perform(
        _ request: RunRequest,
        _ preflight: RunPreflight,
        _ executionID: ExecutionID
    ) async -> RunAnswer {
        let run = AdmitRun(
            executionID: executionID,
            keyID: request.identity.keyID,
            model: preflight.model,
            inputsDigest: preflight.digest,
            preflight: preflight.outcome,
            isAsync: request.isAsync,
            instance: instance
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
            let dispatch = DispatchRequest(
                executionID: executionID,
                model: definition,
                inputs: inputs,
                deadline: .now.advanced(by: .seconds(definition.deadlineSeconds))
            )
            return await carryOut(dispatch, for: request, admission)
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
        _ admission: Admission
    ) async -> RunAnswer {
        let outcome = await provider.run(dispatch) { [self] task in
            let submission = RecordSubmission(
                executionID: dispatch.executionID,
                providerRequestID: task.id.asProviderRequestID
            )
            // A note for whoever resolves the run should this process die; the run goes on without it.
            _ = try? await ledger.decide(command(request, .recordSubmission(submission)))
        }
        let duration = request.receivedAt.duration(to: .now)
        let settlement = RunSettlement(outcome, of: dispatch, duration: duration)
        let settled = await settle(command(request, .settleRun(settlement.command)), dispatch.executionID)
        return settlement.answer(settled, admission, duration: request.receivedAt.duration(to: .now))
    }

    /// Settles, however long the ledger takes; only the end of the process stops it.
    private func settle(_ command: Command, _ executionID: ExecutionID) async -> Execution? {
        var backoff = Duration.milliseconds(50)
        while true {
            do throws(LedgerFailure) {
                if case .settled(let settlement) = try await ledger.decide(command) { return settlement.execution }
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

    private func command(_ request: RunRequest, _ action: Command.Action) -> Command {
        Command(
            id: identifiers.command(),
            accountID: request.identity.accountID,
            requestID: request.id,
            action: action
        )
    }
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
}
