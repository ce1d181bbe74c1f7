internal import Ledger
internal import NIOCore
internal import Registry
internal import Runs

/// Reads a provider's answers by the rules of a definition. Pure.
struct AnswerReader: Sendable {
    let model: ModelDefinition

    private var binding: ProviderBinding { model.provider }

    /// What the answer to a submit says.
    enum Acceptance: Hashable, Sendable {
        /// The work was accepted; the body has the result, or the id to ask about it with.
        case accepted(JSONValue, providerRequestID: String?)
        /// It ended here.
        case ended(DispatchOutcome)
    }

    /// Judges the answer to a submit.
    func acceptance(_ answer: ProviderAnswer) -> Acceptance {
        let body = try? JSONValue(parsing: answer.body.readableBytesView)
        guard binding.submit.acceptedStatuses.contains(answer.status) else {
            // A success that the definition does not list: something was done, but not what was asked for.
            guard !answer.isSuccess else { return .ended(.unresolved(.unreadableAnswer, providerRequestID: nil)) }
            return .ended(failure(body: body, status: answer.status, providerRequestID: nil))
        }
        guard let body else { return .ended(.unresolved(.unreadableAnswer, providerRequestID: nil)) }
        if let test = binding.submit.acceptedBody {
            let code = test.pointer.first(in: body)?.scalarText
            guard let code else { return .ended(.unresolved(.unreadableAnswer, providerRequestID: nil)) }
            guard test.values.contains(code) else {
                return .ended(failure(body: body, status: answer.status, bodyCode: code, providerRequestID: nil))
            }
        }
        let id = binding.submit.idPointer?.first(in: body)?.scalarText
        if binding.kind.isPolled, id?.isEmpty ?? true {
            return .ended(.unresolved(.unreadableAnswer, providerRequestID: nil))
        }
        return .accepted(body, providerRequestID: id)
    }

    /// The result in an answer that says the work is done.
    func success(_ body: JSONValue, inputs: ValidatedInputs, providerRequestID: String?) -> DispatchOutcome {
        let outputs = outputs(in: body)
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
        let usage = usage(in: body, outputCount: outputs.count)
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

    private func outputs(in body: JSONValue) -> [String] {
        var document = body
        if let embedded = binding.result.embeddedDocument {
            guard let selected = embedded.first(in: body) else { return [] }
            // Some relays unwrap the document on the way.
            document = selected.stringValue.flatMap { try? JSONValue(text: $0) } ?? selected
        }
        return binding.result.outputs.flatMap { $0.all(in: document) }.flatMap { selected in
            (selected.arrayValue ?? [selected]).compactMap(\.stringValue).filter { !$0.isEmpty }
        }
    }

    private func usage(in body: JSONValue, outputCount: Int) -> DeliveredUsage {
        var units = binding.usage.units?.first(in: body).flatMap(Self.roundedUp)
        if units == nil, model.price.basis == .perImage { units = Int64(outputCount) }
        let microUSD = binding.usage.microUSD?.first(in: body).flatMap(Self.roundedUp)
        return DeliveredUsage(
            units: units.flatMap { $0 > 0 ? $0 : nil },
            cost: microUSD.map(MicroUSD.init(microdollars:))
        )
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

extension AnswerReader {
    /// What an answer that reports an error means.
    ///
    /// - Parameters:
    ///   - body: the answer, when it is JSON.
    ///   - status: the HTTP status.
    ///   - bodyCode: a code that the definition's test on the body did not accept.
    ///   - providerRequestID: the id, when the work had been accepted.
    func failure(
        body: JSONValue?,
        status: Int,
        bodyCode: String? = nil,
        providerRequestID: String?
    ) -> DispatchOutcome {
        let code = body.flatMap { Self.firstText(binding.errors.codes.bodyPointers, in: $0) }
        let known = [code, bodyCode, String(status)].compactMap { $0 }.compactMap { binding.errors.classes[$0] }.first
        let errorClass = known ?? Self.defaultClass(bodyCode.flatMap { Int($0) } ?? status, kind: binding.kind)
        let failureClass: DispatchFailure.Class
        switch errorClass {
        case .unresolved: return .unresolved(.ambiguousError, providerRequestID: providerRequestID)
        case .user: failureClass = .user
        case .provider, .retry, .requeue: failureClass = .provider
        case .us: failureClass = .us
        }
        return .failed(
            DispatchFailure(
                message: message(failureClass, body: body),
                failureClass: failureClass,
                providerCode: code ?? bodyCode ?? String(status),
                providerRequestID: providerRequestID
            )
        )
    }

    /// What it means that work which had been accepted ended without a result.
    func ended(_ body: JSONValue, providerRequestID: String) -> DispatchOutcome {
        // The answer itself was a success, so without a code that is known the provider is to blame.
        let code = Self.firstText(binding.errors.codes.bodyPointers, in: body).flatMap { Int($0) }
        return failure(
            body: body,
            status: code.flatMap { (400...499).contains($0) ? $0 : nil } ?? 500,
            providerRequestID: providerRequestID
        )
    }

    /// What a number means that the definition does not explain: an HTTP status, or a body's code in its likeness.
    static func defaultClass(_ status: Int, kind: ProviderKind) -> ErrorClass {
        switch status {
        case 400, 413, 415, 422: .user
        // A gateway that gave up on a task API may have handed the task on.
        case 502, 504: kind.isPolled ? .unresolved : .provider
        case 408, 409, 425, 429, 500...599: .provider
        case 300...499: .us
        default: .provider
        }
    }

    private static func firstText(_ pointers: [JSONPointer], in body: JSONValue) -> String? {
        pointers.lazy.compactMap { $0.first(in: body)?.scalarText }.first { !$0.isEmpty }
    }

    /// For the customer. Only a refusal of inputs repeats the vendor's words, since only the customer can act on them.
    private func message(_ failureClass: DispatchFailure.Class, body: JSONValue?) -> String {
        switch failureClass {
        case .user:
            let words = body.flatMap { Self.firstText(binding.errors.messages, in: $0) } ?? ""
            let printable = String(words.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(300))
            let isSafe = !printable.isEmpty && !printable.contains("://")
            return isSafe ? "The provider refused the inputs: \(printable)" : "The provider refused the inputs."
        case .provider, .cancelled: return "The provider could not complete the run."
        case .us: return "The run could not be carried out by its provider."
        }
    }
}

extension [ErrorRule.Source] {
    fileprivate var bodyPointers: [JSONPointer] {
        compactMap { source in
            guard case .body(let pointer) = source else { return nil }
            return pointer
        }
    }
}
