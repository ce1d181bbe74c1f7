internal import Registry

/// When to ask a provider about a task, and when to stop. Pure: time comes in as durations since the task was accepted.
///
///     start ──► waiting ──wake──► polling ──not ended, or no answer──► waiting
///                  │
///                  └─ no time left ──► over
struct PollingMachine: Sendable {
    /// What the caller does next.
    enum Action: Hashable, Sendable {
        /// Wait until then, and call `woke`.
        case sleep(until: Duration)
        /// Ask; when the work has not ended, call `notEnded`.
        case poll
        /// There is no time left.
        case deadlinePassed
    }

    private let schedule: PollSchedule
    private let deadline: Duration
    private var interval: Duration
    private var wakeAt: Duration

    /// Makes a machine for a task that was accepted at zero and must have ended by `deadline`.
    init(schedule: PollSchedule, deadline: Duration) {
        self.schedule = schedule
        self.deadline = deadline
        self.interval = .milliseconds(schedule.intervalMilliseconds)
        self.wakeAt = .milliseconds(schedule.firstMilliseconds)
    }

    /// The time just before the deadline at which a last poll is made, so that no work done in the end is missed.
    private var lastPoll: Duration { deadline - min(.seconds(1), deadline / 10) }

    /// The first action.
    mutating func start() -> Action { wait(until: wakeAt, now: .zero) }

    /// The time that `sleep` named has come, or not yet.
    mutating func woke(at now: Duration) -> Action {
        guard now < deadline else { return .deadlinePassed }
        return now < wakeAt ? .sleep(until: wakeAt) : .poll
    }

    /// The work goes on, or the poll said nothing about it.
    ///
    /// - Parameters:
    ///   - retryAfter: how long the provider asked to be left alone.
    ///   - now: the time.
    mutating func notEnded(retryAfter: Duration?, at now: Duration) -> Action {
        let next = now + max(interval, retryAfter ?? .zero)
        interval = min(interval * Int(schedule.growthPercent) / 100, .milliseconds(schedule.ceilingMilliseconds))
        return wait(until: next, now: now)
    }

    private mutating func wait(until next: Duration, now: Duration) -> Action {
        // Once the last poll has been made, what remains of the time can't change the answer.
        guard now < lastPoll else { return .deadlinePassed }
        wakeAt = min(next, lastPoll)
        return .sleep(until: wakeAt)
    }
}
