/// How a provider is spoken to.
public enum ProviderKind: String, Hashable, Sendable, CaseIterable {
    /// One request, whose answer is the result.
    case http
    /// A request that is accepted with an id, then asked about until it has ended.
    case httpPolling
    /// fal's queue: polled too, but the result is fetched from a place of its own, and only its status tells failure.
    case fal
    /// Anthropic's Messages: one request whose answer is a stream of events.
    case anthropic

    /// Whether work is accepted with an id, to be asked about.
    public var isPolled: Bool { self == .httpPolling || self == .fal }
}

/// A provider's wire as data, for one model: everything that differs between vendors that are spoken to in the same way.
public struct ProviderBinding: Hashable, Sendable {
    /// The provider's name, for events, logs and limits; never a URL.
    public let name: String
    /// How it is spoken to.
    public let kind: ProviderKind
    /// The only host that is ever sent a key; links that a provider returns must point there.
    public let origin: ProviderOrigin
    /// A token to be signed for each request, for vendors that want one.
    public let token: TokenRule?
    /// The request that does, or asks for, the work. It is the one that costs money and is never sent twice.
    public internal(set) var submit: SubmitRule
    /// How to ask for the outcome; nil when the answer to the submit is the result.
    public internal(set) var poll: PollRule?
    /// Where the result is.
    public internal(set) var result: ResultRule
    /// How to ask for work to be given up; nil when the vendor has no way.
    public internal(set) var cancel: CancelRule?
    /// How to search for work by our own id; nil when the vendor has no way.
    public internal(set) var lookUp: LookUpRule?
    /// How the vendor signs what it calls back with.
    public let callback: CallbackRule
    /// Where errors are, and whose they are.
    public let errors: ErrorRule
    /// Where the provider says what it delivered.
    public internal(set) var usage: UsageRule
    /// How much is asked of it at once, and when to leave it alone.
    public let limits: ProviderLimits
}

extension ProviderBinding: CustomStringConvertible, CustomDebugStringConvertible {
    /// The name alone: the templates hold keys, which must not end up in a log.
    public var description: String { name }
    /// The name alone.
    public var debugDescription: String { name }
}

/// The scheme, host and port of an HTTP URL (RFC 6454).
public struct ProviderOrigin: Hashable, Sendable, CustomStringConvertible {
    /// `http` or `https`.
    public let scheme: String
    /// In lower case.
    public let host: String
    /// The port, the scheme's own when the URL names none.
    public let port: Int

    /// Reads an absolute URL; nil when it is none, and when it has user information, spaces, backslashes or controls.
    public init?(url: String) {
        guard let colon = url.firstRange(of: "://") else { return nil }
        let scheme = url[..<colon.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let isPlain = url.unicodeScalars.allSatisfy { (0x21...0x7E).contains($0.value) && $0 != "\\" }
        guard isPlain else { return nil }
        let authority = url[colon.upperBound...].prefix { !"/?#".contains($0) }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        var host = authority
        var port = scheme == "https" ? 443 : 80
        // The colons of an IPv6 address are inside its brackets.
        if let last = authority.lastIndex(of: ":"), !authority[last...].contains("]") {
            guard let number = Int(authority[authority.index(after: last)...]), (1...65_535).contains(number) else {
                return nil
            }
            host = authority[..<last]
            port = number
        }
        guard !host.isEmpty else { return nil }
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
    }

    /// As in a URL.
    public var description: String { "\(scheme)://\(host):\(port)" }
}

/// A JSON web token (RFC 7519) signed with HMAC SHA-256, as Kling wants one.
public struct TokenRule: Hashable, Sendable {
    /// The `iss`.
    public let accessKey: String
    /// The key of the signature.
    public let secretKey: String
    /// From now to `exp`.
    public let lifetimeSeconds: Int64
}

/// Where the result is in the answer.
public struct ResultRule: Hashable, Sendable {
    /// The request that fetches the result of work that is done; nil when the poll's answer has it.
    public internal(set) var request: RequestTemplate?
    /// The string that holds a JSON document of its own, for vendors that wrap results so; nil for the answer itself.
    public let embeddedDocument: JSONPointer?
    /// Where the outputs are: each pointer selects strings, or arrays of strings.
    public internal(set) var outputs: [JSONPointer]
    /// What the outputs are when they are base64 text and not URLs; nil for URLs and plain text.
    public let base64: Base64Rule?

