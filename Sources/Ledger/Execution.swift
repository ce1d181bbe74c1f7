/// One run of a model, from its admission to its end.
public struct Execution: Hashable, Sendable {
    /// How far a run has come.
    public enum Status: String, Hashable, Sendable, CaseIterable {
        /// Held, and dispatched or about to be.
        case admitted
        /// Accepted by the provider under its own id.
        case submitted
        /// Ended with a result.
        case succeeded
        /// Ended without one.
        case failed
        /// Ended because its owner wished so, before the work began.
        case cancelled
        /// Its answer never came; the hold stands.
        case unresolved

        /// Whether nothing more can happen to the run.
        public var isEnd: Bool { self == .succeeded || self == .failed || self == .cancelled }
    }

    /// The run.
    public let id: ExecutionID
    /// The request that asked for it.
    public let requestID: RequestID?
    /// The key that asked for it.
    public let keyID: KeyID
    /// The model's internal name.
    public let model: String
    /// The hold that pays for it.
    public let holdID: HoldID
    /// The grant that pays for it, if one does.
    public let grantID: GrantID?
    /// The most it can cost.
    public let quote: Credits
    /// The version of the price rule behind the quote.
    public let priceVersion: String
    /// The process that dispatches it.
    public let instance: Int64
    /// When its hold was recorded.
    public let admittedAt: Timestamp
    /// By when the provider must have answered.
    public let deadlineAt: Timestamp
    /// Whether its caller was answered before its end.
    public let isAsync: Bool
    /// How far it has come.
    public var status = Status.admitted
    /// The provider's own id for it.
    public var providerRequestID: String?
    /// Credits debited for it.
    public var charged = Credits.zero
    /// Credits a provider reported beyond the quote, borne by us.
    public var absorbed = Credits.zero
    /// When a provider that is polled had accepted it.
    public var submittedAt: Timestamp?
    /// When its owner asked to cancel it.
    public var cancelRequestedAt: Timestamp?
    /// Why it failed, as a code.
    public var errorCode: String?
    /// When it ended.
    public var endedAt: Timestamp?
    /// What the provider charges us for it; nil before it succeeded, and when nobody reported its end.
    public var providerCost: MicroUSD?
    /// Milliseconds from the request to its end; nil before that, and when nobody reported it.
    public var durationMilliseconds: Int64?

    /// Makes a run as its hold admits it.
    public init(
        id: ExecutionID,
        requestID: RequestID?,
        keyID: KeyID,
        model: String,
        holdID: HoldID,
        grantID: GrantID?,
        quote: Credits,
        priceVersion: String,
        instance: Int64,
        admittedAt: Timestamp,
        deadlineAt: Timestamp,
        isAsync: Bool = false
    ) {
        self.id = id
        self.requestID = requestID
        self.keyID = keyID
        self.model = model
        self.holdID = holdID
        self.grantID = grantID
        self.quote = quote
        self.priceVersion = priceVersion
        self.instance = instance
        self.admittedAt = admittedAt
        self.deadlineAt = deadlineAt
        self.isAsync = isAsync
    }
}
