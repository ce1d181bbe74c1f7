public import Ledger
public import Registry

/// Whoever copies a result's media to storage of our own, before the run is settled.
public protocol MediaKeeper: Sendable {
    /// Copies every medium of a result, and returns the result with our URLs in place of the provider's.
    ///
    /// A copy that fails for a passing reason is tried again inside, for as long as the deadline allows. Copying the same
    /// run again writes the same objects.
    ///
    /// - Parameters:
    ///   - result: an object with `images`, `videos` or `audios`, arrays of http(s) or `data:` URLs; `text` is returned
    ///     as it is.
    ///   - executionID: the run; part of each object's name.
    ///   - deadline: after which no more is tried.
    func keep(
        _ result: JSONValue,
        of executionID: ExecutionID,
        deadline: ContinuousClock.Instant
    ) async throws(MediaFailure) -> JSONValue
}

/// Why a medium could not be kept.
public struct MediaFailure: Error, Hashable, Sendable {
    /// Whether the same copy may succeed later: storage or source did not answer. Otherwise the medium itself is at
    /// fault: too large, of a type that is not taken, at an address that must not be fetched, or gone.
    public let isTransient: Bool
    /// For operators: never for the customer.
    public let reason: String

    /// Makes a failure.
    public init(isTransient: Bool, reason: String) {
        self.isTransient = isTransient
        self.reason = reason
    }
}
