public import AsyncHTTPClient
internal import FoundationEssentials
internal import Ledger
internal import Registry
public import Runs
public import Traces

/// Hands each run to the adapter of its model's provider, over one shared HTTP client, as far as the provider's gate lets
/// it. A billable request is sent again only when it was certainly not accepted.
public struct ProviderRouter: ModelProvider {
    private let http: HTTPProvider
    private let polling: PollingProvider
    private let anthropic: AnthropicProvider
    private let gates = ProviderGates()
    private let observer: (any ProviderObserver)?

    /// Makes a router.
    ///
    /// - Parameters:
    ///   - client: the client, made with `HTTPClient.Configuration.providers()`; whoever makes it shuts it down.
    ///   - maximumAnswerBytes: the largest answer that is read, whatever a definition allows; a larger one ends the run
    ///     as unresolved.
    ///   - unixSeconds: the wall clock, for tokens that are signed for each request; nil for the system's.
    ///   - observer: counts calls.
    ///   - spans: records requests.
    public init(
        client: HTTPClient,
        maximumAnswerBytes: Int? = nil,
        unixSeconds: (@Sendable () -> Int64)? = nil,
        observer: (any ProviderObserver)? = nil,
        spans: Spans = .off
    ) {
        self.observer = observer
        let transport = ProviderTransport(
            client: client,
            maximumAnswerBytes: maximumAnswerBytes,
            spans: spans,
            unixSeconds: unixSeconds ?? { Int64(Date().timeIntervalSince1970) }
        )
        self.http = HTTPProvider(transport: transport)
        self.polling = PollingProvider(transport: transport)
        self.anthropic = AnthropicProvider(transport: transport)
    }

    /// How each provider is doing that was asked for something, by name.
    public var health: [ProviderHealth] { gates.health }

    /// Has one run done; see `ModelProvider.run(_:submitted:)`. Waits for a slot, and submits again what was not
    /// accepted, as long as there is time.
    public func run(
        _ request: DispatchRequest,
        submitted: @escaping @Sendable (_ task: ProviderTask) async -> Void
    ) async -> DispatchOutcome {
        var pauses = SubmitPauses(request)
        while true {
            let entry = await gates.enter(request, canWait: true, isRetry: pauses.count > 0)
            if let refusal = Self.refusal(entry) { return .failed(refusal.failure) }
            switch await attempt(request) {
            case .accepted(let task):
                await submitted(task)
                return await resume(request, task)
            case .ended(let outcome): return outcome
            case .notAccepted(let failure, let reason):
                guard let pause = pauses.next(reason, mayRetry: { gates.spendRetry(request) }),
                    (try? await Task.sleep(for: pause)) != nil
                else { return .failed(failure) }
            }
        }
    }

    /// Asks about work that was accepted before; see `ModelProvider.resume(_:_:)`.
    public func resume(_ request: DispatchRequest, _ task: ProviderTask) async -> DispatchOutcome {
        guard let schedule = request.model.provider.poll?.schedule else {
            return .unresolved(.deadlinePassed, providerRequestID: task.id)
        }
        let start = ContinuousClock.now
        var machine = PollingMachine(schedule: schedule, deadline: start.duration(to: request.deadline))
        var action = machine.start()
        while true {
            switch action {
            case .sleep(let wakeAt):
                let isHinted = await Self.sleep(until: start + wakeAt, or: request.hint)
                guard !Task.isCancelled else { return .unresolved(.interrupted, providerRequestID: task.id) }
                action = isHinted ? .poll : machine.woke(at: start.duration(to: .now))
            case .poll:
                switch await poll(request, task) {
                case .ended(let outcome): return outcome
                case .pending(let retryAfter):
                    action = machine.notEnded(retryAfter: retryAfter, at: start.duration(to: .now))
                }
            case .deadlinePassed: return .unresolved(.deadlinePassed, providerRequestID: task.id)
            }
        }
    }

    /// Returns whether a hint came before the time.
    private static func sleep(until end: ContinuousClock.Instant, or hint: RunSignals.Watcher?) async -> Bool {
        guard let hint else {
            try? await Task.sleep(until: end, clock: .continuous)
            return false
        }
        await hint.wait(atMost: ContinuousClock.now.duration(to: end))
        return ContinuousClock.now < end
    }

    /// Submits once, if there is a slot; see `ModelProvider.submit(_:)`.
    ///
    /// Takes a retry from the provider's budget for the next attempt, unless that only waits for a slot; without one, and
    /// after as many as the definition allows, the run has failed.
    public func submit(_ request: DispatchRequest) async -> SubmitOutcome {
        let entry = await gates.enter(request, canWait: false, isRetry: !request.history.isFirst)
        if let refusal = Self.refusal(entry) {
            return .notAccepted(refusal.failure, costsRetry: false, retryAfter: refusal.retryAfter)
        }
        switch await attempt(request) {
        case .accepted(let task): return .accepted(task)
        case .ended(let outcome): return .ended(outcome)
        case .notAccepted(let failure, let reason):
            let costsRetry = reason.reason != .requeue
            if costsRetry {
                guard request.history.retryCount < request.model.provider.limits.retries, gates.spendRetry(request)
                else { return .ended(.failed(failure)) }
            }
            return .notAccepted(failure, costsRetry: costsRetry, retryAfter: reason.retryAfter)
        }
    }

