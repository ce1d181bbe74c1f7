import Ledger
import Registry
import Traces
import Workflows

/// Runs of workflows: one execution, under which each model node is held and charged for itself.
extension RunService {
    /// Runs a workflow for whoever asks, and returns when there is a durable answer.
    ///
    /// - Parameter request: `slug` names a workflow of the caller's.
    public func runWorkflow(_ request: RunRequest) async -> RunAnswer {
        guard let workflows, let runner else { return .refused(.workflowNotFound, issues: [], window: nil) }
        var stored: StoredWorkflow?
        do throws(LedgerFailure) {
            if Slug.isValid(request.slug) {
                stored = try await workflows.workflows(of: request.identity.accountID, slug: request.slug).first
            }
        } catch {
            return .unavailable(error)
        }
        let preflight = WorkflowPreflight(request, stored, models: models.current)
        let executionID = ExecutionID(identifiers.next(in: ledger.journal(of: request.identity.accountID)))
        return await carry(executionID) { [self] in
            await perform(request, preflight, executionID, runner)
        }
    }

    private func perform(
        _ request: RunRequest,
        _ preflight: WorkflowPreflight,
        _ executionID: ExecutionID,
        _ runner: TaskRunner
    ) async -> RunAnswer {
        runner.hold(executionID)
        defer { runner.release(executionID) }
        let draft = preflight.inputs.map { inputs in
            RunTaskDraft(
                inputs: inputs.description,
                callbackDigest: CallbackToken(for: executionID).digest,
                state: .submitting,
                claimedBy: instance,
                nextActionAt: runner.claimEnd,
                trace: TraceContext.current?.kept
            )
        }
        let run = AdmitRun(
            executionID: executionID,
            keyID: request.identity.keyID,
            route: .workflowRun,
            model: preflight.name,
            inputsDigest: preflight.digest,
            preflight: preflight.outcome,
            isAsync: request.isAsync,
            instance: instance,
            task: draft,
            part: .whole(preflight.nodes)
        )
        let verdict: Verdict
        do throws(LedgerFailure) {
            verdict = try await admit(run, for: request)
        } catch {
            // If it was admitted all the same, its claim runs out and whoever finds the task goes on with it.
            return .unavailable(error)
        }
        switch verdict {
        case .repeated(let claim): return await answerAgain(request, claim)
        case .refused(.invalidWorkflow, let window): return .invalidWorkflow(preflight.graphIssues, window: window)
        case .refused(let refusal, let window): return .refused(refusal, issues: preflight.issues, window: window)
        case .admitted(let admission):
            guard let graph = preflight.graph, let inputs = preflight.inputs,
                case .quoted(let quote) = preflight.outcome
            else { preconditionFailure("a workflow was admitted without a graph") }
            let task = RunTask(facts(request, run, admission, inputs, quote), state: .submitting)
            guard let drive = WorkflowDrive(task, graph, inputs: inputs, heldBefore: [], in: self) else {
                preconditionFailure("a workflow was admitted without a store")
            }
            if request.isAsync { return await goOn(drive, task, request, admission, runner) }
            return await finish(drive, task, request, admission.window)
        default:
            return .unavailable(.unavailable(mayHaveHappened: true, reason: "the run was admitted before"))
        }
    }

    private func facts(
        _ request: RunRequest,
        _ run: AdmitRun,
        _ admission: Admission,
        _ inputs: JSONValue,
        _ quote: RunQuote
    ) -> RunTask.Facts {
        RunTask.Facts(
            executionID: run.executionID,
            accountID: request.identity.accountID,
            requestID: request.id,
            keyID: request.identity.keyID,
            model: WorkflowName.of(request.slug),
            definitionVersion: quote.definitionVersion,
            inputs: inputs.description,
            isAsync: request.isAsync,
            quote: quote.amount,
            admittedAt: admission.admittedAt,
            deadlineAt: admission.admittedAt.adding(seconds: quote.deadlineSeconds),
            trace: run.task?.trace
        )
    }

