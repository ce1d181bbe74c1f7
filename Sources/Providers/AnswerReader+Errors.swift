internal import NIOHTTP1
internal import Registry
internal import Runs

/// What an answer that reports an error means.
struct JudgedError: Hashable, Sendable {
    /// The vendor's code, or the HTTP status.
    let code: String
    /// Whose failure it is.
    let errorClass: ErrorClass

    /// Whose failure it is once the work has certainly ended.
    var failureClass: DispatchFailure.Class {
        switch errorClass {
        case .user: .user
        case .us: .us
        case .provider, .retry, .requeue, .unresolved: .provider
        }
    }
}

extension AnswerReader {
    /// Looks an error up: the vendor's codes in the order of the definition, then the HTTP status.
    ///
    /// - Parameters:
    ///   - answer: the answer.
    ///   - body: its JSON, when it has some.
    ///   - bodyCode: a code that the definition's test on the body did not accept.
    func judge(_ answer: ProviderAnswer, body: JSONValue?, bodyCode: String? = nil) -> JudgedError {
        let found = codes(in: body, answer) + (bodyCode.map { [$0] } ?? [])
        let known = found.lazy.compactMap { code in self.classOf(code).map { (code, $0) } }.first
        if let (code, errorClass) = known { return JudgedError(code: code, errorClass: errorClass) }
        let status = String(answer.status)
        let errorClass =
            binding.errors.classes[status]
            ?? Self.defaultClass(bodyCode.flatMap { Int($0) } ?? answer.status, isPolled: binding.kind.isPolled)
        return JudgedError(code: found.first ?? status, errorClass: errorClass)
    }

    /// Everything in an answer that can be a vendor's code.
    func codes(in body: JSONValue?, _ answer: ProviderAnswer?) -> [String] {
        binding.errors.codes.compactMap { source in
            let text: String? =
                switch source {
                case .body(let pointer): body.flatMap { pointer.first(in: $0)?.scalarText }
                case .header(let name): answer?.headers.first(name: name)
                }
            return text?.isEmpty == false ? text : nil
        }
    }

    /// The class of a code; a code `A.b` that is not named is looked up as `A`.
    private func classOf(_ code: String) -> ErrorClass? {
        var code = code[...]
        while true {
            if let errorClass = binding.errors.classes[String(code)] { return errorClass }
            guard let dot = code.lastIndex(of: ".") else { return nil }
            code = code[..<dot]
        }
    }

    /// What it means that work which had been accepted ended without a result.
    func ended(_ body: JSONValue, providerRequestID: String?) -> DispatchOutcome {
        let found = codes(in: body, nil)
        let known = found.lazy.compactMap { code in self.classOf(code).map { (code, $0) } }.first
        // The answer itself was a success, so without a code that is known the provider is to blame.
        let number = found.first.flatMap { Int($0) }.flatMap { (400...499).contains($0) ? $0 : nil }
        let fallback = Self.defaultClass(number ?? 500, isPolled: false)
        let judged = JudgedError(code: known?.0 ?? found.first ?? "500", errorClass: known?.1 ?? fallback)
        return .failed(
            failure(judged.failureClass, code: judged.code, body: body, providerRequestID: providerRequestID)
        )
    }

    /// What it means that the result of work which has ended is an error; nil when the answer says nothing about the
    /// work, so that it must be asked for again.
    func endedWith(_ answer: ProviderAnswer, providerRequestID: String) -> DispatchOutcome? {
        // Our key, a rate limit, or a result that is not there yet.
        if [401, 403, 404, 408, 425, 429].contains(answer.status) { return nil }
        guard let body = answer.json, body.objectValue != nil else { return nil }
        let hasWords = binding.errors.messages.contains { !($0.first(in: body)?.scalarText ?? "").isEmpty }
        guard hasWords || !codes(in: body, answer).isEmpty else { return nil }
        let judged = judge(answer, body: body)
        return .failed(
            failure(judged.failureClass, code: judged.code, body: body, providerRequestID: providerRequestID)
        )
    }

    /// What a number means that the definition does not explain: an HTTP status, or a body's code in its likeness.
    static func defaultClass(_ status: Int, isPolled: Bool) -> ErrorClass {
        switch status {
        case 400, 413, 415, 422: .user
        // RFC 6585: too many requests, so this one was not taken.
        case 429: .retry
        // A gateway that gave up on a task API may have handed the task on.
        case 502, 504: isPolled ? .unresolved : .provider
        case 408, 409, 425, 500...599: .provider
        case 300...499: .us
        default: .provider
        }
    }

    /// A failure with words for the customer. Only a refusal of inputs repeats the vendor's, since only the customer can
    /// act on them.
    func failure(
        _ failureClass: DispatchFailure.Class,
        code: String,
        body: JSONValue?,
        providerRequestID: String?
    ) -> DispatchFailure {
        let message: String
        switch failureClass {
        case .user:
            let words = body.map(words) ?? ""
            let printable = String(words.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(300))
            let isSafe = !printable.isEmpty && !printable.contains("://")
            message = isSafe ? "The provider refused the inputs: \(printable)" : "The provider refused the inputs."
        case .provider: message = "The provider could not complete the run."
        case .us: message = "The run could not be carried out by its provider."
        case .cancelled: message = "The run was cancelled."
        }
        return DispatchFailure(
            message: message,
            failureClass: failureClass,
            providerCode: code,
            providerRequestID: providerRequestID
        )
    }

    private func words(in body: JSONValue) -> String {
        binding.errors.messages.lazy.compactMap { $0.first(in: body)?.scalarText }.first { !$0.isEmpty } ?? ""
    }
}
