/// The time that a simulator goes by, so that tests can let it pass as they like.
public struct SimulatorClock: Sendable {
    /// Milliseconds since 1970.
    public let milliseconds: @Sendable () -> Int64

    /// Makes a clock from a function that gives milliseconds since 1970 and never goes back.
    public init(milliseconds: @escaping @Sendable () -> Int64) { self.milliseconds = milliseconds }
}

/// How far one task is: a pure value that is told the time.
///
/// `queued → running → succeeded | failed | expired`, or `cancelled` from either of the first two.
struct TaskProgress: Hashable, Sendable {
    /// What a task comes to when nobody stops it.
    enum Ending: Hashable, Sendable {
        case succeeds
        case fails
        /// Fails because its output is against the vendor's rules.
        case breaksPolicy
        /// Is given up by the vendor.
        case expires
        /// Stays at work for ever.
        case never
    }

    /// What a task is at.
    enum State: String, Hashable, Sendable {
        case queued, running, succeeded, failed, cancelled, expired

        /// Whether nothing can follow.
        var isEnd: Bool { self != .queued && self != .running }
    }

    /// When it was accepted, in milliseconds since 1970.
    let acceptedAt: Int64
    /// When it leaves the queue.
    let startsAt: Int64
    /// When it comes to its ending.
    let endsAt: Int64
    /// What it comes to.
    let ending: Ending
    /// When it was stopped, if it was.
    private(set) var cancelledAt: Int64?
    /// Whether it was stopped before it left the queue.
    private(set) var wasCancelledInQueue = false

    /// Makes a task that waits for the first quarter of its time.
    init(acceptedAt: Int64, durationMilliseconds: Int64, ending: Ending) {
        self.acceptedAt = acceptedAt
        self.startsAt = acceptedAt + durationMilliseconds / 4
        self.endsAt = acceptedAt + durationMilliseconds
        self.ending = ending
    }

    /// What it is at.
    func state(at now: Int64) -> State {
        if let cancelledAt, now >= cancelledAt { return .cancelled }
        if now < startsAt { return .queued }
        if now < endsAt || ending == .never { return .running }
        switch ending {
        case .succeeds: return .succeeded
        case .fails, .breaksPolicy: return .failed
        case .expires: return .expired
        case .never: return .running
        }
    }

    /// When it came to what it is at.
    func changedAt(_ now: Int64) -> Int64 {
        switch state(at: now) {
        case .queued: acceptedAt
        case .running: startsAt
        case .cancelled: cancelledAt ?? now
        case .succeeded, .failed, .expired: endsAt
        }
    }

    /// Stops it if it is at one of `states`.
    ///
    /// - Returns: what it was at before.
    mutating func cancel(at now: Int64, while states: Set<State>) -> State {
        let state = state(at: now)
        guard states.contains(state) else { return state }
        cancelledAt = now
        wasCancelledInQueue = state == .queued
        return state
    }
}
