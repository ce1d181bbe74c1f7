internal import NIOCore
internal import Registry
internal import Runs
internal import Synchronization

/// Anthropic's Messages: one request, whose answer is read as a stream, so that a long one does not time out.
struct AnthropicProvider: Sendable {
    let transport: ProviderTransport

    /// Sends the request once and reads the stream to its end.
    func submit(_ request: DispatchRequest) async -> SubmitAttempt {
        let reading = Reading()
        let template = request.model.provider.submit.request
        let exchange = await transport.send(template, to: .submit, for: request, events: { reading.receive($0) })
        let reader = AnswerReader(model: request.model)
        let streamed = reading.message
        switch exchange {
        case .notSent, .noAddress: return exchange.submitWithoutAnswer
        case .lost(let reason):
            return .ended(reader.outcome(streamed, cut: reason.unresolvedReason, inputs: request.inputs))
        case .answered(let answer):
            guard let streamed else { return whole(answer, request) }
            return .ended(reader.outcome(streamed, cut: .connectionLost, inputs: request.inputs))
        }
    }

    /// Judges an answer that is no stream: an error, as a rule.
    private func whole(_ answer: ProviderAnswer, _ request: DispatchRequest) -> SubmitAttempt {
        let reader = AnswerReader(model: request.model)
        switch reader.acceptance(answer) {
        case .ended(let outcome): return .ended(outcome)
        case .notAccepted(let failure, let reason): return .notAccepted(failure, reason)
        case .accepted(let body, _):
            let message = AnthropicMessage(whole: body)
            return .ended(reader.outcome(message, cut: .unreadableAnswer, inputs: request.inputs))
        }
    }

    /// What has been read of one stream.
    private final class Reading: Sendable {
        private struct State {
            var parser = ServerSentEventParser()
            var message: AnthropicMessage?
        }

        private let state = Mutex(State())

        /// Nil when the answer was no stream.
        var message: AnthropicMessage? { state.withLock { $0.message } }

        func receive(_ bytes: ByteBuffer) {
            state.withLock { state in
                var message = state.message ?? AnthropicMessage()
                for event in state.parser.receive(bytes.readableBytesView) { message.receive(event) }
                state.message = message
            }
        }
    }
}

extension AnswerReader {
    /// How a run ended whose message was received so far.
    ///
    /// - Parameters:
    ///   - message: what was received; nil for nothing.
    ///   - reason: why there is no more, for a message whose end was not received.
    ///   - inputs: what it was asked for.
    func outcome(_ message: AnthropicMessage?, cut reason: UnresolvedReason, inputs: ValidatedInputs) -> DispatchOutcome
    {
        guard let message else { return .unresolved(reason, providerRequestID: nil) }
        if let error = message.error { return ended(error, providerRequestID: message.id) }
        // All of the content comes before the reason; what is missing after it changes nothing.
        guard let stopReason = message.stopReason else { return .unresolved(reason, providerRequestID: message.id) }
        let usage = DeliveredUsage(
            units: nil,
            cost: nil,
            inputTokens: message.inputTokens,
            outputTokens: message.outputTokens
        )
        if !message.text.isEmpty {
            return delivered([message.text], usage: usage, inputs: inputs, providerRequestID: message.id)
        }
        let isRefusal = stopReason == "refusal"
        return .failed(
            DispatchFailure(
                message: isRefusal ? "The model declined to answer." : "The provider returned no result.",
                failureClass: isRefusal ? .user : .provider,
                providerCode: isRefusal ? "refusal" : "no_result",
                providerRequestID: message.id
            )
        )
    }
}
