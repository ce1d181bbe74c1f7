import Ledger
import Registry

/// What is done next about a task, and what the outcome of that changes. Pure: times come in.
///
///     queued ──mark──► submitting ──accepted──► polling ──result──► keeping ──kept──► ended
///       ▲                 │   │                  ▲    │
///       └──not accepted───┘   └─► lookingUp ─────┘    └──failed, cancelled──► ended
///                                  (no answer, or the process died)
struct RunTaskMachine: Sendable {
    /// What to do.
    enum Step: Hashable, Sendable {
        /// Send the billable request; a queued task must be marked first.
        case submit
        /// Ask once about accepted work.
        case poll(ProviderTask)
        /// Ask the provider to give up accepted work.
        case cancel(ProviderTask)
        /// Search the provider for the run.
        case lookUp
        /// Copy the media of a result.
        case keep(PricedResult)
        /// Nothing is to be sent any more.
        case conclude(Conclusion)
    }

    /// What the outcome of a step changes.
    enum Conclusion: Hashable, Sendable {
        /// The task goes on then.
        case wait(RunTask, until: Timestamp)
        /// The provider has accepted the run.
        case accepted(ProviderTask, firstPollAt: Timestamp)
        /// It is not known how the run ends; the task goes on then.
        case unresolved(RunTask, reason: UnresolvedReason, until: Timestamp)
        /// The run has ended.
        case ended(RunEnd)
    }

    /// How patient a task is, beyond what its definition says.
    struct Patience: Hashable, Sendable {
        /// The pauses between attempts to submit, from the first on.
        var submitMilliseconds: ClosedRange<Int64> = 1_000...30_000
        /// The pauses between searches.
        var lookUpMilliseconds: ClosedRange<Int64> = 2_000...600_000
        /// The pauses between copies of media.
        var keepMilliseconds: ClosedRange<Int64> = 2_000...60_000
        /// The least pause between polls after the deadline.
        var overduePollMilliseconds: Int64 = 10_000
        /// How long media may be copied at least, from when the result came.
        var keepSeconds: Int64 = 900
        /// How often the provider is asked to cancel before that is given up.
        var cancelAttempts: Int32 = 3
    }

    var patience = Patience()

    /// The next step of a task that was claimed.
    func step(_ task: RunTask, now: Timestamp) -> Step {
        switch task.state {
        case .queued:
            if task.cancel != .none { return .conclude(.ended(.cancelled)) }
            guard now < task.facts.deadlineAt else {
                return .conclude(.ended(.failed(PendingOutcome(task.pending)?.failure ?? .noTimeLeft)))
            }
            return .submit
        case .submitting:
            // Whoever sent it is gone, and did not say what came of it.
            var task = task
            task.state = .lookingUp
            task.isOverdue = true
            task.attempts = 0
            return .conclude(.unresolved(task, reason: .interrupted, until: now))
        case .polling:
            guard let work = task.providerTask else { return .lookUp }
            return task.cancel == .requested ? .cancel(work) : .poll(work)
        case .lookingUp: return .lookUp
        case .keeping:
            guard let result = PendingOutcome(task.pending)?.result else {
                return .conclude(wait(task, from: now, milliseconds: patience.keepMilliseconds.upperBound))
            }
            return .keep(result)
        }
    }

    /// The submit was answered, or not.
    func submitted(_ outcome: SubmitOutcome, _ task: RunTask, _ model: RunPricing, now: Timestamp) -> Conclusion {
        switch outcome {
        case .accepted(let work):
            return .accepted(work, firstPollAt: now.adding(milliseconds: model.schedule.firstMilliseconds))
        case .ended(let outcome): return ended(outcome, task, model, now: now)
        case .notAccepted(let failure, let costsRetry, let retryAfter):
            guard !costsRetry || task.attempts < model.retries else { return .ended(.failed(failure)) }
            var task = task
            task.state = .queued
            task.pending = PendingOutcome(failure: failure).text
            let range = patience.submitMilliseconds
            // Attempts count retries only; who waits for a slot asks less often the longer it has waited.
            let waited = task.facts.admittedAt.duration(to: now).wholeMilliseconds
            let backoff =
                costsRetry
                ? range.pause(after: task.attempts) : min(max(waited / 2, range.lowerBound), range.upperBound)
            if costsRetry { task.attempts += 1 }
            let next = now.adding(milliseconds: max(backoff, retryAfter?.wholeMilliseconds ?? 0))
            guard next < task.facts.deadlineAt else { return .ended(.failed(failure)) }
            return .wait(task, until: next)
        }
    }

    /// The poll was answered, or not.
    func polled(_ outcome: PollOutcome, _ task: RunTask, _ model: RunPricing, now: Timestamp) -> Conclusion {
        switch outcome {
        case .ended(let outcome): return ended(outcome, task, model, now: now)
        case .pending(let retryAfter):
            var task = task
            task.state = .polling
            task.attempts += 1
            let deadline = task.facts.deadlineAt
            let isLate = now >= deadline
            var pause = max(model.schedule.pause(after: task.attempts), retryAfter?.wholeMilliseconds ?? 0)
            if isLate { pause = max(pause, patience.overduePollMilliseconds) }
            var next = now.adding(milliseconds: pause)
            // The deadline itself is looked at, so that a run does not stay open beyond it unnoticed.
            if !isLate { next = min(next, deadline) }
            guard isLate, !task.isOverdue else { return .wait(task, until: next) }
            task.isOverdue = true
            return .unresolved(task, reason: .deadlinePassed, until: next)
        }
    }