    /// Has a run go on without its caller.
    private func goOn(
        _ drive: WorkflowDrive,
        _ task: RunTask,
        _ request: RunRequest,
        _ admission: Admission,
        _ runner: TaskRunner
    ) async -> RunAnswer {
        runner.hold(task.facts.executionID)
        steps.add { [self] in
            _ = await finish(drive, task, nil, nil)
            runner.release(task.facts.executionID)
        }
        let accepted = RunAnswer.Accepted(
            executionID: admission.executionID,
            providerRequestID: nil,
            admittedAt: admission.admittedAt,
            window: admission.window
        )
        return await kept(.accepted(accepted), request, admission.executionID)
    }

    /// Goes on with the run of a workflow whose task this process has claimed.
    func resume(_ task: RunTask) async {
        await TraceContext.$current.withValue(task.trace) { await goOn(task) }
    }

    private func goOn(_ task: RunTask) async {
        guard let workflows, let runner else { return }
        let facts = task.facts
        runner.hold(facts.executionID)
        defer { runner.release(facts.executionID) }
        do throws(LedgerFailure) {
            let slug = WorkflowName.slug(in: facts.model) ?? facts.model
            let text = try await workflows.document(
                of: facts.accountID,
                slug: slug,
                version: facts.definitionVersion
            )
            let nodes = try await workflows.nodes(of: facts.executionID, account: facts.accountID)
            guard let json = text.flatMap({ try? JSONValue(text: $0) }),
                let inputs = try? JSONValue(text: facts.inputs),
                let graph = try? WorkflowDocument(json).graph,
                let drive = WorkflowDrive(task, graph, inputs: inputs, heldBefore: nodes, in: self)
            else {
                _ = await end(task, .failed("The workflow's document is gone"), nil, nil)
                return
            }
            _ = await finish(drive, task, nil, nil)
        } catch {
            // The claim runs out, and whoever finds the task goes on.
            observer.workDelayed(error)
        }
    }

    /// Goes on with a run, and ends it if it can be ended now.
    ///
    /// - Parameter request: whoever waits for the answer; nil when nobody does.
    private func finish(
        _ drive: WorkflowDrive,
        _ task: RunTask,
        _ request: RunRequest?,
        _ window: WindowStatus?
    ) async -> RunAnswer {
        let stand = await drive.advance()
        switch stand {
        case .succeeded, .failed: return await end(task, stand, request, window)
        case .interrupted:
            await drive.letGo(until: now, beginsNothing: false)
            return await openAnswer(task, request, window)
        case .unresolved:
            // 1, 2, 4 … 64 s: whoever reconciles runs needs time, and a hold may stand for hours.
            let pause = Int64(1_000) << min(Int64(task.attempts), 6)
            await drive.letGo(until: now.adding(milliseconds: pause), beginsNothing: request != nil)
            return await openAnswer(task, request, window)
        }
    }

    /// The answer to whoever waits for a run that can't be ended now.
    private func openAnswer(
        _ task: RunTask,
        _ request: RunRequest?,
        _ window: WindowStatus?
    ) async -> RunAnswer {
        let nodes = try? await workflows?.nodes(of: task.facts.executionID, account: task.facts.accountID)
        let answer = RunAnswer.failed(
            RunAnswer.Failure(
                executionID: task.facts.executionID,
                message: "It is not known yet how every node of the workflow ended",
                isUnresolved: true,
                window: window,
                workflow: WorkflowEnd(nodes: nodes ?? [])
            )
        )
        guard let request else { return answer }
        return await kept(answer, request, task.facts.executionID)
    }

    /// Ends a run: what its nodes have cost, and the result or why there is none.
    private func end(
        _ task: RunTask,
        _ stand: WorkflowDrive.Stand,
        _ request: RunRequest?,
        _ window: WindowStatus?
    ) async -> RunAnswer {
        let facts = task.facts
        let nodes = await nodes(of: task)
        guard let nodes else { return .unavailable(.overloaded) }
        let end = WorkflowEnd(nodes: nodes)
        let duration = request.map { $0.receivedAt.duration(to: .now) } ?? facts.admittedAt.duration(to: now)
        let milliseconds = max(0, duration.wholeMilliseconds)
        let answer = Self.answer(stand, facts, end, duration, window)
        var settlement = settlement(answer, end, milliseconds, wasCancelled: await wasCancelled(facts))
        settlement.nodesCost = end.nodesCost
        settlement.trace = facts.trace
        if let request, let keyed = keyed(request) {
            let draft = await keyed.renderer.draft(answer, of: request.id)
            settlement.claim = .answered(key: keyed.request.key, draft)
        }
        let command = Command(
            id: identifiers.command(),
            accountID: facts.accountID,
            requestID: facts.requestID,
            action: .settleRun(settlement)
        )
        let settled = await settle(command, facts.executionID)
        if let settled, !settled.isRepeat, case .answered(_, let draft)? = settlement.claim {
            return .recorded(draft.answer(charged: settled.execution.charged), isRepeat: false)
        }
        guard settled != nil else { return await openAnswer(task, nil, window) }
        guard let request else { return answer }
        return await kept(answer, request, facts.executionID)
    }

