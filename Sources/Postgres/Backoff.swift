/// How long to wait before connecting again: doubling from a base up to a cap, with full jitter above half.
struct Backoff: Sendable {
    var base: Duration = .milliseconds(50)
    var cap: Duration = .seconds(5)
    private var failures = 0

    init(base: Duration = .milliseconds(50), cap: Duration = .seconds(5)) {
        self.base = base
        self.cap = cap
    }

    /// The next wait, between half and the whole of the doubled delay, so that many clients don't return together.
    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        // 20 doublings exceed any cap that makes sense and can't overflow.
        let delay = min(cap, base * (1 << min(failures, 20)))
        failures += 1
        return delay * Double.random(in: 0.5...1, using: &generator)
    }

    /// A connection stood: the next failure starts from the base again.
    mutating func reset() { failures = 0 }
}
