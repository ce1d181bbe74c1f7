/// Someone who counts what providers are asked for: a metric.
public protocol ProviderObserver: Sendable {
    /// A provider has answered, or has not in time.
    ///
    /// - Parameters:
    ///   - provider: its name.
    ///   - operation: what it was asked for.
    ///   - outcome: what came of it; the words of ``ProviderCallOutcome``.
    ///   - duration: how long that took, without any wait for a slot.
    func called(_ provider: String, _ operation: ProviderOperation, _ outcome: ProviderCallOutcome, took: Duration)
}

/// What a provider is asked for.
public enum ProviderOperation: String, Hashable, Sendable, CaseIterable {
    /// To do a run.
    case submit
    /// What has become of one.
    case poll
}

/// What came of a call, by class.
public enum ProviderCallOutcome: String, Hashable, Sendable, CaseIterable {
    /// A result.
    case succeeded
    /// The work was accepted, and goes on.
    case accepted
    /// The work goes on.
    case pending
    /// It was certainly not accepted, and may be sent again.
    case notAccepted = "not_accepted"
    /// A failure that the inputs are to blame for.
    case userFailure = "failed_user"
    /// A failure of the provider.
    case providerFailure = "failed_provider"
    /// A failure of ours.
    case ownFailure = "failed_us"
    /// It was cancelled.
    case cancelled
    /// Nobody knows.
    case unresolved
}
