/// Work that is left to do on an open run of a provider that is polled, as it stands between two steps.
///
/// Kept beside the events, not in them: inputs never enter an event. It exists from the run's admission to its end.
public struct RunTask: Hashable, Sendable {
    /// What the next step is about.
    public enum State: String, Hashable, Sendable, CaseIterable {
        /// Not sent to the provider, or certainly not accepted by it.
        case queued
        /// Being sent; found in this state by somebody else, it may have been sent.
        case submitting
        /// Accepted; the provider is asked whether it has ended.
        case polling
        /// Sent, and it is not known whether it was accepted; the provider is searched by our own id.
        case lookingUp = "looking_up"
        /// Ended with a result whose media are still the provider's.
        case keeping
    }

    /// How far a wish to cancel has come.
    public enum Cancel: String, Hashable, Sendable, CaseIterable {
        case none, requested, sent
    }

    /// What never changes.
    public private(set) var facts: Facts
    /// What the next step is about.
    public var state: State
    /// Whether the run was recorded as unresolved, because its deadline has passed or an answer was lost.
    public var isOverdue = false
    /// How far a wish to cancel has come.
    public var cancel = Cancel.none
    /// The provider's id of the work.
    public var providerRequestID: String?
    /// The provider's links for it, as a JSON object.
    public var providerLinks: String?
    /// What came of the run and is not recorded yet, as JSON; its reader knows its shape.
    public var pending: String?
    /// Steps of this state that have brought nothing.
    public var attempts: Int32 = 0
    /// How often the task was claimed: a step that belongs to an earlier claim changes nothing.
    public var claim: Int64 = 0

    /// What never changes about a task.
    public struct Facts: Hashable, Sendable {
        /// The run.
        public let executionID: ExecutionID
        /// Whose run it is.
        public let accountID: AccountID
        /// The request that asked for it.
        public let requestID: RequestID?
        /// The key that asked for it.
        public let keyID: KeyID
        /// The model's internal name.
        public let model: String
        /// The version of the model's definition that priced it.
        public let definitionVersion: Int32
        /// The checked inputs, as canonical JSON.
        public fileprivate(set) var inputs: String
        /// Whether its caller was answered before its end.
        public let isAsync: Bool
        /// The most it can cost.
        public let quote: Credits
        /// When it was admitted.
        public let admittedAt: Timestamp
        /// By when the provider must have answered.
        public let deadlineAt: Timestamp
        /// The trace of the request; nil when there is none.
        public let trace: TraceHeaders?

        /// Makes the facts of a task.
        public init(
            executionID: ExecutionID,
            accountID: AccountID,
            requestID: RequestID?,
            keyID: KeyID,
            model: String,
            definitionVersion: Int32,
            inputs: String,
            isAsync: Bool,
            quote: Credits,
            admittedAt: Timestamp,
            deadlineAt: Timestamp,
            trace: TraceHeaders? = nil
        ) {
            self.executionID = executionID
            self.accountID = accountID
            self.requestID = requestID
            self.keyID = keyID
            self.model = model
            self.definitionVersion = definitionVersion
            self.inputs = inputs
            self.isAsync = isAsync
            self.quote = quote
            self.admittedAt = admittedAt
            self.deadlineAt = deadlineAt
            self.trace = trace
        }
    }

    /// The same task with other inputs in their place.
    public func with(inputs: String) -> RunTask {
        var task = self
        task.facts.inputs = inputs
        return task
    }

    /// Makes a task in a state.
    public init(_ facts: Facts, state: State) {
        self.facts = facts
        self.state = state
    }
}

/// The part of a task that is known before its run is admitted; travels with `AdmitRun` and becomes a row in the
/// transaction that makes the hold.
public struct RunTaskDraft: Hashable, Sendable {
    /// The checked inputs, as canonical JSON.
    public let inputs: String
    /// The SHA-256 of the token in the address that the provider may call back.
    public let callbackDigest: Digest
    /// `queued` for whoever is free; `submitting` when the process that admits it sends it at once.
    public let state: RunTask.State
    /// The process that has the task to begin with; nil for whoever is free.
    public let claimedBy: Int64?
    /// When it is due; for a claimed one, when the claim runs out.
    public let nextActionAt: Timestamp
    /// The trace of the request; nil when there is none.
    public let trace: TraceHeaders?

    /// Makes a draft.
    public init(
        inputs: String,
        callbackDigest: Digest,
        state: RunTask.State,
        claimedBy: Int64?,
        nextActionAt: Timestamp,
        trace: TraceHeaders? = nil
    ) {
        self.inputs = inputs
        self.callbackDigest = callbackDigest
        self.state = state
        self.claimedBy = claimedBy
        self.nextActionAt = nextActionAt
        self.trace = trace
    }
}

/// What is kept of a run's end for whoever asks later.
public struct RunReport: Hashable, Sendable {
    /// The result as JSON text; nil when there is none.
    public let result: String?
    /// Why there is none, for the customer.
    public let errorMessage: String?
    /// From the request to the end.
    public let milliseconds: Int64

    /// Makes a report.
    public init(result: String?, errorMessage: String?, milliseconds: Int64) {
        self.result = result
        self.errorMessage = errorMessage
        self.milliseconds = milliseconds
    }
}