    /// The media type of base64 outputs.
    public struct Base64Rule: Hashable, Sendable {
        /// Where the answer says which it is.
        public let typePointer: JSONPointer?
        /// From the vendor's word to a media type.
        public let types: [String: String]
        /// The type when the answer does not say.
        public let fallback: String
    }
}

/// Where the provider says what it delivered.
public struct UsageRule: Hashable, Sendable {
    /// Delivered units of the price rule.
    public internal(set) var units: JSONPointer?
    /// What it charges us, in micro-USD.
    public let microUSD: JSONPointer?
    /// What it charges us, as a list of charges.
    public let charges: ChargeRule?
    /// Tokens read: the sum of all that are there.
    public let inputTokens: [JSONPointer]
    /// Tokens written: the sum of all that are there.
    public let outputTokens: [JSONPointer]

    /// Charges in dollars, if each of them is one.
    public struct ChargeRule: Hashable, Sendable {
        /// The list.
        public let list: JSONPointer
        /// In each of its elements, dollars as a decimal.
        public let amount: JSONPointer
        /// What members of each element must be for the amount to mean that.
        public let only: [String: String]
    }
}

/// Whose failure it is, or that it is no certain failure at all.
public enum ErrorClass: String, Hashable, Sendable, CaseIterable {
    /// The inputs were refused: the customer can change them.
    case user
    /// The provider could not do it.
    case provider
    /// Our account, key or definition is at fault: someone here must act.
    case us
    /// Certainly not accepted: may be submitted again after a pause, as far as the retry budget goes.
    case retry
    /// Certainly not accepted, for want of a free slot: goes back to the queue, which costs no retry.
    case requeue
    /// The work may have been accepted or done all the same.
    case unresolved
}

/// Where errors are, and whose they are.
public struct ErrorRule: Hashable, Sendable {
    /// Where the vendor's code can be; the first that `classes` knows counts, else the first there is.
    public let codes: [Source]
    /// Where the vendor's words can be; the first place that has some counts.
    public let messages: [JSONPointer]
    /// By vendor code or HTTP status; a code is looked up before a status.
    public let classes: [String: ErrorClass]

    /// A place for a code.
    public enum Source: Hashable, Sendable {
        /// In the body.
        case body(JSONPointer)
        /// A header of the answer, in lower case.
        case header(String)
    }
}

/// How a vendor signs its callbacks. A callback is a hint to poll, whoever sent it; its body settles nothing.
public struct CallbackRule: Hashable, Sendable {
    /// What the signature is.
    public enum Verifier: String, Hashable, Sendable, CaseIterable {
        /// The vendor signs nothing: only the URL is secret.
        case none
        /// fal: Ed25519 over request id, user id, timestamp and the body's SHA-256, keys from a JWKS.
        case falEd25519
        /// Standard Webhooks (HMAC SHA-256, `whsec_` secrets).
        case standardWebhooks
    }

    /// What the signature is.
    public let verifier: Verifier
    /// `whsec_…`, one or, during a rotation, several; for `standardWebhooks`.
    public let secrets: [String]
    /// Where the public keys are; for `falEd25519`.
    public let keysURL: String?

    /// No signature.
    public static let unsigned = CallbackRule(verifier: .none, secrets: [], keysURL: nil)
}

/// How much is asked of a provider at once by one process, and when it is left alone.
public struct ProviderLimits: Hashable, Sendable {
    /// Runs that the provider may have under way.
    public var concurrency = 1_024
    /// Runs that may wait for one of these to end.
    public var queue = 1_024
    /// Submits after the first, for one run.
    public var retries = 3
    /// How much of a retry each first submit earns, in hundredths.
    public var retryBudgetPercent = 10
    /// The most retries that can be saved up.
    public var retryBudgetBurst = 10
    /// The breaker looks at this many outcomes, the latest.
    public var breakerWindow = 20
    /// It opens when this share of them failed, in hundredths, and half of the window is known.
    public var breakerFailurePercent = 80
    /// How long it stays open before one run may try.
    public var breakerOpenSeconds = 30
    /// The largest answer that is read, in bytes.
    public var maximumAnswerBytes = 8 << 20

    /// The defaults.
    public init() {}
}
