internal import Ledger
internal import Registry

/// Decides when a provider is asked for work: slots for what is under way, a queue before them, a budget of retries, and
/// a circuit breaker. Pure: time comes in.
///
/// The breaker:
///
///     closed ──enough failures──► open ──time passed, one run tries──► half-open ──success──► closed
///                                   ▲                                      │
///                                   └───────────────failure────────────────┘
struct ProviderGate: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What a run that wants to be submitted is told.
    enum Entry: Hashable, Sendable {
        /// It has a slot.
        case go
        /// It is in the queue, and hears when it has a slot.
        case wait
        /// Not now.
        case refused(Refusal)
    }

    /// Why it is refused.
    enum Refusal: Hashable, Sendable {
        /// Every slot is taken, and so is every place in the queue, or nobody wants to wait.
        case saturated
        /// Too much has failed; the breaker is open for so long.
        case open(Duration)
        /// Whoever waited gave up, or ran out of time.
        case gaveUp
    }

    /// Who hears something after an event.
    struct Woken: Hashable, Sendable {
        /// They have a slot now.
        var admitted: [ExecutionID] = []
        /// They have none.
        var refused: [ExecutionID] = []
    }

    /// The breaker's state.
    enum Breaker: Hashable, Sendable {
        case closed
        case open(until: Instant)
        /// One run tries; nil while none does.
        case halfOpen(ExecutionID?)
    }

    var limits: ProviderLimits
    private(set) var breaker = Breaker.closed
    /// By when each slot is free again, even if nobody says so.
    private var slots: [ExecutionID: Instant] = [:]
    private var queue: [(id: ExecutionID, until: Instant)] = []
    /// The latest outcomes, true for success.
    private var outcomes: [Bool] = []
    /// In hundredths of a retry.
    private var budget: Int

    /// Makes a gate that is open to all.
    init(limits: ProviderLimits) {
        self.limits = limits
        self.budget = limits.retryBudgetBurst * 100
    }

    /// Runs with a slot.
    var underWayCount: Int { slots.count }
    /// Runs in the queue.
    var waitingCount: Int { queue.count }
    /// Whole retries left.
    var retriesLeft: Int { budget / 100 }

    /// A run wants to be submitted.
    ///
    /// - Parameters:
    ///   - id: the run.
    ///   - until: when its slot is free again at the latest.
    ///   - canWait: whether it may be put into the queue.
    ///   - isRetry: whether it was submitted before; only a first submit earns towards a retry.
    ///   - now: the time.
    mutating func enter(_ id: ExecutionID, until: Instant, canWait: Bool, isRetry: Bool, now: Instant) -> Entry {
        removeStale(now)
        if !isRetry { budget = min(budget + limits.retryBudgetPercent, limits.retryBudgetBurst * 100) }
        switch breaker {
        case .closed: break
        case .open(let end) where now < end: return .refused(.open(now.duration(to: end)))
        case .open, .halfOpen(nil):
            breaker = .halfOpen(id)
            slots[id] = until
            return .go
        case .halfOpen: return .refused(.open(.seconds(1)))
        }
        if slots.count < limits.concurrency, queue.isEmpty {
            slots[id] = until
            return .go
        }
        guard canWait, queue.count < limits.queue else { return .refused(.saturated) }
        queue.append((id, until))
        return .wait
    }

    /// A run that was accepted, perhaps at another time, is still under way: it has a slot, if there is one or not.
    mutating func keep(_ id: ExecutionID, until: Instant) { slots[id] = until }

    /// A run has no more need of its slot.
    mutating func leave(_ id: ExecutionID, now: Instant) -> Woken {
        slots[id] = nil
        if breaker == .halfOpen(id) { breaker = .halfOpen(nil) }
        removeStale(now)
        return wakeNext()
    }

    /// A run in the queue waits no longer.
    mutating func giveUp(_ id: ExecutionID) { queue.removeAll { $0.id == id } }

    /// Something was learned about the provider.
    ///
    /// - Parameters:
    ///   - isSuccess: whether it works: a refusal of a customer's inputs is a success, too.
    ///   - id: the run that it was learned by.
    ///   - now: the time.
    mutating func note(_ isSuccess: Bool, by id: ExecutionID, now: Instant) -> Woken {
        switch breaker {
        case .open: return Woken()
        case .halfOpen(let probe):
            // What was submitted before the breaker opened says nothing about now.
            guard probe == id else { return Woken() }
            outcomes = []
            breaker = isSuccess ? .closed : .open(until: now + .seconds(limits.breakerOpenSeconds))
        case .closed:
            outcomes.append(isSuccess)
            outcomes.removeFirst(max(0, outcomes.count - limits.breakerWindow))
            let failed = outcomes.count { !$0 }
            let isTooMuch = failed * 100 >= outcomes.count * limits.breakerFailurePercent
            guard !isSuccess, isTooMuch, outcomes.count * 2 >= limits.breakerWindow else { return Woken() }
            outcomes = []
            breaker = .open(until: now + .seconds(limits.breakerOpenSeconds))
        }
        return wakeNext()
    }

    /// Takes one retry from the budget, if there is one.
    mutating func spendRetry() -> Bool {
        guard budget >= 100 else { return false }
        budget -= 100
        return true
    }

    private mutating func removeStale(_ now: Instant) {
        slots = slots.filter { $0.value > now }
    }

    private mutating func wakeNext() -> Woken {
        var woken = Woken()
        guard case .closed = breaker else {
            woken.refused = queue.map(\.id)
            queue = []
            return woken
        }
        while slots.count < limits.concurrency, !queue.isEmpty {
            let next = queue.removeFirst()
            slots[next.id] = next.until
            woken.admitted.append(next.id)
        }
        return woken
    }
}
