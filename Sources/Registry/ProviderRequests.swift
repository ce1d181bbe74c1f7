/// A request with places to be filled in.
public struct RequestTemplate: Hashable, Sendable {
    /// Method names that a definition may use.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        case get = "GET", post = "POST", put = "PUT", delete = "DELETE"
    }

    /// The method.
    public let method: Method
    /// An absolute URL; values put into it are percent-encoded.
    public internal(set) var url: TextTemplate
    /// The link that the provider gave, to be used in place of `url`.
    public let link: String?
    /// Query parameters; one whose places have no value is left out.
    public let query: [Field]
    /// Header names and values, in a fixed order; one whose places have no value is left out.
    public let headers: [Field]
    /// The JSON body; nil for none.
    public internal(set) var body: BodyTemplate?
    /// How long to wait for the whole answer, in milliseconds; nil for as long as the run may take.
    public let timeoutMilliseconds: Int64?
    /// How long to wait for the next bytes of an answer, in milliseconds; nil for as long as for the whole of it.
    public let idleTimeoutMilliseconds: Int64?

    /// A header or a query parameter.
    public struct Field: Hashable, Sendable {
        /// The name.
        public let name: String
        /// The value; only our own and the provider's ids can be put into it.
        public let value: TextTemplate
    }

    func bound(to parts: ModelParts) -> RequestTemplate {
        var request = self
        request.url = url.bound(to: parts)
        request.body = body?.bound(to: parts)
        return request
    }
}

/// The submit request and how to read its answer.
public struct SubmitRule: Hashable, Sendable {
    /// The request.
    public internal(set) var request: RequestTemplate
    /// HTTP statuses that can mean accepted.
    public let acceptedStatuses: Set<Int>
    /// A code in the body that must also say so, for vendors that answer 200 to everything.
    public let acceptedBody: BodyTest?
    /// Where the provider's id of the work is.
    public let idPointer: JSONPointer?
    /// Where the links are that the provider gives for the work, by what they are for.
    public let links: [String: JSONPointer]

    /// A test on a scalar in a body.
    public struct BodyTest: Hashable, Sendable {
        /// Where.
        public let pointer: JSONPointer
        /// Which values pass.
        public let values: Set<String>
    }
}

/// How a run that was accepted is followed to its end.
public struct PollRule: Hashable, Sendable {
    /// The request.
    public internal(set) var request: RequestTemplate
    /// When, and how often.
    public internal(set) var schedule: PollSchedule
    /// Where the status is.
    public let statusPointer: JSONPointer
    /// What the provider's words mean; a word that is not here means keep polling.
    public let statuses: [String: ProviderStatus]
    /// Where an error can be that turns a status of success into a failure.
    public let failedIf: [JSONPointer]
}

/// When to poll, in milliseconds: first after `first`, then after intervals that grow by a factor up to a ceiling.
public struct PollSchedule: Hashable, Sendable {
    /// From acceptance to the first poll.
    public let firstMilliseconds: Int64
    /// From the first poll to the second.
    public let intervalMilliseconds: Int64
    /// How much longer each interval is than the one before, in hundredths: 150 for half as long again.
    public let growthPercent: Int64
    /// The longest interval.
    public let ceilingMilliseconds: Int64

    /// Makes a schedule.
    public init(
        firstMilliseconds: Int64,
        intervalMilliseconds: Int64,
        growthPercent: Int64,
        ceilingMilliseconds: Int64
    ) {
        self.firstMilliseconds = firstMilliseconds
        self.intervalMilliseconds = intervalMilliseconds
        self.growthPercent = growthPercent
        self.ceilingMilliseconds = ceilingMilliseconds
    }
}

/// What a provider's status word means to us.
public enum ProviderStatus: String, Hashable, Sendable, CaseIterable {
    case queued, running, succeeded, failed, cancelled, expired
    /// Succeeded if the whole result is there, and not ended otherwise.
    case succeededIfComplete
}

/// How a vendor is asked to give up work.
public struct CancelRule: Hashable, Sendable {
    /// The request.
    public internal(set) var request: RequestTemplate
    /// Statuses of the work in which it may be asked, looked up by a poll before; empty when it may be asked at any
    /// time.
    public let allowedIn: Set<ProviderStatus>
    /// What the answer means, by vendor code or HTTP status; whatever is not here says nothing.
    public let answers: [String: Answer]

    /// What an answer can mean.
    public enum Answer: String, Hashable, Sendable, CaseIterable {
        /// It was not begun and never will be.
        case cancelled
        /// The wish was taken; the work may end either way.
        case requested
        /// It ended before.
        case alreadyEnded
        /// It can't be cancelled, or not any more.
        case notPossible
    }
}

/// How a vendor is searched for work by our own id.
public struct LookUpRule: Hashable, Sendable {
    /// The request.
    public internal(set) var request: RequestTemplate
    /// Where the provider's id of the work is.
    public let idPointer: JSONPointer
    /// An array that is empty when there is no such work.
    public let listPointer: JSONPointer?
    /// Vendor codes or HTTP statuses that say for certain that there is no such work.
    public let absent: Set<String>
}
