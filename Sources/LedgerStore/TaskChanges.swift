import Ledger
import Postgres

/// What a batch's commands do to tasks and results, beside its events.
struct TaskChanges: Sendable {
    private var admitted: [NewTask] = []
    private var accepted: [AcceptedTask] = []
    private var letGo: [ExecutionID] = []
    private var cancelled: [ExecutionID] = []
    private var ended: [ExecutionID] = []
    private var results: [ResultRow] = []

    /// Adds what one command does, given how it was decided.
    mutating func add(_ command: Command, _ side: PrivateSide?, _ decision: Decision, _ state: LedgerState?) {
        switch command.action {
        case .admitRun(let run):
            if case .admitted = decision.verdict, let draft = run.task, case .quoted(let quote) = run.preflight {
                admit(run, draft, quote, command, side.key, state)
            }
        case .recordSubmission(let submission):
            switch decision.verdict {
            case .done, .alreadyDone:
                guard let polling = submission.task else { break }
                accepted.append(
                    AcceptedTask(
                        executionID: submission.executionID,
                        providerRequestID: submission.providerRequestID,
                        polling: polling
                    )
                )
            default: break
            }
        case .settleRun(let settlement):
            if case .settled(let settled) = decision.verdict { settle(settlement, settled, command.accountID, side) }
            // Its own end is looked after.
            return
        case .requestCancel(let wish):
            guard case .cancelRequested(let execution) = decision.verdict, !execution.status.isEnd else { break }
            cancelled.append(wish.executionID)
        default: break
        }
        noteEnds(decision.events)
    }

    private mutating func admit(
        _ run: AdmitRun,
        _ draft: RunTaskDraft,
        _ quote: RunQuote,
        _ command: Command,
        _ key: DataKey,
        _ state: LedgerState?
    ) {
        guard let execution = state?.executions[run.executionID] else {
            preconditionFailure("a run was admitted and is not there")
        }
        let facts = RunTask.Facts(
            executionID: run.executionID,
            accountID: command.accountID,
            requestID: command.requestID,
            keyID: run.keyID,
            model: execution.model,
            definitionVersion: quote.definitionVersion,
            inputs: key.seal(draft.inputs, for: .inputs(run.executionID)),
            isAsync: run.isAsync,
            quote: quote.amount,
            admittedAt: execution.admittedAt,
            deadlineAt: execution.deadlineAt,
            trace: draft.trace
        )
        admitted.append(
            NewTask(
                task: RunTask(facts, state: draft.state),
                callbackDigest: draft.callbackDigest,
                claimedBy: draft.claimedBy,
                nextActionAt: draft.nextActionAt
            )
        )
    }

    private mutating func settle(
        _ settlement: SettleRun,
        _ settled: Settlement,
        _ account: AccountID,
        _ side: PrivateSide?
    ) {
        let execution = settled.execution
        if execution.status.isEnd {
            if settlement.task != .none { ended.append(execution.id) }
            if !settled.isRepeat, let report = settlement.report, let endedAt = execution.endedAt {
                let sealed = side.key.seal(report, of: execution.id)
                results.append(
                    ResultRow(
                        executionID: execution.id,
                        accountID: account,
                        report: sealed,
                        trace: settlement.trace,
                        endedAt: endedAt
                    )
                )
            }
        } else if settlement.task == .isLetGo {
            letGo.append(execution.id)
        }
    }

    /// Notes runs that ended by something else than their settlement.
    private mutating func noteEnds(_ events: [EventContent]) {
        for event in events {
            switch event.type {
            case .executionSucceeded, .executionFailed, .executionCancelled:
                if let id = event.executionID { ended.append(id) }
            default: break
            }
        }
    }

    func append(to unit: inout PipelineBatch, journal: JournalID, now: Timestamp) {
        if !admitted.isEmpty { unit.append(InsertTasks(journal: journal, tasks: admitted)) }
        if !accepted.isEmpty { unit.append(AcceptTasks(journal: journal, tasks: accepted, now: now)) }
        if !letGo.isEmpty { unit.append(LetGoTasks(journal: journal, executions: letGo, now: now)) }
        if !cancelled.isEmpty { unit.append(CancelTasks(journal: journal, executions: cancelled, now: now)) }
        if !ended.isEmpty { unit.append(DeleteTasks(journal: journal, executions: ended)) }
        if !results.isEmpty { unit.append(InsertResults(journal: journal, results: results)) }
    }

    /// Whether a batch has anything to write here.
    var isEmpty: Bool {
        admitted.isEmpty && accepted.isEmpty && letGo.isEmpty && cancelled.isEmpty && ended.isEmpty && results.isEmpty
    }
}
