import Ledger
import Registry
import Testing

@testable import Runs

/// What is done next about a task, and what each outcome changes. The deadline is 300 seconds after admission.
@Suite("the steps of a task")
struct RunTaskMachineTests {
    static let start = Timestamp(microseconds: 1_800_000_000_000_000)
    static let work = ProviderTask(id: "job-1")
    static let failure = DispatchFailure(message: "No", failureClass: .provider, providerCode: "500")
    static let pricing = RunPricing(
        schedule: PollSchedule(
            firstMilliseconds: 500,
            intervalMilliseconds: 1_000,
            growthPercent: 200,
            ceilingMilliseconds: 6_000
        ),
        retries: 10,
        cost: { Credits(whole: 2 * ($0.units ?? 1)) }
    )
    static let success = DispatchOutcome.succeeded(
        DispatchSuccess(
            result: ["images": ["https://provider.example/1.png"]],
            providerRequestID: "job-1",
            usage: DeliveredUsage(units: 3, cost: nil),
            providerCost: MicroUSD(microdollars: 5)
        )
    )

    private let machine = RunTaskMachine()

    private func task(_ state: RunTask.State, _ change: (inout RunTask) -> Void = { _ in }) -> RunTask {
        let id = Identifier128(high: 1, low: 2)
        let facts = RunTask.Facts(
            executionID: ExecutionID(id),
            accountID: AccountID(id),
            requestID: nil,
            keyID: KeyID(id),
            model: "picture",
            definitionVersion: 1,
            inputs: "{}",
            isAsync: true,
            quote: Credits(whole: 9),
            admittedAt: Self.start,
            deadlineAt: Self.start.adding(seconds: 300)
        )
        var task = RunTask(facts, state: state)
        change(&task)
        return task
    }

    private func at(_ seconds: Int64) -> Timestamp { Self.start.adding(seconds: seconds) }

    private func polled(_ task: inout RunTask) { task.providerRequestID = "job-1" }

    // MARK: What is done next

    @Test("each state has its step")
    func steps() {
        #expect(machine.step(task(.queued), now: at(1)) == .submit)
        #expect(machine.step(task(.polling, polled), now: at(1)) == .poll(Self.work))
        #expect(machine.step(task(.lookingUp), now: at(1)) == .lookUp)
        let links = #"{"cancel":"https://provider.example/c"}"#
        let withLinks = task(.polling) { ($0.providerRequestID, $0.providerLinks) = ("job-1", links) }
        let work = ProviderTask(id: "job-1", links: ["cancel": "https://provider.example/c"])
        #expect(machine.step(withLinks, now: at(1)) == .poll(work))
    }

    @Test("a queued run is not sent once its owner or the deadline has ended it")
    func queuedEnds() {
        let cancelled = task(.queued) { $0.cancel = .requested }
        #expect(machine.step(cancelled, now: at(1)) == .conclude(.ended(.cancelled)))
        let late = task(.queued) { $0.pending = PendingOutcome(failure: Self.failure).text }
        #expect(machine.step(late, now: at(300)) == .conclude(.ended(.failed(Self.failure))))
        #expect(machine.step(task(.queued), now: at(300)) == .conclude(.ended(.failed(.noTimeLeft))))
    }

    @Test("a run that somebody else was sending is never sent again: it is unresolved, and searched for")
    func ambiguous() throws {
        let step = machine.step(task(.submitting), now: at(9))
        guard case .conclude(.unresolved(let next, .interrupted, until: at(9))) = step else {
            Issue.record("\(step)")
            return
        }
        #expect(next.state == .lookingUp)
        #expect(machine.step(next, now: at(9)) == .lookUp)
    }

    @Test("a wish to cancel comes before the next poll, once")
    func cancelFirst() {
        let wished = task(.polling) { ($0.providerRequestID, $0.cancel) = ("job-1", .requested) }
        #expect(machine.step(wished, now: at(1)) == .cancel(Self.work))
        let sent = task(.polling) { ($0.providerRequestID, $0.cancel) = ("job-1", .sent) }
        #expect(machine.step(sent, now: at(1)) == .poll(Self.work))
    }

    // MARK: Submitting

    @Test("accepted work is polled after the first pause of the definition")
    func accepted() {
        let conclusion = machine.submitted(.accepted(Self.work), task(.submitting), Self.pricing, now: at(1))
        #expect(conclusion == .accepted(Self.work, firstPollAt: at(1).adding(milliseconds: 500)))
    }

    @Test(
        "work that was not accepted goes back into the queue, after pauses that grow or as long as the provider asks",
        arguments: [(0, nil, 1_000), (1, nil, 2_000), (4, nil, 16_000), (9, nil, 30_000), (0, 45, 45_000)]
            as [(Int32, Int64?, Int64)]
    )
    func notAccepted(attempts: Int32, retryAfter: Int64?, pause: Int64) {
        let outcome = SubmitOutcome.notAccepted(
            Self.failure,
            costsRetry: true,
            retryAfter: retryAfter.map { .seconds($0) }
        )
        let tried = task(.submitting) { $0.attempts = attempts }
        let conclusion = machine.submitted(outcome, tried, Self.pricing, now: at(10))
        guard case .wait(let next, let until) = conclusion else {
            Issue.record("\(conclusion)")
            return
        }
        #expect(next.state == .queued)
        #expect(next.attempts == attempts + 1)
        #expect(until == at(10).adding(milliseconds: pause))
        #expect(PendingOutcome(next.pending)?.failure == Self.failure)
        // Too late for another attempt: the run fails with what the provider said last.
        #expect(machine.submitted(outcome, tried, Self.pricing, now: at(300)) == .ended(.failed(Self.failure)))
    }

