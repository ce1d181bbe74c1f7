/// How a provider is spoken to.
public enum ProviderKind: String, Hashable, Sendable, CaseIterable {
    /// One request, whose answer is the result.
    case http
    /// A request that is accepted with an id, then asked about until it has ended.
    case httpPolling
}

/// A provider's wire as data: everything that differs between vendors that are spoken to in the same way.
public struct ProviderBinding: Hashable, Sendable {
    /// The provider's name, for events, logs and limits; never a URL.
    public let name: String
    /// The request that does, or asks for, the work. It is the one that costs money and is never sent twice.
    public let submit: SubmitRule
    /// How to ask for the outcome; nil when the answer to the submit is the result.
    public let poll: PollRule?
    /// Where the result is.
    public let result: ResultRule
    /// Where errors are, and whose they are.
    public let errors: ErrorRule
    /// Where the provider says what it delivered.
    public let usage: UsageRule

    /// One request, or submit and poll.
    public var kind: ProviderKind { poll == nil ? .http : .httpPolling }
}

extension ProviderBinding: CustomStringConvertible, CustomDebugStringConvertible {
    /// The name alone: the templates hold keys, which must not end up in a log.
    public var description: String { name }
    /// The name alone.
    public var debugDescription: String { name }
}

/// A request with places to be filled in.
public struct RequestTemplate: Hashable, Sendable {
    /// Method names that a definition may use.
    public enum Method: String, Hashable, Sendable, CaseIterable { case get = "GET", post = "POST", put = "PUT" }

    /// The method.
    public let method: Method
    /// An absolute URL; values put into it are percent-encoded.
    public let url: TextTemplate
    /// Header names and values, in a fixed order.
    public let headers: [Header]
    /// The JSON body; nil for none.
    public let body: BodyTemplate?
    /// How long to wait for the whole answer, in milliseconds; nil for as long as the run may take.
    public let timeoutMilliseconds: Int64?

    /// One header.
    public struct Header: Hashable, Sendable {
        /// The name.
        public let name: String
        /// The value; only our own and the provider's ids can be put into it.
        public let value: TextTemplate
    }
}

/// The submit request and how to read its answer.
public struct SubmitRule: Hashable, Sendable {
    /// The request.
    public let request: RequestTemplate
    /// HTTP statuses that can mean accepted.
    public let acceptedStatuses: Set<Int>
    /// A code in the body that must also say so, for vendors that answer 200 to everything.
    public let acceptedBody: BodyTest?
    /// Where the provider's id of the work is.
    public let idPointer: JSONPointer?

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
    public let request: RequestTemplate
    /// When, and how often.
    public let schedule: PollSchedule
    /// Where the status is.
    public let statusPointer: JSONPointer
    /// What the provider's words mean; a word that is not here means keep polling.
    public let statuses: [String: ProviderStatus]
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
}

/// Where the result is in the answer.
public struct ResultRule: Hashable, Sendable {
    /// The string that holds a JSON document of its own, for vendors that wrap results so; nil for the answer itself.
    public let embeddedDocument: JSONPointer?
    /// Where the outputs are: each pointer selects strings, or arrays of strings.
    public let outputs: [JSONPointer]
}

/// Where the provider says what it delivered.
public struct UsageRule: Hashable, Sendable {
    /// Delivered units of the price rule.
    public let units: JSONPointer?
    /// What it charges us, in micro-USD.
    public let microUSD: JSONPointer?
}

/// Whose failure it is, or that it is no certain failure at all.
public enum ErrorClass: String, Hashable, Sendable, CaseIterable {
    /// The inputs were refused: the customer can change them.
    case user
    /// The provider could not do it.
    case provider
    /// Our account, key or definition is at fault: someone here must act.
    case us
    /// The work may have been accepted or done all the same.
    case unresolved
}

/// Where errors are, and whose they are.
public struct ErrorRule: Hashable, Sendable {
    /// Where the vendor's code can be; the first place that has one counts.
    public let codes: [JSONPointer]
    /// Where the vendor's words can be; the first place that has some counts.
    public let messages: [JSONPointer]
    /// By vendor code or HTTP status; a code is looked up before a status.
    public let classes: [String: ErrorClass]
}
