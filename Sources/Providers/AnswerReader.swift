internal import Ledger
internal import NIOHTTP1
internal import Registry
internal import Runs

/// Reads a provider's answers by the rules of a definition. Pure.
struct AnswerReader: Sendable {
    let model: ModelDefinition

    var binding: ProviderBinding { model.provider }

    /// What the answer to a submit says.
    enum Acceptance: Hashable, Sendable {
        /// The work was accepted; the body has the result, or the task says what to ask about.
        case accepted(JSONValue, ProviderTask?)
        /// It ended here, or it is not known what became of it.
        case ended(DispatchOutcome)
        /// It was certainly not accepted, and may be submitted again.
        case notAccepted(DispatchFailure, NotAccepted)
    }

    /// Judges the answer to a submit.
    func acceptance(_ answer: ProviderAnswer) -> Acceptance {
        let body = answer.json
        guard binding.submit.acceptedStatuses.contains(answer.status) else {
            // A success that the definition does not list: something was done, but not what was asked for.
            guard !answer.isSuccess else { return .ended(.unresolved(.unreadableAnswer, providerRequestID: nil)) }
            return refusal(answer, body: body)
        }
        guard let body else { return .ended(.unresolved(.unreadableAnswer, providerRequestID: nil)) }
        if let test = binding.submit.acceptedBody {
            let code = test.pointer.first(in: body)?.scalarText
            guard let code else { return .ended(.unresolved(.unreadableAnswer, providerRequestID: nil)) }
            guard test.values.contains(code) else { return refusal(answer, body: body, bodyCode: code) }
        }
        let id = binding.submit.idPointer?.first(in: body)?.scalarText ?? ""
        guard binding.kind.isPolled else { return .accepted(body, id.isEmpty ? nil : ProviderTask(id: id)) }
        guard !id.isEmpty else { return .ended(.unresolved(.unreadableAnswer, providerRequestID: nil)) }
        let links = links(in: body)
        let needed = [binding.poll?.request.link, binding.result.request?.link].compactMap(\.self)
        guard needed.allSatisfy({ links[$0] != nil }) else {
            return .ended(.unresolved(.unreadableAnswer, providerRequestID: id))
        }
        return .accepted(body, ProviderTask(id: id, links: links))
    }

    /// The links that lead to the provider itself; a key must not go anywhere else.
    private func links(in body: JSONValue) -> [String: String] {
        binding.submit.links.compactMapValues { pointer in
            guard let url = pointer.first(in: body)?.stringValue, ProviderOrigin(url: url) == binding.origin else {
                return nil
            }
            return url
        }
    }

    private func refusal(_ answer: ProviderAnswer, body: JSONValue?, bodyCode: String? = nil) -> Acceptance {
        let judged = judge(answer, body: body, bodyCode: bodyCode)
        let failure = failure(judged.failureClass, code: judged.code, body: body, providerRequestID: nil)
        // A vendor that says so knows that another attempt is of no use.
        let isPointless = answer.headers.first(name: "x-should-retry") == "false"
        switch judged.errorClass {
        case .unresolved: return .ended(.unresolved(.ambiguousError, providerRequestID: nil))
        case .retry where !isPointless:
            let isOutage = answer.status >= 500
            return .notAccepted(failure, NotAccepted(.retry(isOutage: isOutage), retryAfter: answer.retryAfter))
        case .requeue: return .notAccepted(failure, NotAccepted(.requeue, retryAfter: answer.retryAfter))
        case .user, .us, .provider, .retry: return .ended(.failed(failure))
        }
    }
}

/// Why work was not accepted, and when it may be submitted again.
struct NotAccepted: Hashable, Sendable {
    /// Why it was not.
    enum Reason: Hashable, Sendable {
        /// A rate limit, an overload, or nobody there. It costs a retry.
        case retry(isOutage: Bool)
        /// No slot is free at the vendor's. It costs nothing.
        case requeue
    }

    let reason: Reason
    /// How long to leave the provider alone; nil when it does not say.
    let retryAfter: Duration?

    init(_ reason: Reason, retryAfter: Duration?) {
        self.reason = reason
        self.retryAfter = retryAfter
    }
}

// MARK: Results

