internal import Yams

/// Reads a provider's definition.
struct ProviderReader {
    let reader: MappingReader
    let templates: TemplateReader

    private static let keys = [
        "name", "kind", "baseURL", "headers", "token", "submit", "poll", "result", "cancel", "lookUp", "callback",
        "errors", "usage", "limits",
    ]

    /// The provider with places for what its models say of themselves; nil after noting an issue.
    func provider() -> ProviderBinding? {
        let kind = reader.choice("kind", ProviderKind.self)
        var allowed = Self.keys
        if kind?.isPolled == false { allowed.removeAll { ["poll", "cancel", "lookUp"].contains($0) } }
        if kind == .anthropic { allowed.removeAll { ["result", "usage"].contains($0) } }
        reader.allowOnly(allowed)
        let name = reader.text("name", "the provider's name")
        let base = reader.required("baseURL", "an absolute URL")
            .flatMap { templates.constant($0, field: reader.field("baseURL")) }
        let origin = base.flatMap(ProviderOrigin.init(url:))
        if base != nil, origin == nil { reader.reject("baseURL", "must begin with http:// or https:// and a host") }
        var requests = RequestReader(templates: templates, baseURL: base.map(Self.trimmed) ?? "", headers: [])
        requests = RequestReader(
            templates: templates,
            baseURL: requests.baseURL,
            headers: requests.fields(reader, "headers", .lookUp)
        )
        let submit = reader.mapping("submit", "the request that does, or asks for, the work")
            .flatMap { requests.submitRule($0, needsID: kind?.isPolled == true) }
        let links = Set(submit?.links.keys.map(\.self) ?? [])
        var poll: PollRule?
        if kind?.isPolled == true {
            poll = reader.mapping("poll", "how to ask for the outcome").flatMap { requests.pollRule($0, links: links) }
        }
        var result: ResultRule? = ResultRule(request: nil, embeddedDocument: nil, outputs: [], base64: nil)
        if kind != .anthropic {
            result = reader.mapping("result", "where the result is").flatMap { requests.resultRule($0, links: links) }
        }
        let cancel = reader.optionalMapping("cancel").flatMap { requests.cancelRule($0, links: links) }
        let lookUp = reader.optionalMapping("lookUp").flatMap { requests.lookUpRule($0) }
        let callback = callbackRule(reader.optionalMapping("callback"))
        let errors = errorRule(reader.optionalMapping("errors"))
        let usage = usageRule(reader.optionalMapping("usage"))
        let limits = ProviderLimits(reader.optionalMapping("limits"))
        let token = reader.optionalMapping("token").flatMap(tokenRule)
        guard let kind, let name, let origin, let submit, let result, let callback, let errors, let limits,
            kind.isPolled == (poll != nil), (token == nil) == (reader.optional("token") == nil)
        else { return nil }
        return ProviderBinding(
            name: name,
            kind: kind,
            origin: origin,
            token: token,
            submit: submit,
            poll: poll,
            result: result,
            cancel: cancel,
            lookUp: lookUp,
            callback: callback,
            errors: errors,
            usage: usage,
            limits: limits
        )
    }

    private static func trimmed(_ url: String) -> String {
        var url = url[...]
        while url.last == "/" { url = url.dropLast() }
        return String(url)
    }

    private func tokenRule(_ reader: MappingReader) -> TokenRule? {
        reader.allowOnly(["accessKey", "secretKey", "lifetimeSeconds"])
        let keys = ["accessKey", "secretKey"].map { key in
            reader.required(key, "a key").flatMap { templates.constant($0, field: reader.field(key)) }
        }
        let lifetime = reader.wholeNumber("lifetimeSeconds", in: 60...86_400, default: 1_800)
        guard let access = keys[0], let secret = keys[1], let lifetime else { return nil }
        return TokenRule(accessKey: access, secretKey: secret, lifetimeSeconds: lifetime)
    }