    @Test("once the retries of the definition are used up, the run fails with what the provider said last")
    func retriesUsedUp() {
        let outcome = SubmitOutcome.notAccepted(Self.failure, costsRetry: true, retryAfter: nil)
        let tried = task(.submitting) { $0.attempts = 10 }
        #expect(machine.submitted(outcome, tried, Self.pricing, now: at(10)) == .ended(.failed(Self.failure)))
    }

    @Test(
        "waiting for a slot or for the breaker costs no retry, and asks less often the longer it goes on",
        arguments: [(0, nil, 1_000), (10, nil, 5_000), (200, nil, 30_000), (10, 45, 45_000)]
            as [(Int64, Int64?, Int64)]
    )
    func waitsForSlot(seconds: Int64, retryAfter: Int64?, pause: Int64) {
        let outcome = SubmitOutcome.notAccepted(
            Self.failure,
            costsRetry: false,
            retryAfter: retryAfter.map { .seconds($0) }
        )
        let tried = task(.submitting) { $0.attempts = 10 }
        let conclusion = machine.submitted(outcome, tried, Self.pricing, now: at(seconds))
        guard case .wait(let next, let until) = conclusion else {
            Issue.record("\(conclusion)")
            return
        }
        #expect(next.state == .queued && next.attempts == 10)
        #expect(until == at(seconds).adding(milliseconds: pause))
    }

    @Test("a submit without an answer is searched for, or polled where an id is known")
    func lost() {
        for (id, state) in [(nil, RunTask.State.lookingUp), ("job-7", .polling)] {
            let outcome = SubmitOutcome.ended(.unresolved(.connectionLost, providerRequestID: id))
            let conclusion = machine.submitted(outcome, task(.submitting), Self.pricing, now: at(1))
            guard case .unresolved(let next, .connectionLost, _) = conclusion else {
                Issue.record("\(conclusion)")
                continue
            }
            #expect(next.state == state)
            #expect(next.providerRequestID == id)
            #expect(next.isOverdue)
        }
    }

    @Test("a provider that refuses ends the run")
    func refused() {
        let outcome = SubmitOutcome.ended(.failed(Self.failure))
        let conclusion = machine.submitted(outcome, task(.submitting), Self.pricing, now: at(1))
        #expect(conclusion == .ended(.failed(Self.failure)))
    }

    // MARK: Polling

    @Test(
        "pauses between polls grow to the ceiling, and a provider may ask for longer ones",
        arguments: [
            (0, nil, 1_000), (1, nil, 2_000), (2, nil, 4_000), (3, nil, 6_000), (90, nil, 6_000), (0, 9, 9_000),
        ]
            as [(Int32, Int64?, Int64)]
    )
    func pending(polls: Int32, retryAfter: Int64?, pause: Int64) {
        let task = task(.polling) { ($0.providerRequestID, $0.attempts) = ("job-1", polls) }
        let outcome = PollOutcome.pending(retryAfter: retryAfter.map { .seconds($0) })
        let conclusion = machine.polled(outcome, task, Self.pricing, now: at(20))
        guard case .wait(let next, let until) = conclusion else {
            Issue.record("\(conclusion)")
            return
        }
        #expect(until == at(20).adding(milliseconds: pause))
        #expect(next.attempts == polls + 1)
    }

    @Test("the deadline is looked at on time; then the run is unresolved, once, and polled on more slowly")
    func overdue() {
        let before = machine.polled(
            .pending(retryAfter: .seconds(60)),
            task(.polling, polled),
            Self.pricing,
            now: at(299)
        )
        guard case .wait(_, until: at(300)) = before else {
            Issue.record("\(before)")
            return
        }
        let late = machine.polled(.pending(retryAfter: nil), task(.polling, polled), Self.pricing, now: at(300))
        guard case .unresolved(let next, .deadlinePassed, until: at(310)) = late else {
            Issue.record("\(late)")
            return
        }
        #expect(next.isOverdue)
        let later = machine.polled(.pending(retryAfter: nil), next, Self.pricing, now: at(310))
        guard case .wait(let last, until: at(320)) = later else {
            Issue.record("\(later)")
            return
        }
        #expect(last.state == .polling)
    }

    @Test("a result is priced, and kept before the run ends")
    func result() throws {
        let conclusion = machine.polled(.ended(Self.success), task(.polling, polled), Self.pricing, now: at(20))
        guard case .wait(let next, until: at(20)) = conclusion else {
            Issue.record("\(conclusion)")
            return
        }
        #expect(next.state == .keeping)
        guard case .keep(let result) = machine.step(next, now: at(20)) else {
            Issue.record("no step to keep the media")
            return
        }
        #expect(result.cost == Credits(whole: 6))
        #expect(result.providerCost == MicroUSD(microdollars: 5))
        #expect(result.result == ["images": ["https://provider.example/1.png"]])
    }

