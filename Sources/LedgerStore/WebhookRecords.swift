public import Ledger

/// A version of a key's webhook.
public struct WebhookVersion: Hashable, Sendable {
    /// Its number, from 1.
    public let number: Int32
    /// Where reports go.
    public let url: String
    /// What signs them.
    public let secret: String
    /// From when runs that are admitted are reported to it.
    public let validFrom: Timestamp
    /// Since when its receiver wants no more.
    public let disabledAt: Timestamp?

    /// The same version with what was sealed as it was.
    func with(url: String, secret: String) -> WebhookVersion {
        WebhookVersion(number: number, url: url, secret: secret, validFrom: validFrom, disabledAt: disabledAt)
    }
}

/// What has become of a delivery.
public enum DeliveryState: String, Hashable, Sendable, CaseIterable {
    /// It is tried, or will be again.
    case waiting
    /// The receiver took it.
    case delivered
    /// It was given up.
    case failed
    /// The receiver wants no more.
    case disabled
}

/// Where the end of a run is reported to, and how far that has come.
public struct DestinationRecord: Hashable, Sendable {
    /// The address; nil for none.
    public let url: String?
    /// What has become of the report; nil before there is one.
    public let state: DeliveryState?
    /// Attempts that have begun.
    public let attempts: Int
    /// When it is tried again; nil while it is being sent, and once it has ended.
    public let nextAttemptAt: Timestamp?
}

/// A delivery and its attempts, as a delivery log shows it.
public struct DeliveryRecord: Hashable, Sendable {
    /// Its id: the run's, or a test's own.
    public let id: Identifier128
    /// The run it reports; nil for a test.
    public let executionID: ExecutionID?
    /// What it reports, such as `execution.completed`.
    public let event: String
    /// What has become of it.
    public let state: DeliveryState
    /// When the run ended, or the test was asked for.
    public let createdAt: Timestamp
    /// When it is tried again.
    public let nextAttemptAt: Timestamp?
    /// When it ended.
    public let endedAt: Timestamp?
    /// The attempts so far.
    public var attempts: [DeliveryAttempt] = []
}

/// A delivery that a process has claimed, with all that its report says.
public struct ClaimedDelivery: Hashable, Sendable {
    /// The run that is reported.
    public struct Run: Hashable, Sendable {
        /// The run.
        public let executionID: ExecutionID
        /// What ran, as `Execution.model` names it.
        public let model: String
        /// The provider's id of the work.
        public let providerRequestID: String?
        /// What the customer paid.
        public let charged: Credits
        /// Why it failed.
        public let errorCode: String?
        /// When it was admitted.
        public let admittedAt: Timestamp
        /// When it ended.
        public let endedAt: Timestamp?
        /// The result as JSON.
        public fileprivate(set) var result: String?
        /// What the customer is told of the failure.
        public fileprivate(set) var errorMessage: String?
        /// How long the run took.
        public let milliseconds: Int64?
        /// The models of a workflow's nodes that were held; empty for the run of a model.
        public let nodeModels: [String]
        /// The trace of the request that began it; nil when that is not known.
        public let trace: TraceHeaders?

        /// The workflow that ran; nil for the run of a model.
        public var workflowSlug: String? { WorkflowName.slug(in: model) }
        /// The models that ran.
        public var models: [String] { workflowSlug == nil ? [model] : nodeModels }
    }

    /// Its id, the same at each attempt.
    public let id: Identifier128
    /// The key whose run it was.
    public let key: KeyID
    /// The version of the webhook.
    public let version: Int32
    /// Whose key it is.
    public let account: AccountID
    /// What is reported.
    public let event: String
    /// The number of this attempt, from 1.
    public let attempt: Int
    /// When it was made.
    public let createdAt: Timestamp
    /// Where it goes.
    public private(set) var url: String
    /// What signs it.
    public private(set) var secret: String
    /// Whether the receiver has said meanwhile that it wants no more.
    public let isDisabled: Bool
    /// The run; nil for a test.
    public var run: Run?

    /// The delivery with what was sealed as it was; nil when its address was erased.
    func opened(by dataKey: DataKey?) -> ClaimedDelivery? {
        guard let url = dataKey.open(url, for: .webhookURL(key)),
            let secret = dataKey.open(secret, for: .webhookSecret(key))
        else { return nil }
        var delivery = self
        (delivery.url, delivery.secret) = (url, secret)
        if let run {
            delivery.run?.result = run.result.flatMap { dataKey.open($0, for: .result(run.executionID)) }
            delivery.run?.errorMessage = run.errorMessage.flatMap {
                dataKey.open($0, for: .errorMessage(run.executionID))
            }
        }
        return delivery
    }
}
