/// When a delivery is tried again, and when it has ended. Pure: time and chance come in as values.
///
/// ```
///            2xx ──────────────► delivered
/// waiting ──┼─ 410 ────────────► disabled, and its webhook with it
///    ▲      └─ anything else ──► waiting, or failed after the last attempt
///    └───────────────────────────┘
/// ```
struct DeliverySchedule {
    /// How an attempt ended.
    enum Outcome: Hashable, Sendable {
        /// An answer came.
        case answered(status: Int, retryAfterSeconds: Int64?)
        /// None came, or the address was refused.
        case unanswered
    }

    /// What follows from it.
    enum Next: Hashable, Sendable {
        case delivered
        case disabled
        case failed
        case retry(afterSeconds: Int64)
    }

    /// How long to wait before each attempt, from the end of the one before: nine in all (api-contract, section 8.13).
    static let waitsSeconds: [Int64] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000]
    /// The last attempt is made no later than this after the delivery was made.
    static let horizonSeconds: Int64 = 172_800

    /// - Parameters:
    ///   - outcome: how an attempt ended.
    ///   - attempt: its number, from 1.
    ///   - ageSeconds: how long ago the delivery was made.
    ///   - fraction: a random number from 0 to 1.
    static func next(after outcome: Outcome, attempt: Int, ageSeconds: Int64, fraction: Double) -> Next {
        var leastSeconds: Int64 = 0
        var factor = 1.0
        if case .answered(let status, let retryAfter) = outcome {
            if (200..<300).contains(status) { return .delivered }
            if status == 410 { return .disabled }
            leastSeconds = min(max(0, retryAfter ?? 0), 86_400)
            // The receiver is overloaded, or what stands before it is: twice as long.
            if [429, 502, 504].contains(status) { factor = 2 }
        }
        guard attempt < waitsSeconds.count, ageSeconds < horizonSeconds else { return .failed }
        // A tenth more or less, so that what failed together is not tried together.
        let jittered = Int64(Double(waitsSeconds[attempt]) * factor * (0.9 + 0.2 * fraction))
        let wait = max(leastSeconds, max(1, jittered))
        return .retry(afterSeconds: min(wait, max(1, horizonSeconds - ageSeconds)))
    }
}
