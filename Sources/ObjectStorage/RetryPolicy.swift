/// How often and when something is tried again: exponential backoff with full jitter up to a ceiling.
struct RetryPolicy: Sendable {
    var attempts: Int
    var base = Duration.milliseconds(100)
    var ceiling = Duration.seconds(5)

    /// How long to wait before the next attempt.
    ///
    /// - Parameters:
    ///   - failed: how many attempts have failed, from 1.
    ///   - fraction: a random number from 0 to 1.
    /// - Returns: nil when there is none left.
    func delay(afterFailed failed: Int, fraction: Double) -> Duration? {
        guard failed < attempts else { return nil }
        // 16 doublings of 100 ms are far above any ceiling.
        let bound = min(ceiling, base * (1 << min(failed - 1, 16)))
        return bound * (0.5 + fraction / 2)
    }
}
