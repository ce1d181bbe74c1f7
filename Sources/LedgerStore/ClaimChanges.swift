import Ledger
import Postgres

/// What a batch's commands do to idempotency keys, in the transaction of their events.
struct ClaimChanges: Sendable {
    private var claimed: [NewClaim] = []
    private var answered: [ClaimAnswer] = []
    private var released: [ClaimedRun] = []

    /// Adds what one command does, given how it was decided.
    mutating func add(_ command: Command, _ side: PrivateSide?, _ decision: Decision) {
        if let request = command.idempotency { claim(request, command, side, decision.verdict) }
        guard case .settleRun(let settlement) = command.action, let end = settlement.claim,
            case .settled(let settled) = decision.verdict, !settled.isRepeat
        else { return }
        switch end {
        case .answered(let key, let draft):
            let run = ClaimedRun(account: command.accountID, key: key, executionID: settlement.executionID)
            let answer = draft.answer(charged: settled.execution.charged)
            answered.append(ClaimAnswer(run: run, answer: side.key.seal(answer, under: key)))
        case .released(let key):
            released.append(
                ClaimedRun(account: command.accountID, key: key, executionID: settlement.executionID)
            )
        }
    }

    private mutating func claim(
        _ request: IdempotentRequest,
        _ command: Command,
        _ side: PrivateSide?,
        _ verdict: Verdict
    ) {
        var executionID: ExecutionID?
        var answer = request.answer?.answer(charged: .zero)
        switch verdict {
        case .admitted(let admission): executionID = admission.executionID
        case .done: break
        case .saved(let workflow): answer = request.answer?.answer(at: workflow.savedAt)
        default: return
        }
        let claim = IdempotencyClaim(
            key: request.key,
            fingerprint: request.fingerprint,
            executionID: executionID,
            requestID: command.requestID
        )
        claimed.append(
            NewClaim(
                account: command.accountID,
                claim: claim,
                answer: answer.map { side.key.seal($0, under: request.key) }
            )
        )
    }

    func append(to unit: inout PipelineBatch, journal: JournalID, now: Timestamp) {
        // A key that was released in this batch may be claimed again in it.
        if !released.isEmpty { unit.append(ReleaseClaims(journal: journal, runs: released)) }
        if !claimed.isEmpty { unit.append(InsertClaims(journal: journal, claims: claimed, now: now)) }
        if !answered.isEmpty { unit.append(RecordAnswers(journal: journal, answers: answered)) }
    }

    /// Whether a batch has anything to write here.
    var isEmpty: Bool { claimed.isEmpty && answered.isEmpty && released.isEmpty }
}