    /// What whoever waits for a run that ends now is told.
    private static func answer(
        _ stand: WorkflowDrive.Stand,
        _ facts: RunTask.Facts,
        _ end: WorkflowEnd,
        _ duration: Duration,
        _ window: WindowStatus?
    ) -> RunAnswer {
        if case .succeeded(let result) = stand {
            return .succeeded(
                RunAnswer.Success(
                    executionID: facts.executionID,
                    result: result,
                    cost: end.cost,
                    duration: duration,
                    window: window
                )
            )
        }
        var message = "The workflow gave no result"
        if case .failed(let reason) = stand { message = reason.replacing("\0", with: "?") }
        return .failed(
            RunAnswer.Failure(
                executionID: facts.executionID,
                message: message,
                isUnresolved: false,
                window: window,
                workflow: end
            )
        )
    }

    /// What the ledger is told of a run that ends with an answer.
    private func settlement(
        _ answer: RunAnswer,
        _ end: WorkflowEnd,
        _ milliseconds: Int64,
        wasCancelled: Bool
    ) -> SettleRun {
        switch answer {
        case .succeeded(let success):
            return SettleRun(
                executionID: success.executionID,
                outcome: .succeeded(
                    cost: end.cost,
                    providerCost: end.providerCost,
                    resultDigest: Digest(bytes: success.result.canonicalDigest),
                    durationMilliseconds: milliseconds
                ),
                providerRequestID: nil,
                report: RunReport(result: success.result.description, errorMessage: nil, milliseconds: milliseconds)
            )
        case .failed(let failure):
            return SettleRun(
                executionID: failure.executionID,
                outcome: wasCancelled
                    ? .cancelled(durationMilliseconds: milliseconds)
                    : .failed(code: "NODE_FAILED", durationMilliseconds: milliseconds),
                providerRequestID: nil,
                report: RunReport(result: nil, errorMessage: failure.message, milliseconds: milliseconds)
            )
        default: preconditionFailure("a workflow does not end with \(answer)")
        }
    }

    /// The nodes of a run, however long the ledger takes; nil when the process stops.
    private func nodes(of task: RunTask) async -> [NodeRecord]? {
        var backoff = Duration.milliseconds(50)
        while let workflows {
            do throws(LedgerFailure) {
                return try await workflows.nodes(of: task.facts.executionID, account: task.facts.accountID)
            } catch {
                observer.settlementDelayed(task.facts.executionID, error)
                if isInterrupted { return nil }
                try? await Task.sleep(for: backoff)
                backoff = min(backoff * 2, .seconds(2))
            }
        }
        return nil
    }

    private func wasCancelled(_ facts: RunTask.Facts) async -> Bool {
        guard let answers else { return false }
        let glance = try? await answers.glance(
            at: facts.executionID,
            account: facts.accountID,
            key: facts.keyID
        )
        return glance?.execution?.cancelRequestedAt != nil
    }

    /// Passes a wish to cancel a workflow's run on to its nodes that are under way.
    func cancelNodes(of run: ExecutionID, _ identity: KeyAuthenticator.Identity, _ request: RequestID) async {
        let nodes = (try? await workflows?.nodes(of: run, account: identity.accountID)) ?? []
        for node in nodes where !node.execution.status.isEnd {
            let wish = RequestCancel(executionID: node.execution.id, keyID: identity.keyID)
            let command = Command(
                id: identifiers.command(),
                accountID: identity.accountID,
                requestID: request,
                action: .requestCancel(wish)
            )
            if case .cancelRequested(let execution)? = try? await ledger.decide(command), execution.status.isEnd {
                signals.signal(execution.id)
            }
        }
        wakeWorker()
    }

    private var now: Timestamp { runner?.now ?? Timestamp(microseconds: 0) }
}
