internal import Registry
internal import Runs

/// How one attempt to submit ended.
enum SubmitAttempt: Hashable, Sendable {
    case accepted(ProviderTask)
    case ended(DispatchOutcome)
    case notAccepted(DispatchFailure, NotAccepted)
}

/// Providers that accept work with an id and are asked about it, fal's queue among them: one request at a time.
struct PollingProvider: Sendable {
    let transport: ProviderTransport

    /// Submits once.
    func submit(_ request: DispatchRequest) async -> SubmitAttempt {
        let exchange = await transport.send(request.model.provider.submit.request, to: .submit, for: request)
        guard case .answered(let answer) = exchange else { return exchange.submitWithoutAnswer }
        switch AnswerReader(model: request.model).acceptance(answer) {
        case .ended(let outcome): return .ended(outcome)
        case .notAccepted(let failure, let reason): return .notAccepted(failure, reason)
        case .accepted(_, let task?): return .accepted(task)
        case .accepted(_, nil): return .ended(.unresolved(.unreadableAnswer, providerRequestID: nil))
        }
    }

    /// Asks once, and fetches the result if there is one elsewhere.
    func poll(_ request: DispatchRequest, _ task: ProviderTask) async -> PollOutcome {
        guard let poll = request.model.provider.poll else { return .pending(retryAfter: nil) }
        let exchange = await transport.send(poll.request, to: .poll, for: request, task)
        if case .noAddress = exchange {
            return .ended(.unresolved(.unreadableAnswer, providerRequestID: task.id))
        }
        guard case .answered(let answer) = exchange, answer.isSuccess, let body = answer.json else {
            return .pending(retryAfter: exchange.retryAfter)
        }
        let reader = AnswerReader(model: request.model)
        switch reader.status(in: body) {
        case .queued, .running, nil: return .pending(retryAfter: answer.retryAfter)
        case .failed: return .ended(reader.ended(body, providerRequestID: task.id))
        case .cancelled:
            return .ended(.failed(reader.failure(.cancelled, code: "cancelled", body: nil, providerRequestID: task.id)))
        case .expired:
            return .ended(.failed(reader.failure(.provider, code: "expired", body: nil, providerRequestID: task.id)))
        case .succeeded, .succeededIfComplete: break
        }
        let isFailure = reader.saysFailed(body)
        guard let result = request.model.provider.result.request else {
            if isFailure { return .ended(reader.ended(body, providerRequestID: task.id)) }
            return .ended(reader.success(body, inputs: request.inputs, providerRequestID: task.id))
        }
        let outcome = await fetch(result, request, task)
        // An error beside the status decides; the answer in the result's place only says more about it.
        guard isFailure else { return outcome }
        if case .ended(.failed(let failure)) = outcome, failure.providerCode != "no_result" { return outcome }
        return .ended(reader.ended(body, providerRequestID: task.id))
    }

    private func fetch(
        _ template: RequestTemplate,
        _ request: DispatchRequest,
        _ task: ProviderTask
    ) async -> PollOutcome {
        let reader = AnswerReader(model: request.model)
        let exchange = await transport.send(template, to: .fetch, for: request, task)
        guard case .answered(let answer) = exchange else { return .pending(retryAfter: nil) }
        guard answer.isSuccess else {
            return reader.endedWith(answer, providerRequestID: task.id).map(PollOutcome.ended)
                ?? .pending(retryAfter: answer.retryAfter)
        }
        guard let body = answer.json else { return .pending(retryAfter: answer.retryAfter) }
        return .ended(reader.success(body, inputs: request.inputs, providerRequestID: task.id))
    }

    /// Asks once for work to be given up.
    func cancel(_ request: DispatchRequest, _ task: ProviderTask) async -> CancelOutcome {
        guard let rule = request.model.provider.cancel else { return .notPossible }
        let reader = AnswerReader(model: request.model)
        if !rule.allowedIn.isEmpty {
            guard let poll = request.model.provider.poll,
                case .answered(let answer) = await transport.send(poll.request, to: .poll, for: request, task),
                answer.isSuccess, let body = answer.json, let status = reader.status(in: body)
            else { return .unknown }
            guard rule.allowedIn.contains(status) else { return status.isEnd ? .alreadyEnded : .notPossible }
        }
        guard case .answered(let answer) = await transport.send(rule.request, to: .cancel, for: request, task) else {
            return .unknown
        }
        let words = reader.codes(in: answer.json, answer) + [String(answer.status)]
        switch words.lazy.compactMap({ rule.answers[$0] }).first {
        case .cancelled: return .cancelled
        case .requested: return .requested
        case .alreadyEnded: return .alreadyEnded
        case .notPossible: return .notPossible
        case nil: return .unknown
        }
    }

    /// Searches once for work by our own id.
    func lookUp(_ request: DispatchRequest) async -> LookUpOutcome {
        guard let rule = request.model.provider.lookUp else { return .unknown }
        guard case .answered(let answer) = await transport.send(rule.request, to: .lookUp, for: request) else {
            return .unknown
        }
        let body = answer.json
        let words = AnswerReader(model: request.model).codes(in: body, answer) + [String(answer.status)]
        if words.contains(where: rule.absent.contains) { return .absent }
        guard answer.isSuccess, let body else { return .unknown }
        if let id = rule.idPointer.first(in: body)?.scalarText, !id.isEmpty { return .found(ProviderTask(id: id)) }
        return rule.listPointer?.first(in: body)?.arrayValue?.isEmpty == true ? .absent : .unknown
    }
}

extension AnswerReader {
    /// What a poll's answer says; nil for a word that the definition does not know.
    func status(in body: JSONValue) -> ProviderStatus? {
        guard let poll = binding.poll, let word = poll.statusPointer.first(in: body)?.scalarText else { return nil }
        let status = poll.statuses[word]
        guard status == .succeededIfComplete else { return status }
        return isComplete(body) ? .succeeded : .running
    }

    /// Whether an answer whose status is one of success reports an error all the same.
    func saysFailed(_ body: JSONValue) -> Bool {
        binding.poll?.failedIf.contains { pointer in
            switch pointer.first(in: body) {
            case nil, .null?, .string("")?: false
            default: true
            }
        } ?? false
    }
}

extension ProviderStatus {
    fileprivate var isEnd: Bool {
        switch self {
        case .queued, .running, .succeededIfComplete: false
        case .succeeded, .failed, .cancelled, .expired: true
        }
    }
}

extension Exchange {
    /// What a submit means that got no answer.
    var submitWithoutAnswer: SubmitAttempt {
        switch self {
        case .answered: preconditionFailure("there is an answer")
        case .notSent:
            let failure = DispatchFailure(
                message: "The provider can't be reached.",
                failureClass: .provider,
                providerCode: "unreachable"
            )
            return .notAccepted(failure, NotAccepted(.retry(isOutage: true), retryAfter: nil))
        case .noAddress:
            return .ended(
                .failed(
                    DispatchFailure(
                        message: "The run could not be carried out by its provider.",
                        failureClass: .us,
                        providerCode: "no_address"
                    )
                )
            )
        case .lost(let reason):
            return .ended(.unresolved(reason.unresolvedReason, providerRequestID: nil))
        }
    }

    fileprivate var retryAfter: Duration? {
        guard case .answered(let answer) = self else { return nil }
        return answer.retryAfter
    }
}

extension Exchange.LossReason {
    var unresolvedReason: UnresolvedReason {
        switch self {
        case .timedOut: .timedOut
        case .connectionLost: .connectionLost
        case .answerTooLarge: .unreadableAnswer
        case .interrupted: .interrupted
        }
    }
}
