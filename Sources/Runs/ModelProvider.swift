public import Ledger
public import Registry

/// A run that was admitted and whose hold is durable: what a provider needs to do it.
public struct DispatchRequest: Sendable {
    /// Our id of the run; sent upstream, so that the provider's books can be compared with ours.
    public let executionID: ExecutionID
    /// The model, and with it the provider's wire.
    public let model: ModelDefinition
    /// The inputs that the model's definition has checked.
    public let inputs: ValidatedInputs
    /// When the run must have ended.
    public let deadline: ContinuousClock.Instant
    /// Where the provider may call when the run's state has changed; nil when the service can't be reached from outside.
    public let callbackURL: String?
    /// How often it was submitted before.
    public let history: SubmitHistory
    /// Wakes whoever polls for the run when the provider has called; nil when nobody would.
    public let hint: RunSignals.Watcher?

    /// Makes a request.
    public init(
        executionID: ExecutionID,
        model: ModelDefinition,
        inputs: ValidatedInputs,
        deadline: ContinuousClock.Instant,
        callbackURL: String? = nil,
        history: SubmitHistory = SubmitHistory(),
        hint: RunSignals.Watcher? = nil
    ) {
        self.executionID = executionID
        self.model = model
        self.inputs = inputs
        self.deadline = deadline
        self.callbackURL = callbackURL
        self.history = history
        self.hint = hint
    }
}

/// What came before an attempt to submit a run.
public struct SubmitHistory: Hashable, Sendable {
    /// Whether this is the first attempt.
    public let isFirst: Bool
    /// Attempts before it that were retries; those after a wait for a slot are none.
    public let retryCount: Int

    /// Makes the history of a first attempt, unless told otherwise.
    public init(isFirst: Bool = true, retryCount: Int = 0) {
        self.isFirst = isFirst
        self.retryCount = retryCount
    }
}

/// How a dispatch ended. There is no fourth way: a provider never throws.
public enum DispatchOutcome: Hashable, Sendable {
    /// The work is done and the result is here.
    case succeeded(DispatchSuccess)
    /// The work was certainly not done, or ended without a result; the customer is not charged.
    case failed(DispatchFailure)
    /// The work may have been accepted or done. It must not be sent again; only a reconciler can find out.
    case unresolved(UnresolvedReason, providerRequestID: String?)
}

/// A result.
public struct DispatchSuccess: Hashable, Sendable {
    /// An object with one of `images`, `videos`, `audios`, `text`: an array of strings that is not empty.
    public let result: JSONValue
    /// The provider's id of the work, if it gave one.
    public let providerRequestID: String?
    /// What the provider says it delivered.
    public let usage: DeliveredUsage
    /// What the provider charges us.
    public let providerCost: MicroUSD

    /// Makes a result.
    public init(result: JSONValue, providerRequestID: String?, usage: DeliveredUsage, providerCost: MicroUSD) {
        self.result = result
        self.providerRequestID = providerRequestID
        self.usage = usage
        self.providerCost = providerCost
    }
}

/// Why the work was not done.
public struct DispatchFailure: Hashable, Sendable {
    /// Whose failure it is.
    public enum Class: String, Hashable, Sendable, CaseIterable {
        /// The provider refused the inputs.
        case user
        /// The provider could not do it.
        case provider
        /// Our account, key, definition or network is at fault.
        case us
        /// The provider took the work out of its queue before it began, because it was asked to.
        case cancelled
    }

    /// For the customer: never a URL, a key or an internal name.
    public let message: String
    /// Whose failure it is.
    public let failureClass: Class
    /// The provider's own code, or the HTTP status; for events and logs.
    public let providerCode: String?
    /// The provider's id of the work, if it gave one.
    public let providerRequestID: String?

    /// Makes a failure.
    public init(message: String, failureClass: Class, providerCode: String? = nil, providerRequestID: String? = nil) {
        self.message = message
        self.failureClass = failureClass
        self.providerCode = providerCode
        self.providerRequestID = providerRequestID
    }
}

/// Why it is not known whether the work was done.
public enum UnresolvedReason: String, Hashable, Sendable, CaseIterable {
    /// No answer came in time after the request was sent.
    case timedOut = "timed_out"
    /// The connection broke after the request was sent.
    case connectionLost = "connection_lost"
    /// An answer came that does not say what became of the work.
    case unreadableAnswer = "unreadable_answer"
    /// The provider answered with an error that its definition says may hide work that was done.
    case ambiguousError = "ambiguous_error"
    /// The work was accepted, and had not ended by the deadline.
    case deadlinePassed = "deadline_passed"
    /// The service is stopping while the work goes on.
    case interrupted
}

/// Whoever has runs done by a provider.
public protocol ModelProvider: Sendable {
    /// Has one run done, and waits for its end or for the deadline.
    ///
    /// Sends the billable request at most once, whatever happens. A cancelled task ends early, as `unresolved` when the
    /// request may have been sent.
    ///
    /// - Parameters:
    ///   - request: the run.
    ///   - submitted: called at most once, with the provider's handle, as soon as a provider that is polled has accepted
    ///     the work; the next poll waits until it returns.
    /// - Returns: how it ended.
    func run(
        _ request: DispatchRequest,
        submitted: @escaping @Sendable (_ task: ProviderTask) async -> Void
    ) async -> DispatchOutcome

    /// Asks about work that a provider accepted before, until it ends, as after a restart. Submits nothing.
    ///
    /// - Parameters:
    ///   - request: the run as it was dispatched, with a deadline for the asking.
    ///   - task: the work.
    /// - Returns: how it ended, or `unresolved` when it had not by the deadline.
    func resume(_ request: DispatchRequest, _ task: ProviderTask) async -> DispatchOutcome

    /// Sends the billable request at most once, and does not wait for the end of the work.
    ///
    /// - Returns: `accepted` by a provider that is polled; `ended` for every other provider, once it has answered, and
    ///   when it was not accepted and neither the definition nor the provider's budget allows a retry.
    func submit(_ request: DispatchRequest) async -> SubmitOutcome

    /// Asks once about work that was accepted.
    func poll(_ request: DispatchRequest, _ task: ProviderTask) async -> PollOutcome

    /// Asks the provider, once, to give up work that was accepted.
    func cancel(_ request: DispatchRequest, _ task: ProviderTask) async -> CancelOutcome

    /// Searches for a run by our own id, after a submit without an answer.
    func lookUp(_ request: DispatchRequest) async -> LookUpOutcome
}

extension ModelProvider {
    /// For providers that can't be asked: nothing is learned.
    public func resume(_ request: DispatchRequest, _ task: ProviderTask) async -> DispatchOutcome {
        .unresolved(.deadlinePassed, providerRequestID: task.id)
    }

    /// For providers that answer the one request with the result.
    public func submit(_ request: DispatchRequest) async -> SubmitOutcome { .ended(await run(request) { _ in }) }

    /// For providers that can't be asked: nothing is learned.
    public func poll(_ request: DispatchRequest, _ task: ProviderTask) async -> PollOutcome {
        .pending(retryAfter: nil)
    }

    /// For providers that can't cancel.
    public func cancel(_ request: DispatchRequest, _ task: ProviderTask) async -> CancelOutcome { .notPossible }

    /// For providers that can't be searched.
    public func lookUp(_ request: DispatchRequest) async -> LookUpOutcome { .unknown }
}
