internal import Registry
internal import Runs

/// Providers that answer the one request with the result.
struct HTTPProvider: Sendable {
    let transport: ProviderTransport

    /// Sends the request once; a complete answer decides, anything less is unresolved.
    func submit(_ request: DispatchRequest) async -> SubmitAttempt {
        let exchange = await transport.send(request.model.provider.submit.request, to: .submit, for: request)
        guard case .answered(let answer) = exchange else { return exchange.submitWithoutAnswer }
        let reader = AnswerReader(model: request.model)
        switch reader.acceptance(answer) {
        case .ended(let outcome): return .ended(outcome)
        case .notAccepted(let failure, let reason): return .notAccepted(failure, reason)
        case .accepted(let body, let task):
            return .ended(reader.success(body, inputs: request.inputs, providerRequestID: task?.id))
        }
    }
}
