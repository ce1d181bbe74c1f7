public import Ledger
public import Registry
public import Workflows

/// A request to run a model, as it came in.
public struct RunRequest: Sendable {
    /// The request.
    public let id: RequestID
    /// Who asks.
    public let identity: KeyAuthenticator.Identity
    /// The model's name in the path, whatever it is.
    public let slug: String
    /// The body, at most `RunService.largestBodyBytes`.
    public let body: [UInt8]
    /// Whether the answer shall not wait for the result.
    public let isAsync: Bool
    /// When it came in.
    public let receivedAt: ContinuousClock.Instant
    /// Its idempotency key; nil when it came without one.
    public let keyed: KeyedRequest?
    /// The node of a workflow that it is; nil for what somebody has asked for.
    var place: NodePlace?

    /// Makes a request.
    public init(
        id: RequestID,
        identity: KeyAuthenticator.Identity,
        slug: String,
        body: [UInt8],
        isAsync: Bool,
        receivedAt: ContinuousClock.Instant,
        keyed: KeyedRequest? = nil
    ) {
        self.id = id
        self.identity = identity
        self.slug = slug
        self.body = body
        self.isAsync = isAsync
        self.receivedAt = receivedAt
        self.keyed = keyed
    }
}

/// How a request to run a model ended.
public enum RunAnswer: Sendable {
    /// The run succeeded.
    case succeeded(Success)
    /// It goes on without the caller.
    case accepted(Accepted)
    /// The ledger refused it.
    case refused(Refusal, issues: [InputIssue], window: WindowStatus?)
    /// The ledger refused it, because the workflow can't run as it is.
    case invalidWorkflow([WorkflowIssue], window: WindowStatus?)
    /// It was dispatched, and did not succeed or has no outcome yet; nothing was charged but for nodes of a workflow.
    case failed(Failure)
    /// It came with an idempotency key, and this is its answer as it is kept.
    ///
    /// - Parameter isRepeat: whether the request was there before.
    case recorded(RecordedAnswer, isRepeat: Bool)
    /// The same request was there before, and its run is still under way.
    case inFlight(ExecutionID)
    /// The ledger could not be asked or the service is stopping, and nothing was dispatched.
    case unavailable(LedgerFailure)

    /// A run that goes on without its caller.
    public struct Accepted: Sendable {
        /// The run.
        public let executionID: ExecutionID
        /// The provider's id, if it was known in time.
        public let providerRequestID: String?
        /// When it was admitted.
        public let admittedAt: Timestamp
        /// The window that counted it.
        public let window: WindowStatus?
    }

    /// A run that succeeded.
    public struct Success: Sendable {
        /// The run.
        public let executionID: ExecutionID
        /// An object with `images`, `videos`, `audios` or `text`.
        public let result: JSONValue
        /// Credits debited.
        public let cost: Credits
        /// From the request to the answer.
        public let duration: Duration
        /// The window that counted it.
        public let window: WindowStatus?
    }

    /// A run that did not succeed.
    public struct Failure: Sendable {
        /// The run.
        public let executionID: ExecutionID
        /// For the customer.
        public let message: String
        /// Whether its fate is still unknown.
        public let isUnresolved: Bool
        /// The window that counted it.
        public let window: WindowStatus?
        /// What its nodes have come to; nil for the run of a model.
        public var workflow: WorkflowEnd?
    }
}

/// What can be found out about a request before the ledger is asked. Pure.
struct RunPreflight {
    /// What the ledger is told.
    var outcome: Preflight
    /// The model's name, when it is a slug.
    var model: String?
    /// The definition, once a price was found.
    var definition: ModelDefinition?
    /// The inputs, once they were checked.
    var inputs: ValidatedInputs?
    /// What is wrong with the inputs.
    var issues: [InputIssue] = []
    /// SHA-256 of the canonical inputs.
    var digest: Digest?

    init(_ request: RunRequest, registry: ModelRegistry, canWait: Bool) {
        guard Slug.isValid(request.slug) else {
            self.outcome = .invalidSlug
            return
        }
        self.model = request.slug
        guard let body = try? JSONValue(parsing: request.body), body.objectValue != nil else {
            self.outcome = .invalidBody
            return
        }
        guard let inputs = body["inputs"], inputs.objectValue != nil else {
            self.issues = [InputIssue(missing: body["inputs"])]
            self.outcome = .invalidInputs(problems: 1)
            return
        }
        self.digest = Digest(bytes: inputs.canonicalDigest)
        guard let definition = registry.model(named: request.slug) else {
            self.outcome = .modelNotFound
            return
        }
        switch definition.validate(inputs) {
        case .invalid(let issues):
            self.issues = issues
            self.outcome = .invalidInputs(problems: issues.count)
        case .valid(let validated):
            do throws(PricingError) {
                let quote = try definition.quote(validated)
                let priced = definition.pricedInputs(validated)
                self.outcome = .quoted(RunQuote(quote, of: definition, canWait: canWait, priced: priced))
                self.definition = definition
                self.inputs = validated
            } catch {
                self.issues = [InputIssue(path: "inputs", message: "can't be priced")]
                self.outcome = .invalidInputs(problems: 1)
            }
        }
    }
}

extension RunQuote {
    init(_ quote: Quote, of definition: ModelDefinition, canWait: Bool, priced: [String: String]) {
        self.init(
            amount: quote.amount,
            priceVersion: String(quote.priceVersion),
            definitionVersion: quote.definitionVersion,
            requiredTier: definition.requiredTier,
            supportsAsync: canWait && definition.supportsAsync,
            deadlineSeconds: Int64(definition.deadlineSeconds),
            unresolvedHoldSeconds: Int64(definition.unresolved.holdSeconds),
            unresolvedPolicy: definition.unresolved.action == .charge ? .charge : .release,
            priced: priced
        )
    }
}
