internal import Ledger
internal import NIOCore
internal import Registry
public import Runs

/// Providers that accept work with an id, and are asked about it until it has ended.
public struct HTTPPollingProvider: ModelProvider {
    let transport: ProviderTransport

    init(transport: ProviderTransport) { self.transport = transport }

    /// Submits once, then polls; a poll that fails is repeated, the submit never is.
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
            switch AnswerReader(model: request.model).acceptance(answer) {
            case .ended(let outcome): return outcome
            case .accepted(_, let id?):
                let task = ProviderTask(id: id)
                await submitted(task)
                return await resume(request, task)
            case .accepted(_, nil): return .unresolved(.unreadableAnswer, providerRequestID: nil)
            }
        }
    }

    /// Polls for work that was accepted before.
    public func resume(_ request: DispatchRequest, _ task: ProviderTask) async -> DispatchOutcome {
        guard let poll = request.model.provider.poll else {
            return .unresolved(.deadlinePassed, providerRequestID: task.id)
        }
        let values = TemplateValues(
            inputs: request.inputs,
            executionID: request.executionID.description,
            providerRequestID: task.id
        )
        let reader = AnswerReader(model: request.model)
        let start = ContinuousClock.now
        var machine = PollingMachine(schedule: poll.schedule, deadline: start.duration(to: request.deadline))
        var action = machine.start()
        var body = JSONValue.null
        while true {
            switch action {
            case .sleep(let wakeAt):
                guard (try? await Task.sleep(until: start + wakeAt, clock: .continuous)) != nil else {
                    return .unresolved(.interrupted, providerRequestID: task.id)
                }
                action = machine.woke(at: start.duration(to: .now))
            case .poll:
                let exchange = await transport.send(poll.request, values: values, deadline: request.deadline)
                let now = start.duration(to: .now)
                guard let received = exchange.successBody else {
                    action = machine.gotNoAnswer(retryAfter: exchange.retryAfter, at: now)
                    continue
                }
                body = received
                let word = poll.statusPointer.first(in: body)?.scalarText
                action = machine.answered(word.flatMap { poll.statuses[$0] }, at: now)
            case .end(.succeeded):
                return reader.success(body, inputs: request.inputs, providerRequestID: task.id)
            case .end(.failed), .end(.cancelled), .end(.expired):
                return reader.ended(body, providerRequestID: task.id)
            case .end(.deadlinePassed):
                return .unresolved(.deadlinePassed, providerRequestID: task.id)
            }
        }
    }
}

extension Exchange {
    /// The JSON of an answer of success; nil for everything that says nothing about the work.
    var successBody: JSONValue? {
        guard case .answered(let answer) = self, answer.isSuccess else { return nil }
        return try? JSONValue(parsing: answer.body.readableBytesView)
    }

    /// How long the provider asked to be left alone; at most an hour.
    var retryAfter: Duration? {
        guard case .answered(let answer) = self, let seconds = answer.retryAfterSeconds else { return nil }
        return .seconds(max(0, min(seconds, 3_600)))
    }
}