    private func callbackRule(_ reader: MappingReader?) -> CallbackRule? {
        guard let reader else { return .unsigned }
        reader.allowOnly(["verifier", "secrets", "keysURL"])
        guard let verifier = reader.choice("verifier", CallbackRule.Verifier.self) else { return nil }
        let text = { (key: String) in
            reader.optional(key).flatMap { templates.constant($0, field: reader.field(key)) }
        }
        let keysURL = text("keysURL")
        if verifier == .falEd25519, keysURL.flatMap(ProviderOrigin.init(url:)) == nil {
            reader.reject("keysURL", "must be the absolute URL of a JWKS")
            return nil
        }
        let secrets = text("secrets")?.split(separator: " ").map(String.init) ?? []
        guard secrets.allSatisfy({ $0.hasPrefix("whsec_") }) else {
            reader.reject("secrets", "must begin with whsec_, one or several with spaces between them")
            return nil
        }
        return CallbackRule(verifier: verifier, secrets: secrets, keysURL: keysURL)
    }

    private func errorRule(_ reader: MappingReader?) -> ErrorRule? {
        guard let reader else { return ErrorRule(codes: [], messages: [], classes: [:]) }
        reader.allowOnly(["code", "header", "message", "classes"])
        var classes: [String: ErrorClass] = [:]
        if let map = reader.optionalMapping("classes") {
            for code in map.names { classes[code] = map.choice(code, ErrorClass.self) }
        }
        var codes = reader.pointers("code").map(ErrorRule.Source.body)
        if reader.optional("header") != nil, let header = reader.text("header", "a header's name") {
            codes.append(.header(header.lowercased()))
        }
        return ErrorRule(codes: codes, messages: reader.pointers("message"), classes: classes)
    }

    private func usageRule(_ reader: MappingReader?) -> UsageRule {
        guard let reader else {
            return UsageRule(units: nil, microUSD: nil, charges: nil, inputTokens: [], outputTokens: [])
        }
        reader.allowOnly(["units", "microUSD", "charges", "inputTokens", "outputTokens"])
        return UsageRule(
            units: reader.pointer("units"),
            microUSD: reader.pointer("microUSD"),
            charges: chargeRule(reader.optionalMapping("charges")),
            inputTokens: reader.pointers("inputTokens"),
            outputTokens: reader.pointers("outputTokens")
        )
    }

    private func chargeRule(_ reader: MappingReader?) -> UsageRule.ChargeRule? {
        guard let reader else { return nil }
        reader.allowOnly(["list", "amount", "only"])
        _ = reader.required("list", "where the list of charges is")
        _ = reader.required("amount", "where the dollars are in each charge")
        var only: [String: String] = [:]
        if let map = reader.optionalMapping("only") {
            for name in map.names { only[name] = map.text(name, "the value that the member must have") }
        }
        guard let list = reader.pointer("list"), let amount = reader.pointer("amount") else { return nil }
        return UsageRule.ChargeRule(list: list, amount: amount, only: only)
    }
}

extension ProviderLimits {
    /// Reads limits; nil after noting an issue.
    fileprivate init?(_ reader: MappingReader?) {
        self.init()
        guard let reader else { return }
        reader.allowOnly([
            "concurrency", "queue", "retries", "retryBudgetPercent", "retryBudgetBurst", "breakerWindow",
            "breakerFailurePercent", "breakerOpenSeconds", "maximumAnswerBytes",
        ])
        var isWhole = true
        let read = { (key: String, range: ClosedRange<Int64>, value: inout Int) in
            guard let number = reader.wholeNumber(key, in: range, default: Int64(value)) else {
                isWhole = false
                return
            }
            value = Int(number)
        }
        read("concurrency", 1...10_000, &concurrency)
        read("queue", 0...100_000, &queue)
        read("retries", 0...10, &retries)
        read("retryBudgetPercent", 0...100, &retryBudgetPercent)
        read("retryBudgetBurst", 0...1_000, &retryBudgetBurst)
        read("breakerWindow", 2...1_000, &breakerWindow)
        read("breakerFailurePercent", 1...100, &breakerFailurePercent)
        read("breakerOpenSeconds", 1...3_600, &breakerOpenSeconds)
        read("maximumAnswerBytes", 1_024...268_435_456, &maximumAnswerBytes)
        guard isWhole else { return nil }
    }
}