extension AnswerReader {
    /// The result in an answer that says the work is done.
    func success(_ body: JSONValue, inputs: ValidatedInputs, providerRequestID: String?) -> DispatchOutcome {
        let outputs = outputs(in: body).compactMap(\.stringValue).filter { !$0.isEmpty }
        guard !outputs.isEmpty else {
            return .failed(
                DispatchFailure(
                    message: "The provider returned no result.",
                    failureClass: .provider,
                    providerCode: "no_result",
                    providerRequestID: providerRequestID
                )
            )
        }
        let prefix = mediaTypePrefix(in: body)
        return delivered(
            outputs.map { prefix + $0 },
            usage: usage(in: body, outputCount: outputs.count),
            inputs: inputs,
            providerRequestID: providerRequestID
        )
    }

    /// A result with what it costs us.
    func delivered(
        _ outputs: [String],
        usage: DeliveredUsage,
        inputs: ValidatedInputs,
        providerRequestID: String?
    ) -> DispatchOutcome {
        let cost =
            (try? model.providerCost(inputs, delivered: usage))
            ?? (try? model.providerCost(inputs, delivered: .unreported)) ?? .zero
        return .succeeded(
            DispatchSuccess(
                result: .object([model.type.resultKey: .array(outputs.map(JSONValue.string))]),
                providerRequestID: providerRequestID,
                usage: usage,
                providerCost: cost
            )
        )
    }

    /// Whether every output that the answer has a place for is there.
    func isComplete(_ body: JSONValue) -> Bool {
        let outputs = outputs(in: body)
        return !outputs.isEmpty && outputs.allSatisfy { $0.stringValue?.isEmpty == false }
    }

    private func outputs(in body: JSONValue) -> [JSONValue] {
        var document = body
        if let embedded = binding.result.embeddedDocument {
            guard let selected = embedded.first(in: body) else { return [] }
            // Some relays unwrap the document on the way.
            document = selected.stringValue.flatMap { try? JSONValue(text: $0) } ?? selected
        }
        return binding.result.outputs.flatMap { $0.all(in: document) }.flatMap { $0.arrayValue ?? [$0] }
    }

    private func mediaTypePrefix(in body: JSONValue) -> String {
        guard let base64 = binding.result.base64 else { return "" }
        let word = base64.typePointer?.first(in: body)?.scalarText
        return "data:\(word.flatMap { base64.types[$0] } ?? base64.fallback);base64,"
    }

    private func usage(in body: JSONValue, outputCount: Int) -> DeliveredUsage {
        var units = binding.usage.units?.first(in: body).flatMap(Self.roundedUp)
        if units == nil, model.price.countsOutputs { units = Int64(outputCount) }
        let microUSD = binding.usage.microUSD?.first(in: body).flatMap(Self.roundedUp)
        return DeliveredUsage(
            units: units.flatMap { $0 > 0 ? $0 : nil },
            cost: microUSD.map(MicroUSD.init(microdollars:)) ?? charges(in: body),
            inputTokens: Self.sum(binding.usage.inputTokens, in: body),
            outputTokens: Self.sum(binding.usage.outputTokens, in: body)
        )
    }

    /// The sum of what we are charged; nil unless every charge is in dollars.
    private func charges(in body: JSONValue) -> MicroUSD? {
        guard let rule = binding.usage.charges, let charges = rule.list.first(in: body)?.arrayValue, !charges.isEmpty
        else { return nil }
        var total: Int64 = 0
        for charge in charges {
            // Dollars have as many decimals as credits have here.
            guard rule.only.allSatisfy({ charge[$0.key]?.scalarText == $0.value }),
                let amount = rule.amount.first(in: charge)?.scalarText.flatMap({ Credits(decimal: $0) }),
                amount.microcredits >= 0
            else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(amount.microcredits)
            guard !overflow else { return nil }
            total = sum
        }
        return MicroUSD(microdollars: total)
    }

    private static func sum(_ pointers: [JSONPointer], in body: JSONValue) -> Int64? {
        let numbers = pointers.compactMap { $0.first(in: body).flatMap(roundedUp) }
        guard let first = numbers.first else { return nil }
        return numbers.dropFirst().reduce(first) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
    }

    /// A number, or a number in a string, rounded up to a whole one; nil for anything else, and for what is below 0.
    static func roundedUp(_ value: JSONValue) -> Int64? {
        guard let text = value.scalarText else { return nil }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = Int64(parts[0]), whole >= 0 else { return nil }
        guard parts.count == 2 else { return whole }
        guard !parts[1].isEmpty, parts[1].allSatisfy(\.isWholeNumber) else { return nil }
        return parts[1].allSatisfy { $0 == "0" } ? whole : whole + 1
    }
}