    /// The provider was asked to cancel.
    func cancelled(_ outcome: CancelOutcome, _ task: RunTask, _ model: RunPricing, now: Timestamp) -> Conclusion {
        var task = task
        switch outcome {
        case .cancelled: return .ended(.cancelled)
        case .unknown:
            task.attempts += 1
            if task.attempts >= patience.cancelAttempts { task.cancel = .sent }
            return .wait(task, until: now.adding(milliseconds: 1_000))
        case .requested, .notPossible, .alreadyEnded:
            task.cancel = .sent
            task.attempts = 0
            return .wait(task, until: now.adding(milliseconds: model.schedule.firstMilliseconds / 2))
        }
    }

    /// The provider was searched.
    func lookedUp(_ outcome: LookUpOutcome, _ task: RunTask, now: Timestamp) -> Conclusion {
        switch outcome {
        case .found(let work): return .accepted(work, firstPollAt: now)
        case .absent: return .ended(.failed(.neverArrived))
        case .unknown:
            var task = task
            task.state = .lookingUp
            let pause = patience.lookUpMilliseconds.pause(after: task.attempts)
            task.attempts += 1
            return wait(task, from: now, milliseconds: pause)
        }
    }

    /// Media were copied, or not.
    func kept(
        _ outcome: Result<JSONValue, MediaFailure>,
        _ result: PricedResult,
        _ task: RunTask,
        now: Timestamp
    ) -> Conclusion {
        switch outcome {
        case .success(let kept):
            var result = result
            result.result = kept
            return .ended(.succeeded(result))
        case .failure(let failure):
            guard failure.isTransient else { return .ended(.mediaRefused(result)) }
            var task = task
            let pause = patience.keepMilliseconds.pause(after: task.attempts)
            task.attempts += 1
            let next = now.adding(milliseconds: pause)
            guard next < result.keepUntil else { return .ended(.mediaUnavailable(result)) }
            task.state = .keeping
            task.pending = PendingOutcome(result: result).text
            return .wait(task, until: next)
        }
    }

    private func ended(
        _ outcome: DispatchOutcome,
        _ task: RunTask,
        _ model: RunPricing,
        now: Timestamp
    ) -> Conclusion {
        var task = task
        switch outcome {
        case .succeeded(let success):
            let keepUntil = max(task.facts.deadlineAt, now.adding(seconds: patience.keepSeconds))
            let result = PricedResult(success, cost: model.cost(success.usage), keepUntil: keepUntil)
            task.state = .keeping
            task.attempts = 0
            task.pending = PendingOutcome(result: result).text
            return .wait(task, until: now)
        case .failed(let failure):
            let isWish = failure.failureClass == .cancelled && task.cancel != .none
            return .ended(isWish ? .cancelled : .failed(failure))
        case .unresolved(let reason, let id):
            if let id { task.providerRequestID = task.providerRequestID ?? id.asProviderRequestID }
            task.state = task.providerRequestID == nil ? .lookingUp : .polling
            task.isOverdue = true
            task.attempts = 0
            let pause = max(patience.lookUpMilliseconds.lowerBound, model.schedule.intervalMilliseconds)
            return .unresolved(task, reason: reason, until: now.adding(milliseconds: pause))
        }
    }

    private func wait(_ task: RunTask, from now: Timestamp, milliseconds: Int64) -> Conclusion {
        .wait(task, until: now.adding(milliseconds: milliseconds))
    }
}

/// What a task's definition says, as far as the machine needs it.
struct RunPricing: Sendable {
    /// When to poll.
    let schedule: PollSchedule
    /// How often a run may be submitted again that was not accepted.
    let retries: Int
    /// What the customer pays for what a provider says it delivered.
    let cost: @Sendable (DeliveredUsage) -> Credits
}

/// How a run ended, as far as its task is concerned.
enum RunEnd: Hashable, Sendable {
    case succeeded(PricedResult)
    case failed(DispatchFailure)
    /// The media of a result can't be kept: too large, of another type, or at an address that must not be fetched.
    case mediaRefused(PricedResult)
    /// The media of a result could not be copied in time.
    case mediaUnavailable(PricedResult)
    case cancelled
}

extension DispatchFailure {
    static let noTimeLeft = DispatchFailure(
        message: "The provider took no more runs before the deadline",
        failureClass: .provider,
        providerCode: "no_slot"
    )
    static let neverArrived = DispatchFailure(
        message: "The run did not reach the provider",
        failureClass: .us,
        providerCode: "never_arrived"
    )
}

extension ClosedRange<Int64> {
    /// The pause after so many attempts: doubled each time, up to the upper bound.
    func pause(after attempts: Int32) -> Int64 {
        Swift.min(upperBound, lowerBound << Int64(Swift.max(0, Swift.min(attempts, 20))))
    }
}

extension PollSchedule {
    /// The pause after so many polls, in milliseconds: grown by the factor each time, up to the ceiling.
    func pause(after polls: Int32) -> Int64 {
        var pause = intervalMilliseconds
        var left = polls - 1
        while left > 0, pause < ceilingMilliseconds, growthPercent > 100 {
            pause = pause * growthPercent / 100
            left -= 1
        }
        return min(pause, ceilingMilliseconds)
    }
}

extension Timestamp {
    /// This moment moved by a number of milliseconds.
    func adding(milliseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds + milliseconds * 1_000) }

    /// How long it is from this moment to another.
    func duration(to other: Timestamp) -> Duration { .microseconds(other.microseconds - microseconds) }
}
