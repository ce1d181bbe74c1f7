/// The right to use one connection of the pool until it is given back or the connection is lost.
struct Lease: Equatable, Sendable {
    let slot: Int
    let generation: UInt64
}

/// Who has which session, and who waits for one. Pure: events come in, actions go out.
///
/// ```
///   down ──ready──▶ idle ──lease──▶ leased ──release──▶ idle (or straight to the first waiter)
///     ▲               │                │
///     └──── lost ─────┴──── lost ──────┘     the generation grows, so an old lease can't touch the new connection
/// ```
struct SessionPoolStateMachine<Waiter> {
    enum LeaseAction: Equatable {
        case granted(Lease)
        /// Queued; the loop must look at its timers again if this deadline is now the earliest.
        case queued(isEarliest: Bool)
        case refuse(PostgresError.Code)
    }

    enum ReadyAction {
        case none
        case hand(Lease, to: Waiter)
    }

    private enum State { case down, idle, leased }

    private struct Slot {
        var state = State.down
        var generation: UInt64 = 0
    }

    private struct Waiting {
        let id: UInt64
        let deadline: ContinuousClock.Instant
        let waiter: Waiter
    }

    let maximumWaiting: Int
    private var slots: [Slot]
    /// The idle slots; the last returned goes first, because its server process has warm caches.
    private var idle: [Int] = []
    private var waiting: [Waiting] = []
    private(set) var earliestDeadline: ContinuousClock.Instant?
    private(set) var isClosed = false

    init(slotCount: Int, maximumWaiting: Int) {
        self.slots = Array(repeating: Slot(), count: slotCount)
        self.maximumWaiting = maximumWaiting
    }

    var waitingCount: Int { waiting.count }
    var connectedCount: Int { slots.count { $0.state != .down } }
    var leasedCount: Int { slots.count { $0.state == .leased } }

    /// An idle session, if there is one; then nobody waits.
    mutating func leaseIdle() -> Lease? {
        guard !isClosed, let slot = idle.popLast() else { return nil }
        slots[slot].state = .leased
        return Lease(slot: slot, generation: slots[slot].generation)
    }

    /// Someone wants a session.
    mutating func lease(id: UInt64, deadline: ContinuousClock.Instant, waiter: @autoclosure () -> Waiter) -> LeaseAction
    {
        if isClosed { return .refuse(.closed) }
        if let lease = leaseIdle() { return .granted(lease) }
        if waiting.count >= maximumWaiting { return .refuse(.overloaded) }
        waiting.append(Waiting(id: id, deadline: deadline, waiter: waiter()))
        let isEarliest = earliestDeadline.map { deadline < $0 } ?? true
        if isEarliest { earliestDeadline = deadline }
        return .queued(isEarliest: isEarliest)
    }

    /// A connection stands and its catalogue is prepared.
    mutating func sessionReady(slot: Int) -> ReadyAction {
        precondition(slots[slot].state == .down, "a session became ready twice")
        return makeAvailable(slot)
    }

    /// A lease is given back, with no transaction open. An old lease of a lost connection changes nothing.
    mutating func release(_ lease: Lease) -> ReadyAction {
        guard slots[lease.slot].generation == lease.generation, slots[lease.slot].state == .leased else { return .none }
        return makeAvailable(lease.slot)
    }

    /// A connection is gone.
    mutating func sessionLost(slot: Int) {
        if slots[slot].state == .idle { idle.removeAll { $0 == slot } }
        slots[slot].state = .down
        slots[slot].generation += 1
    }

    /// The generation that the next connection of a slot has.
    func generation(slot: Int) -> UInt64 { slots[slot].generation }

    /// Someone stopped waiting; nil when the wait was over already.
    mutating func cancel(id: UInt64) -> Waiter? {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        let waiter = waiting.remove(at: index).waiter
        updateEarliestDeadline()
        return waiter
    }

    /// Time passed: those whose deadline is over stop waiting.
    mutating func expire(now: ContinuousClock.Instant) -> [Waiter] {
        guard let earliestDeadline, earliestDeadline <= now else { return [] }
        let expired = waiting.filter { $0.deadline <= now }.map(\.waiter)
        waiting.removeAll { $0.deadline <= now }
        updateEarliestDeadline()
        return expired
    }

    /// No more leases; everyone who waits is told so.
    mutating func close() -> [Waiter] {
        isClosed = true
        let waiters = waiting.map(\.waiter)
        waiting = []
        earliestDeadline = nil
        return waiters
    }

    private mutating func makeAvailable(_ slot: Int) -> ReadyAction {
        guard !waiting.isEmpty else {
            slots[slot].state = .idle
            idle.append(slot)
            return .none
        }
        slots[slot].state = .leased
        let next = waiting.removeFirst()
        if next.deadline == earliestDeadline { updateEarliestDeadline() }
        return .hand(Lease(slot: slot, generation: slots[slot].generation), to: next.waiter)
    }

    private mutating func updateEarliestDeadline() { earliestDeadline = waiting.lazy.map(\.deadline).min() }
}
