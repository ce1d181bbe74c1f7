internal import Registry

/// When to ask a provider about a task, and when to stop. Pure: time comes in as durations since the task was accepted.
///
///     start ──► waiting ──wake──► polling ──answer: not ended, or no answer──► waiting
///                  │                 │
///                  └─ no time left   └─ answer: ended ──► ended
struct PollingMachine: Sendable {
    /// What the caller does next.
    enum Action: Hashable, Sendable {
        /// Wait until then, and call `woke`.
        case sleep(until: Duration)
        /// Ask, and call `answered` or `gotNoAnswer`.
        case poll
        /// It is over.
        case end(End)
    }

    /// How it ended.
    enum End: Hashable, Sendable {
        case succeeded, failed, cancelled, expired, deadlinePassed
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
        guard now < deadline else { return .end(.deadlinePassed) }
        return now < wakeAt ? .sleep(until: wakeAt) : .poll
    }

    /// The provider answered with a status; nil for a word that the definition does not know.
    mutating func answered(_ status: ProviderStatus?, at now: Duration) -> Action {
        switch status {
        case .succeeded: .end(.succeeded)
        case .failed: .end(.failed)
        case .cancelled: .end(.cancelled)
        case .expired: .end(.expired)
        case .queued, .running, .succeededIfComplete, nil: waitForNext(at: now, atLeast: .zero)
        }
    }

    /// The poll failed: it says nothing about the task, so it is made again.
    ///
    /// - Parameters:
    ///   - retryAfter: how long the provider asked to be left alone.
    ///   - now: the time.
    mutating func gotNoAnswer(retryAfter: Duration?, at now: Duration) -> Action {
        waitForNext(at: now, atLeast: retryAfter ?? .zero)
    }

    private mutating func waitForNext(at now: Duration, atLeast pause: Duration) -> Action {
        let next = now + max(interval, pause)
        interval = min(interval * Int(schedule.growthPercent) / 100, .milliseconds(schedule.ceilingMilliseconds))
        return wait(until: next, now: now)
    }

    private mutating func wait(until next: Duration, now: Duration) -> Action {
        // Once the last poll has been made, what remains of the time can't change the answer.
        guard now < lastPoll else { return .end(.deadlinePassed) }
        wakeAt = min(next, lastPoll)
        return .sleep(until: wakeAt)
    }
}
