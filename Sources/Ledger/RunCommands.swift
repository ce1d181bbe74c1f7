/// Asks to run a model: everything that could be found out before the ledger was asked travels inside.
public struct AdmitRun: Hashable, Sendable {
    /// The run, should it be admitted.
    public let executionID: ExecutionID
    /// The key that asks.
    public let keyID: KeyID
    /// Which window counts it.
    public let route: Route
    /// The model's internal name as asked for; nil when it is no slug.
    public let model: String?
    /// SHA-256 of the canonical inputs; nil when there were none to read. A store puts the account's commitment to it in its
    /// place.
    public var inputsDigest: Digest?
    /// What the checks before the ledger found.
    public let preflight: Preflight
    /// Whether the answer shall not wait for the result.
    public let isAsync: Bool
    /// The process that will dispatch it.
    public let instance: Int64
    /// The work that is left to do should this process die; nil for a run that nobody else could go on with.
    public let task: RunTaskDraft?
    /// What of a workflow it is; nil for the run of a model that was asked for.
    public let part: WorkflowPart?

    /// Makes the wish.
    public init(
        executionID: ExecutionID,
        keyID: KeyID,
        route: Route = .modelRun,
        model: String?,
        inputsDigest: Digest?,
        preflight: Preflight,
        isAsync: Bool = false,
        instance: Int64 = 0,
        task: RunTaskDraft? = nil,
        part: WorkflowPart? = nil
    ) {
        self.part = part
        self.executionID = executionID
        self.keyID = keyID
        self.route = route
        self.model = model
        self.inputsDigest = inputsDigest
        self.preflight = preflight
        self.isAsync = isAsync
        self.instance = instance
        self.task = task
    }
}

/// What the pure checks before the ledger found: the first thing wrong, or the price.
public enum Preflight: Hashable, Sendable {
    /// The path names no slug.
    case invalidSlug
    /// The body is not a JSON object.
    case invalidBody
    /// `inputs` is missing, not an object, or has this many problems.
    case invalidInputs(problems: Int)
    /// No enabled model has this name.
    case modelNotFound
    /// The account has no workflow of this name.
    case workflowNotFound
    /// The workflow's graph can't run as it is, or with the models as they are.
    case invalidWorkflow(problems: Int)
    /// All is well, and this is the price.
    case quoted(RunQuote)
}

/// The most a run can cost, and the terms it would run under.
public struct RunQuote: Hashable, Sendable {
    /// Credits; above zero, but for a workflow whose cost is not known before it runs.
    public let amount: Credits
    /// The version of the price rule.
    public let priceVersion: String
    /// The version of the model's definition.
    public let definitionVersion: Int32
    /// The lowest plan that may run the model.
    public let requiredTier: Tier
    /// Whether it can run without the caller waiting.
    public let supportsAsync: Bool
    /// Seconds within which the provider must answer.
    public let deadlineSeconds: Int64
    /// Seconds after the deadline for which an unresolved run keeps its hold.
    public let unresolvedHoldSeconds: Int64
    /// What happens to the hold after that.
    public let unresolvedPolicy: UnresolvedPolicy
    /// What the price looked at, as text by name: enough to price the run again. No personal data.
    public let priced: [String: String]

    /// Makes a quote.
    public init(
        amount: Credits,
        priceVersion: String,
        definitionVersion: Int32,
        requiredTier: Tier,
        supportsAsync: Bool,
        deadlineSeconds: Int64,
        unresolvedHoldSeconds: Int64,
        unresolvedPolicy: UnresolvedPolicy,
        priced: [String: String] = [:]
    ) {
        self.amount = amount
        self.priceVersion = priceVersion
        self.definitionVersion = definitionVersion
        self.requiredTier = requiredTier
        self.supportsAsync = supportsAsync
        self.deadlineSeconds = deadlineSeconds
        self.unresolvedHoldSeconds = unresolvedHoldSeconds
        self.unresolvedPolicy = unresolvedPolicy
        self.priced = priced
    }
}

/// Notes the id under which a provider has accepted a run.
public struct RecordSubmission: Hashable, Sendable {
    /// The run.
    public let executionID: ExecutionID
    /// The provider's id for it.
    public let providerRequestID: String
    /// What becomes of the run's task; nil when it has none.
    public let task: Polling?

