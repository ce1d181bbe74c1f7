import Ledger
import Registry
import Synchronization
import Traces

/// Runs of providers that are polled: they have a task, so that any process can go on with them.
extension RunService {
    /// What is settled about a run's task before the ledger is asked.
    final class Plan: Sendable {
        let draft: RunTaskDraft
        let token: CallbackToken
        let runner: TaskRunner
        /// Whether the run is sent by this process as soon as it is admitted.
        let hasRoom: Bool
        private let isGivenUp = Mutex(false)

        init(draft: RunTaskDraft, token: CallbackToken, runner: TaskRunner, hasRoom: Bool) {
            self.draft = draft
            self.token = token
            self.runner = runner
            self.hasRoom = hasRoom
            runner.hold(token.executionID)
        }

        /// Lets the claim, and the room for a step, be used by others. Once is enough.
        func giveUp() {
            let isFirst = isGivenUp.withLock { isGivenUp in
                defer { isGivenUp = true }
                return !isGivenUp
            }
            guard isFirst else { return }
            runner.release(token.executionID)
            if hasRoom { runner.giveRoom() }
        }
    }

    func plan(_ request: RunRequest, _ preflight: RunPreflight, _ executionID: ExecutionID) -> Plan? {
        guard let runner, let definition = preflight.definition, let inputs = preflight.inputs,
            definition.provider.kind.isPolled
        else { return nil }
        // One that the caller waits for needs no room: its caller's connection is the bound.
        let hasRoom = request.isAsync && runner.takeRoom()
        let token = CallbackToken(for: executionID)
        let draft = RunTaskDraft(
            inputs: inputs.json.description,
            callbackDigest: token.digest,
            state: hasRoom || !request.isAsync ? .submitting : .queued,
            claimedBy: instance,
            nextActionAt: runner.claimEnd,
            trace: TraceContext.current?.kept
        )
        return Plan(draft: draft, token: token, runner: runner, hasRoom: hasRoom)
    }

    /// Has the run go on without its caller, and waits a moment for the provider's id.
    func goOn(
        _ plan: Plan,
        _ request: RunRequest,
        _ preflight: RunPreflight,
        _ admission: Admission
    ) async -> RunAnswer {
        guard let definition = preflight.definition, case .quoted(let quote) = preflight.outcome else {
            preconditionFailure("a run was admitted without a price")
        }
        let facts = facts(plan, request, admission, definition, quote: quote.amount)
        let task = RunTask(facts, state: plan.draft.state)
        let (ids, known) = AsyncStream.makeStream(of: String?.self, bufferingPolicy: .bufferingNewest(1))
        let runner = plan.runner
        steps.add { [self] in
            defer { plan.giveUp() }
            if plan.hasRoom {
                known.yield(await runner.advance(task, isMarked: true, token: plan.token))
            } else {
                // As many steps go on as may: whoever is free first has it.
                let now = admission.admittedAt
                _ = try? await tasks?.putTask(
                    task,
                    by: instance,
                    callbackDigest: nil,
                    nextActionAt: now,
                    isLetGo: true
                )
            }
            known.finish()
            alarm.ring()
        }
        return .accepted(
            RunAnswer.Accepted(
                executionID: admission.executionID,
                providerRequestID: await ids.first(within: Self.providerIDWait),
                admittedAt: admission.admittedAt,
                window: admission.window
            )
        )
    }

    /// Leaves a result whose media can't be stored now to whoever is free.
    ///
    /// - Returns: whether the task was put so; else the run is settled without it.
    func passOn(
        _ result: PricedResult,
        _ plan: Plan,
        _ dispatch: DispatchRequest,
        _ request: RunRequest,
        _ admission: Admission
    ) async -> Bool {
        let quote = (try? dispatch.model.quote(dispatch.inputs).amount) ?? result.cost
        var task = RunTask(facts(plan, request, admission, dispatch.model, quote: quote), state: .keeping)
        task.providerRequestID = result.providerRequestID?.asProviderRequestID
        task.pending = PendingOutcome(result: result).text
        let next = plan.runner.now.adding(milliseconds: plan.runner.machine.patience.keepMilliseconds.lowerBound)
        let put = try? await tasks?.putTask(
            task,
            by: instance,
            callbackDigest: nil,
            nextActionAt: next,
            isLetGo: true
        )
        return (put ?? nil) != nil
    }

    /// What never changes about a run's task, as the ledger has written it.
    private func facts(
        _ plan: Plan,
        _ request: RunRequest,
        _ admission: Admission,
        _ definition: ModelDefinition,
        quote: Credits
    ) -> RunTask.Facts {
        RunTask.Facts(
            executionID: admission.executionID,
            accountID: request.identity.accountID,
            requestID: request.id,
            keyID: request.identity.keyID,
            model: definition.internalName,
            definitionVersion: definition.version,
            inputs: plan.draft.inputs,
            isAsync: request.isAsync,
            quote: quote,
            admittedAt: admission.admittedAt,
            deadlineAt: admission.admittedAt.adding(seconds: Int64(definition.deadlineSeconds)),
            trace: plan.draft.trace
        )
    }
}

extension AsyncStream<String?> {
    /// The first element that comes within a time.
    fileprivate func first(within time: Duration) async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask {
                for await element in self { return element }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: time)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