    /// Asks once about work that was accepted; see `ModelProvider.poll(_:_:)`.
    public func poll(_ request: DispatchRequest, _ task: ProviderTask) async -> PollOutcome {
        guard request.model.provider.kind.isPolled else { return .pending(retryAfter: nil) }
        gates.keep(request)
        let start = ContinuousClock.now
        let outcome = await polling.poll(request, task)
        observer?.called(request.model.provider.name, .poll, outcome.asCallOutcome, took: start.duration(to: .now))
        if case .ended(let end) = outcome {
            if let isSuccess = end.isProviderWorking { gates.note(isSuccess, by: request) }
            gates.leave(request)
        }
        return outcome
    }

    /// Asks for work to be given up; see `ModelProvider.cancel(_:_:)`.
    public func cancel(_ request: DispatchRequest, _ task: ProviderTask) async -> CancelOutcome {
        guard request.model.provider.kind.isPolled else { return .notPossible }
        let outcome = await polling.cancel(request, task)
        if outcome == .cancelled { gates.leave(request) }
        return outcome
    }

    /// Searches for a run by our own id; see `ModelProvider.lookUp(_:)`.
    public func lookUp(_ request: DispatchRequest) async -> LookUpOutcome {
        guard request.model.provider.kind.isPolled else { return .unknown }
        return await polling.lookUp(request)
    }

    private func attempt(_ request: DispatchRequest) async -> SubmitAttempt {
        let start = ContinuousClock.now
        let attempt =
            switch request.model.provider.kind {
            case .http: await http.submit(request)
            case .httpPolling, .fal: await polling.submit(request)
            case .anthropic: await anthropic.submit(request)
            }
        observer?.called(request.model.provider.name, .submit, attempt.asCallOutcome, took: start.duration(to: .now))
        if let isSuccess = attempt.isProviderWorking { gates.note(isSuccess, by: request) }
        if case .accepted = attempt { return attempt }
        gates.leave(request)
        return attempt
    }

    private static func refusal(_ entry: ProviderGate.Entry) -> ProviderGate.Refusal? {
        switch entry {
        case .go: nil
        case .refused(let refusal): refusal
        case .wait: preconditionFailure("a waiter was told to wait")
        }
    }
}

/// When a run is submitted again that was not accepted. Pure but for the budget.
struct SubmitPauses {
    private let deadline: ContinuousClock.Instant
    private let retries: Int
    private let seed: UInt64
    private var retryCount = 0
    /// Pauses so far.
    private(set) var count = 0

    init(_ request: DispatchRequest) {
        self.deadline = request.deadline
        self.retries = request.model.provider.limits.retries
        self.seed = request.executionID.value.low
    }

    /// The pause before the next attempt: what the provider asks for, and at least half a second, doubling up to eight,
    /// less up to a quarter by the run's own id, so that runs which failed together don't come back together.
    ///
    /// - Returns: nil when there is no retry or no time left.
    mutating func next(
        _ reason: NotAccepted,
        mayRetry: () -> Bool,
        now: ContinuousClock.Instant = .now
    ) -> Duration? {
        let doubled = Duration.milliseconds(500 << min(count, 4))
        let jitter = Int((seed >> UInt64(8 * (count % 8))) & 0xFF)
        let pause = max(reason.retryAfter ?? .zero, doubled - doubled / 4 * jitter / 255)
        guard now + pause < deadline else { return nil }
        if reason.reason != .requeue {
            guard retryCount < retries, mayRetry() else { return nil }
            retryCount += 1
        }
        count += 1
        return pause
    }
}

extension ProviderGate.Refusal {
    fileprivate var failure: DispatchFailure {
        let code =
            switch self {
            case .saturated: "saturated"
            case .open: "circuit_open"
            case .gaveUp: "no_slot"
            }
        return DispatchFailure(
            message: "The provider can't take the run at the moment.",
            failureClass: .provider,
            providerCode: code
        )
    }

    fileprivate var retryAfter: Duration? {
        guard case .open(let duration) = self else { return nil }
        return duration
    }
}

extension SubmitAttempt {
    /// Whether it shows that the provider works, or that it does not; nil when it shows neither.
    fileprivate var isProviderWorking: Bool? {
        switch self {
        case .accepted: true
        case .ended(let outcome): outcome.isProviderWorking
        case .notAccepted(_, let reason): reason.reason == .retry(isOutage: true) ? false : nil
        }
    }
}

extension DispatchOutcome {
    /// Whether it shows that the provider works, or that it does not; nil when it shows neither.
    fileprivate var isProviderWorking: Bool? {
        switch self {
        case .succeeded: true
        case .failed(let failure): failure.failureClass == .user || failure.failureClass == .cancelled
        case .unresolved(.interrupted, _), .unresolved(.deadlinePassed, _): nil
        case .unresolved: false
        }
    }
}