    /// How a task goes on once its run was accepted.
    public struct Polling: Hashable, Sendable {
        /// The provider's links for it, as a JSON object; nil when it gave none.
        public let links: String?
        /// When to poll first; nil when whoever has the task keeps it, and polls by itself.
        public let firstPollAt: Timestamp?
        /// Makes the instruction.
        public init(links: String?, firstPollAt: Timestamp?) {
            self.links = links
            self.firstPollAt = firstPollAt
        }
    }

    /// Makes the wish.
    public init(executionID: ExecutionID, providerRequestID: String, task: Polling? = nil) {
        self.executionID = executionID
        self.providerRequestID = providerRequestID
        self.task = task
    }
}

/// Asks to end a run before its time.
public struct RequestCancel: Hashable, Sendable {
    /// The run.
    public let executionID: ExecutionID
    /// The key that asks.
    public let keyID: KeyID
    /// Whether the run was certainly not sent to a provider, and now never will be. The writer finds out, in the
    /// transaction that decides; whoever asks leaves it false.
    public var isUndispatched: Bool
    /// Makes the wish.
    public init(executionID: ExecutionID, keyID: KeyID, isUndispatched: Bool = false) {
        self.executionID = executionID
        self.keyID = keyID
        self.isUndispatched = isUndispatched
    }
}

/// Tells how a run ended, or that nobody knows.
public struct SettleRun: Hashable, Sendable {
    /// The run.
    public let executionID: ExecutionID
    /// How it ended. A store puts the account's commitment in the place of the result's digest.
    public var outcome: RunOutcome
    /// The provider's id for it, where it gave one.
    public let providerRequestID: String?
    /// What the provider reported to have delivered, by name: enough to price the run again.
    public let usage: [String: Int64]
    /// What to keep for whoever asks later; nil for nothing, and for a run that has not ended.
    public let report: RunReport?
    /// What becomes of the run's task.
    public let task: TaskEnd
    /// What becomes of the idempotency key that the run was asked for with; nil when there was none.
    public var claim: ClaimEnd?
    /// What the nodes of a workflow have cost; nil for the run of a model.
    public var nodesCost: NodesCost?
    /// The trace that the end of the run is reported in; nil for none.
    public var trace: TraceHeaders?

    /// What the nodes of a workflow have cost.
    public struct NodesCost: Hashable, Sendable {
        /// Credits debited for them.
        public let credits: Credits
        /// What providers charge us for them.
        public let providers: MicroUSD
        /// Makes the sums.
        public init(credits: Credits, providers: MicroUSD) {
            self.credits = credits
            self.providers = providers
        }
    }

    /// What becomes of an idempotency key when its run is settled.
    public enum ClaimEnd: Hashable, Sendable {
        /// Whoever repeats the request is answered so.
        case answered(key: Digest, AnswerDraft)
        /// It is free again, because nothing was dispatched or charged.
        case released(key: Digest)
    }

    /// What becomes of a task when its run is settled.
    public enum TaskEnd: Hashable, Sendable {
        /// The run has none.
        case none
        /// It ends with the run. When the run is unresolved, whoever settles it goes on with the task.
        case ends
        /// The run is unresolved, and whoever is free goes on with the task.
        case isLetGo
    }

    /// Makes the wish.
    public init(
        executionID: ExecutionID,
        outcome: RunOutcome,
        providerRequestID: String?,
        usage: [String: Int64] = [:],
        report: RunReport? = nil,
        task: TaskEnd = .ends,
        claim: ClaimEnd? = nil
    ) {
        self.executionID = executionID
        self.outcome = outcome
        self.providerRequestID = providerRequestID
        self.usage = usage
        self.report = report
        self.task = task
        self.claim = claim
    }
}

/// How a run ended.
public enum RunOutcome: Hashable, Sendable {
    /// With a result.
    case succeeded(cost: Credits, providerCost: MicroUSD, resultDigest: Digest?, durationMilliseconds: Int64)
    /// Without one, for certain. The code names the class of failure.
    case failed(code: String, durationMilliseconds: Int64)
    /// Without one, because its owner wished so, and the work never began.
    case cancelled(durationMilliseconds: Int64)
    /// The answer never came.
    case unresolved(reason: String)
}

extension RunOutcome {
    /// Whether it ended with a result.
    var isSuccess: Bool {
        if case .succeeded = self { return true }
        return false
    }
}
