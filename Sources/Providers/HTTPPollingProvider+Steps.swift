internal import Ledger
internal import Registry
public import Runs

/// One step at a time, for runs that outlive their request.
extension HTTPPollingProvider {
    /// Submits once; see `ModelProvider.submit(_:)`.
    public func submit(_ request: DispatchRequest) async -> SubmitOutcome {
        let values = TemplateValues(inputs: request.inputs, executionID: request.executionID.description)
        let exchange = await transport.send(
            request.model.provider.submit.request,
            values: values,
            deadline: request.deadline
        )
        switch exchange.submitResult {
        case .failure(let ended):
            guard case .failed(let failure) = ended.outcome else { return .ended(ended.outcome) }
            return .notAccepted(failure, retryAfter: nil)
        case .success(let answer):
            switch AnswerReader(model: request.model).acceptance(answer) {
            case .ended(let outcome): return .ended(outcome)
            case .accepted(_, let id?): return .accepted(ProviderTask(id: id))
            case .accepted(_, nil): return .ended(.unresolved(.unreadableAnswer, providerRequestID: nil))
            }
        }
    }

    /// Asks once; see `ModelProvider.poll(_:_:)`.
    public func poll(_ request: DispatchRequest, _ task: ProviderTask) async -> PollOutcome {
        guard let poll = request.model.provider.poll else { return .pending(retryAfter: nil) }
        let values = TemplateValues(
            inputs: request.inputs,
            executionID: request.executionID.description,
            providerRequestID: task.id
        )
        let exchange = await transport.send(poll.request, values: values, deadline: request.deadline)
        guard let body = exchange.successBody else { return .pending(retryAfter: exchange.retryAfter) }
        let reader = AnswerReader(model: request.model)
        switch poll.statusPointer.first(in: body)?.scalarText.flatMap({ poll.statuses[$0] }) {
        case .succeeded: return .ended(reader.success(body, inputs: request.inputs, providerRequestID: task.id))
        case .failed, .cancelled, .expired: return .ended(reader.ended(body, providerRequestID: task.id))
        case .queued, .running, nil: return .pending(retryAfter: nil)
        }
    }
}
