/// How an account is topped up by itself: rules, and where the latest attempt is. A pure state machine; its events are the
/// account's events.
///
/// ```
///            started                  failed, and not too often in a row
///    ┌──► idle ───────► attempt open ──────────────────────────────────────► idle
///    │ set                │        │ paid: failures are forgotten
///    └── breaker open ◄───┘        └───────────────────────────────────────► idle
///              failed once too often in a row
/// ```
///
/// At most one attempt is open, a UTC day has at most so many, and an open breaker stays open until the rules are set anew.
public struct AutoTopUp: Hashable, Sendable {
    /// When an account is topped up, and by how much.
    public struct Rules: Hashable, Sendable {
        /// Posted credits below which an attempt is due; above zero.
        public let threshold: Credits
        /// Credits that one attempt buys; above zero.
        public let amount: Credits
        /// Attempts that a UTC day may see, 1 to 24.
        public let attemptsPerDay: Int64
        /// Failures in a row that open the breaker, 1 to 10.
        public let failuresToOpen: Int64
        /// Makes rules.
        public init(threshold: Credits, amount: Credits, attemptsPerDay: Int64 = 3, failuresToOpen: Int64 = 3) {
            self.threshold = threshold
            self.amount = amount
            self.attemptsPerDay = attemptsPerDay
            self.failuresToOpen = failuresToOpen
        }

        /// Whether every number is within its bounds.
        public var isValid: Bool {
            threshold.isPositive && amount.isPositive && (1...24).contains(attemptsPerDay)
                && (1...10).contains(failuresToOpen)
        }
    }

    /// Where it is.
    public enum Phase: String, Hashable, Sendable, CaseIterable {
        case idle
        case attemptOpen = "attempt_open"
        case breakerOpen = "breaker_open"
    }

    /// Why no attempt can start now.
    public enum Obstacle: String, Hashable, Sendable, CaseIterable {
        case off
        case attemptOpen = "attempt_open"
        case breakerOpen = "breaker_open"
        case balanceEnough = "balance_enough"
        case budgetSpent = "budget_spent"
    }

    /// An attempt whose end is not known.
    public struct Attempt: Hashable, Sendable {
        /// The attempt: the pot that it fills when it is paid.
        public let id: PotID
        /// Credits that it buys.
        public let amount: Credits
        /// When it was started.
        public let startedAt: Timestamp
        /// Makes an attempt.
        public init(id: PotID, amount: Credits, startedAt: Timestamp) {
            self.id = id
            self.amount = amount
            self.startedAt = startedAt
        }
    }

    /// The rules; nil while it is switched off.
    public var rules: Rules?
    /// The attempt that is open.
    public var attempt: Attempt?
    /// Whether too many attempts failed in a row.
    public var isBroken = false
    /// Attempts that failed in a row.
    public var failures: Int64 = 0
    /// The UTC day, counted from 1970-01-01, of the latest attempt.
    public var day: Int64 = 0
    /// Attempts that were started in that day.
    public var attemptsInDay: Int64 = 0

    /// Makes a machine that is off.
    public init() {}

    /// Where it is.
    public var phase: Phase { attempt != nil ? .attemptOpen : isBroken ? .breakerOpen : .idle }

    /// Why no attempt can start at a moment with so many credits posted; nil when one is due.
    public func obstacle(posted: Credits, at moment: Timestamp) -> Obstacle? {
        if attempt != nil { return .attemptOpen }
        guard let rules else { return .off }
        if isBroken { return .breakerOpen }
        if posted >= rules.threshold { return .balanceEnough }
        return moment.utcDay == day && attemptsInDay >= rules.attemptsPerDay ? .budgetSpent : nil
    }

    /// Rules were set, or taken away: failures are forgotten, and the breaker closes.
    public mutating func set(_ rules: Rules?) {
        self.rules = rules
        isBroken = false
        failures = 0
    }

    /// An attempt was started.
    public mutating func started(_ attempt: PotID, amount: Credits, at moment: Timestamp) {
        precondition(self.attempt == nil, "a second attempt while one is open")
        self.attempt = Attempt(id: attempt, amount: amount, startedAt: moment)
        attemptsInDay = moment.utcDay == day ? attemptsInDay + 1 : 1
        day = moment.utcDay
    }

    /// The open attempt was paid.
    public mutating func paid() {
        attempt = nil
        failures = 0
    }

    /// The open attempt failed.
    public mutating func failed() {
        attempt = nil
        failures += 1
        isBroken = rules.map { failures >= $0.failuresToOpen } ?? false
    }
}

extension Timestamp {
    /// Whole days since 1970-01-01, in UTC.
    public var utcDay: Int64 {
        // 1,440 minutes a day.
        let (quotient, remainder) = minute.quotientAndRemainder(dividingBy: 1_440)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
