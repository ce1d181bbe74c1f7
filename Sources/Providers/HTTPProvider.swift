internal import Ledger
internal import Registry
public import Runs

/// Providers that answer the one request with the result.
public struct HTTPProvider: ModelProvider {
    private let transport: ProviderTransport

    init(transport: ProviderTransport) { self.transport = transport }

    /// Sends the request once; a complete answer decides, anything less is unresolved.
    public func run(
        _ request: DispatchRequest,
        submitted: @escaping @Sendable (_ task: ProviderTask) async -> Void
    ) async -> DispatchOutcome {
        let values = TemplateValues(inputs: request.inputs, executionID: request.executionID.description)
        let submit = request.model.provider.submit
        let exchange = await transport.send(submit.request, values: values, deadline: request.deadline)
        switch exchange.submitResult {
        case .failure(let ended): return ended.outcome
        case .success(let answer):
            let reader = AnswerReader(model: request.model)
            switch reader.acceptance(answer) {
            case .ended(let outcome): return outcome
            case .accepted(let body, let id):
                return reader.success(body, inputs: request.inputs, providerRequestID: id)
            }
        }
    }
}

/// An outcome that was clear without an answer.
struct EndedWithoutAnswer: Error {
    let outcome: DispatchOutcome
}

extension Exchange {
    /// The answer to a submit, or the outcome of a run whose submit got none.
    var submitResult: Result<ProviderAnswer, EndedWithoutAnswer> {
        switch self {
        case .answered(let answer): .success(answer)
        case .notSent:
            .failure(
                EndedWithoutAnswer(
                    outcome: .failed(
                        DispatchFailure(
                            message: "The provider can't be reached.",
                            failureClass: .provider,
                            providerCode: "unreachable"
                        )
                    )
                )
            )
        case .lost(let reason):
            .failure(EndedWithoutAnswer(outcome: .unresolved(reason.unresolvedReason, providerRequestID: nil)))
        }
    }
}

extension Exchange.LossReason {
    fileprivate var unresolvedReason: UnresolvedReason {
        switch self {
        case .timedOut: .timedOut
        case .connectionLost: .connectionLost
        case .answerTooLarge: .unreadableAnswer
        case .interrupted: .interrupted
        }
    }
}
