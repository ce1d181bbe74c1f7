/// A command's request as its sender's idempotency key makes it known again.
public struct IdempotentRequest: Hashable, Sendable {
    /// The SHA-256 of the key; keys belong to accounts.
    public let key: Digest
    /// The SHA-256 of everything that makes it the same request.
    public let fingerprint: Digest
    /// What it is answered once the command is done, but for the moment of that; nil for a run, whose answer its end knows.
    public let answer: AnswerDraft?

    /// Makes the mark of a request.
    public init(key: Digest, fingerprint: Digest, answer: AnswerDraft? = nil) {
        self.key = key
        self.fingerprint = fingerprint
        self.answer = answer
    }
}

/// What the first request under an idempotency key has led to.
public struct IdempotencyClaim: Hashable, Sendable {
    /// The SHA-256 of the key.
    public let key: Digest
    /// The SHA-256 of everything that makes it the same request.
    public let fingerprint: Digest
    /// The run that it led to; nil when it was for something else.
    public let executionID: ExecutionID?
    /// The request itself.
    public let requestID: RequestID?

    /// Makes a claim.
    public init(key: Digest, fingerprint: Digest, executionID: ExecutionID?, requestID: RequestID?) {
        self.key = key
        self.fingerprint = fingerprint
        self.executionID = executionID
        self.requestID = requestID
    }
}

/// An answer as it was given, to be given again byte for byte.
public struct RecordedAnswer: Hashable, Sendable {
    /// The HTTP status.
    public let status: Int16
    /// The header fields that belong to it, a line `name: value` each.
    public let headers: String
    /// The body.
    public let body: [UInt8]

    /// Makes an answer.
    public init(status: Int16, headers: String, body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// An answer but for one thing that only the ledger's decision knows: what a run has cost, or when something was done.
public struct AnswerDraft: Hashable, Sendable {
    /// The HTTP status.
    public let status: Int16
    /// The header fields that belong to it, a line `name: value` each.
    public let headers: String
    /// The body up to where that belongs first, or all of it.
    public let body: [UInt8]
    /// What follows each place where it belongs; empty for an answer that does not name it.
    public let rest: [[UInt8]]

    /// Makes a draft.
    public init(status: Int16, headers: String, body: [UInt8], rest: [[UInt8]] = []) {
        self.status = status
        self.headers = headers
        self.body = body
        self.rest = rest
    }

    /// Makes the draft of an answer that is known already.
    public init(_ answer: RecordedAnswer) {
        self.init(status: answer.status, headers: answer.headers, body: answer.body)
    }

    /// The answer, with what was charged.
    public func answer(charged: Credits) -> RecordedAnswer { filled(with: charged.description) }

    /// The answer, with the moment of the decision.
    public func answer(at moment: Timestamp) -> RecordedAnswer { filled(with: moment.rfc3339) }

    private func filled(with text: String) -> RecordedAnswer {
        let body = rest.reduce(into: body) { body, part in
            body += text.utf8
            body += part
        }
        return RecordedAnswer(status: status, headers: headers, body: body)
    }

    /// What the draft holds in memory, roughly.
    public var byteCount: Int { headers.utf8.count + body.count + rest.reduce(0) { $0 + $1.count } }
}

extension Decider {
    enum Repetition {
        case none
        case same(IdempotencyClaim)
        case other
    }

    /// Whether the command's request was there before, by its idempotency key.
    var repetition: Repetition {
        guard let request = command.idempotency, let claim = state.claims[request.key] else { return .none }
        return claim.fingerprint == request.fingerprint ? .same(claim) : .other
    }

    /// Notes a command that was carried out under its key. Refusals leave a key free.
    mutating func claim(_ decision: Decision) {
        guard let request = command.idempotency else { return }
        var executionID: ExecutionID?
        switch decision.verdict {
        case .admitted(let admission): executionID = admission.executionID
        case .done, .saved: break
        default: return
        }
        state.claims[request.key] = IdempotencyClaim(
            key: request.key,
            fingerprint: request.fingerprint,
            executionID: executionID,
            requestID: command.requestID
        )
    }
}
