/// Work that a provider has accepted, as whoever asks about it later needs it.
public struct ProviderTask: Hashable, Sendable {
    /// The provider's id of the work.
    public let id: String
    /// Links the provider gave for it, by what they are for: `status`, `result`, `cancel`. Empty when the definition's
    /// templates say where to ask.
    public let links: [String: String]

    /// Makes a task.
    public init(id: String, links: [String: String] = [:]) {
        self.id = id
        self.links = links
    }
}

/// How one attempt to submit ended.
public enum SubmitOutcome: Hashable, Sendable {
    /// The provider works on it.
    case accepted(ProviderTask)
    /// It has ended, or may have been accepted and can't be asked about.
    case ended(DispatchOutcome)
    /// It was certainly not accepted, and may be submitted again: too many runs under way, a rate limit, an open circuit
    /// breaker, a connection that could not be made.
    ///
    /// - Parameters:
    ///   - DispatchFailure: what to tell the customer if there is no time for another attempt.
    ///   - costsRetry: whether the next attempt is one of the retries that the definition allows; false where the run
    ///     only waits for a free slot or for the breaker.
    ///   - retryAfter: how long to leave the provider alone; nil for the caller's own backoff.
    case notAccepted(DispatchFailure, costsRetry: Bool, retryAfter: Duration?)
}

/// What one question about accepted work has taught.
public enum PollOutcome: Hashable, Sendable {
    /// It goes on, or the answer says nothing: ask again.
    ///
    /// - Parameter retryAfter: how long the provider asked to be left alone.
    case pending(retryAfter: Duration?)
    /// It has ended.
    case ended(DispatchOutcome)
}

/// What became of a wish to cancel.
public enum CancelOutcome: Hashable, Sendable {
    /// It was certainly not begun and never will be.
    case cancelled
    /// The provider took the wish; the work may end either way.
    case requested
    /// It ended before: ask for its result.
    case alreadyEnded
    /// The provider can't cancel, or not any more; the work goes on.
    case notPossible
    /// No answer, or none that says anything.
    case unknown
}

/// What a search by our own id has found.
public enum LookUpOutcome: Hashable, Sendable {
    /// The provider has accepted the run.
    case found(ProviderTask)
    /// The provider knows for certain that it has not.
    case absent
    /// The provider can't be searched, or gave no answer.
    case unknown
}
