public import Ledger

/// Where answers to requests with idempotency keys are kept, for every process.
public protocol AnswerStore: ExecutionReader {
    /// The answer that an account's request under a key was given; nil when none is known.
    func recordedAnswer(of account: AccountID, key: Digest) async throws(LedgerFailure) -> RecordedAnswer?

    /// Keeps the answer to a run, unless one is kept already.
    ///
    /// - Returns: the one that is kept now; nil when the key is no longer the run's.
    func keepAnswer(
        _ answer: RecordedAnswer,
        of account: AccountID,
        key: Digest,
        execution: ExecutionID
    ) async throws(LedgerFailure) -> RecordedAnswer?
}

/// Puts answers in the form in which they are sent, so that they can be kept and sent again.
public protocol AnswerRenderer: Sendable {
    /// An answer but for its cost.
    ///
    /// - Parameters:
    ///   - answer: a success, an acceptance or a failure.
    ///   - request: the request that is answered, as the answer names it.
    func draft(_ answer: RunAnswer, of request: RequestID) async -> AnswerDraft
}

/// A request with an idempotency key.
public struct KeyedRequest: Sendable {
    /// The key, and what makes the request the same again.
    public let request: IdempotentRequest
    /// Puts its answer in the form in which it is sent.
    public let renderer: any AnswerRenderer

    /// Makes a request.
    public init(_ request: IdempotentRequest, renderer: any AnswerRenderer) {
        self.request = request
        self.renderer = renderer
    }
}

/// Answers to requests with idempotency keys: the first answer, or the truth about the run.
extension RunService {
    /// The request's key; nil when it has none, or nobody keeps answers.
    func keyed(_ request: RunRequest) -> KeyedRequest? { answers == nil ? nil : request.keyed }

    /// An answer that was not kept in the transaction of its cause, kept before it is given.
    func kept(_ answer: RunAnswer, _ request: RunRequest, _ execution: ExecutionID) async -> RunAnswer {
        guard let keyed = keyed(request) else { return answer }
        let (draft, charged) = await draft(answer, request.id, keyed)
        return .recorded(
            await keep(draft.answer(charged: charged), keyed, request, execution),
            isRepeat: false
        )
    }

    /// The answer to a request that was there before.
    func answerAgain(_ request: RunRequest, _ claim: IdempotencyClaim) async -> RunAnswer {
        guard let keyed = keyed(request), let answers else { preconditionFailure("a repetition without a key") }
        let account = request.identity.accountID
        do throws(LedgerFailure) {
            if let answer = try await answers.recordedAnswer(of: account, key: claim.key) {
                return .recorded(answer, isRepeat: true)
            }
            guard let id = claim.executionID else { preconditionFailure("a key that is no run's has no answer") }
            let glance = try await answers.glance(at: id, account: account, key: request.identity.keyID)
            guard let execution = glance.execution, var known = knownAnswer(request, execution, glance.report) else {
                return .inFlight(id)
            }
            if execution.workflowSlug != nil, case .failed(var failure) = known, let workflows {
                failure.workflow = WorkflowEnd(nodes: try await workflows.nodes(of: id, account: account))
                known = .failed(failure)
            }
            let (draft, charged) = await draft(known, claim.requestID ?? request.id, keyed)
            let answer = draft.answer(charged: charged)
            // What is not known yet may be known the next time.
            if execution.status == .unresolved, !request.isAsync { return .recorded(answer, isRepeat: true) }
            return .recorded(await keep(answer, keyed, request, id), isRepeat: true)
        } catch {
            return .unavailable(error)
        }
    }

    /// What can be answered about a run whose own answer was never kept; nil while its caller has to wait.
    private func knownAnswer(_ request: RunRequest, _ execution: Execution, _ report: RunReport?) -> RunAnswer? {
        if request.isAsync {
            return .accepted(
                RunAnswer.Accepted(
                    executionID: execution.id,
                    providerRequestID: execution.providerRequestID,
                    admittedAt: execution.admittedAt,
                    window: nil
                )
            )
        }
        let view = ExecutionView(execution: execution, report: report, destination: .none)
        func failure(_ message: String) -> RunAnswer {
            .failed(
                RunAnswer.Failure(
                    executionID: execution.id,
                    message: report?.errorMessage ?? message,
                    isUnresolved: !execution.status.isEnd,
                    window: nil
                )
            )
        }
        switch execution.status {
        case .admitted, .submitted: return nil
        case .unresolved:
            return failure("It is not known yet how the run ended. Nothing is charged unless it has succeeded")
        case .failed, .cancelled: return failure("The run ended without a result")
        case .succeeded:
            guard let result = view.result, let report else {
                return failure("The run was charged, and its result is not kept")
            }
            return .succeeded(
                RunAnswer.Success(
                    executionID: execution.id,
                    result: result,
                    cost: execution.charged,
                    duration: .milliseconds(report.milliseconds),
                    window: nil
                )
            )
        }
    }

    private func draft(
        _ answer: RunAnswer,
        _ request: RequestID,
        _ keyed: KeyedRequest
    ) async -> (AnswerDraft, charged: Credits) {
        var charged = Credits.zero
        if case .succeeded(let success) = answer { charged = success.cost }
        return (await keyed.renderer.draft(answer, of: request), charged)
    }

    /// Keeps an answer, and gives the one that is kept. Where the ledger can't be reached, an answer that is true all the
    /// same is better than none.
    private func keep(
        _ answer: RecordedAnswer,
        _ keyed: KeyedRequest,
        _ request: RunRequest,
        _ execution: ExecutionID
    ) async -> RecordedAnswer {
        let kept = try? await answers?.keepAnswer(
            answer,
            of: request.identity.accountID,
            key: keyed.request.key,
            execution: execution
        )
        return (kept ?? nil) ?? answer
    }
}