    @Test("a run that ended in its provider's queue was cancelled if its owner wished so, and failed otherwise")
    func cancelledUpstream() {
        let gone = DispatchFailure(message: "Gone", failureClass: .cancelled)
        let wished = task(.polling) { ($0.providerRequestID, $0.cancel) = ("job-1", .sent) }
        #expect(machine.polled(.ended(.failed(gone)), wished, Self.pricing, now: at(1)) == .ended(.cancelled))
        let unwished = task(.polling, polled)
        #expect(machine.polled(.ended(.failed(gone)), unwished, Self.pricing, now: at(1)) == .ended(.failed(gone)))
    }

    // MARK: Cancelling, searching, keeping

    @Test(
        "what the provider says to a wish to cancel",
        arguments: [CancelOutcome.requested, .notPossible, .alreadyEnded]
    )
    func cancelAnswers(outcome: CancelOutcome) {
        let wished = task(.polling) { ($0.providerRequestID, $0.cancel) = ("job-1", .requested) }
        guard case .wait(let next, _) = machine.cancelled(outcome, wished, Self.pricing, now: at(1)) else {
            Issue.record("\(outcome) ended the task")
            return
        }
        #expect(next.cancel == .sent)
        #expect(machine.step(next, now: at(2)) == .poll(Self.work))
        #expect(machine.cancelled(.cancelled, wished, Self.pricing, now: at(1)) == .ended(.cancelled))
    }

    @Test("a provider that does not answer a wish to cancel is asked three times, then polled")
    func cancelUnanswered() {
        var wished = task(.polling) { ($0.providerRequestID, $0.cancel) = ("job-1", .requested) }
        for attempt in 1...3 {
            guard case .wait(let next, _) = machine.cancelled(.unknown, wished, Self.pricing, now: at(1)) else {
                Issue.record("attempt \(attempt) ended the task")
                return
            }
            #expect(next.cancel == (attempt < 3 ? .requested : .sent))
            wished = next
        }
    }

    @Test("what a search finds decides: polled on, failed, or searched again more and more rarely")
    func lookUp() {
        let lost = task(.lookingUp)
        #expect(machine.lookedUp(.found(Self.work), lost, now: at(1)) == .accepted(Self.work, firstPollAt: at(1)))
        #expect(machine.lookedUp(.absent, lost, now: at(1)) == .ended(.failed(.neverArrived)))
        for (attempts, pause) in [(Int32(0), Int64(2_000)), (3, 16_000), (30, 600_000)] {
            let tried = task(.lookingUp) { $0.attempts = attempts }
            guard case .wait(let next, let until) = machine.lookedUp(.unknown, tried, now: at(1)) else {
                Issue.record("the search ended")
                continue
            }
            #expect(until == at(1).adding(milliseconds: pause))
            #expect(next.attempts == attempts + 1)
        }
    }

    @Test("a copy that fails in passing is tried again, never the run; one that can't succeed ends it")
    func keeping() throws {
        guard
            case .wait(let keeping, _) = machine.polled(.ended(Self.success), task(.polling), Self.pricing, now: at(1)),
            case .keep(let result) = machine.step(keeping, now: at(1))
        else {
            Issue.record("no result to keep")
            return
        }
        let passing = Result<JSONValue, MediaFailure>.failure(MediaFailure(isTransient: true, reason: "503"))
        guard case .wait(let again, until: at(3)) = machine.kept(passing, result, keeping, now: at(1)) else {
            Issue.record("the copy is not tried again")
            return
        }
        #expect(machine.step(again, now: at(3)) == .keep(result))
        // 15 minutes after the result came.
        #expect(machine.kept(passing, result, again, now: at(901)) == .ended(.mediaUnavailable(result)))
        let final = Result<JSONValue, MediaFailure>.failure(MediaFailure(isTransient: false, reason: "too large"))
        #expect(machine.kept(final, result, keeping, now: at(1)) == .ended(.mediaRefused(result)))
        var kept = result
        kept.result = ["images": ["https://media.example/1.png"]]
        #expect(machine.kept(.success(kept.result), result, keeping, now: at(1)) == .ended(.succeeded(kept)))
    }

    @Test("a callback's token carries its run, and no other text is one")
    func token() throws {
        let id = ExecutionID(Identifier128(high: 0x0192_0000_0000_7003, low: 5))
        let token = CallbackToken(for: id)
        #expect(token.text.utf8.count == 43)
        #expect(CallbackToken(token.text)?.executionID == id)
        #expect(CallbackToken(token.text)?.digest == token.digest)
        #expect(CallbackToken(for: id).text != token.text)
        for text in ["", "x", String(token.text.dropLast()), token.text + "0", String(repeating: "!", count: 43)] {
            #expect(CallbackToken(text) == nil, "\(text)")
        }
    }
}
