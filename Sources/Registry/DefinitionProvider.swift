internal import Yams

/// Reads the `provider` of a definition.
struct ProviderReader {
    /// The fields that a template can name.
    let inputNames: [String]
    /// Values for `${NAME}`, from configuration.
    let variables: [String: String]

    func binding(_ reader: MappingReader) -> ProviderBinding? {
        let kind = reader.choice("kind", ProviderKind.self)
        reader.allowOnly(
            ["kind", "name", "submit", "result", "errors", "usage"] + (kind == .http ? [] : ["poll"])
        )
        let name = reader.text("name", "the provider's name")
        let submit = reader.mapping("submit", "the request that does, or asks for, the work")
            .flatMap { submitRule($0, needsID: kind == .httpPolling) }
        let result = reader.mapping("result", "where the result is").flatMap(resultRule)
        let errors = errorRule(reader.optionalMapping("errors"))
        let usage = usageRule(reader.optionalMapping("usage"))
        var poll: PollRule?
        if kind == .httpPolling {
            poll = reader.mapping("poll", "how to ask for the outcome").flatMap(pollRule)
            guard poll != nil else { return nil }
        }
        guard kind != nil, let name, let submit, let result, let errors else { return nil }
        return ProviderBinding(
            name: name,
            submit: submit,
            poll: poll,
            result: result,
            errors: errors,
            usage: usage
        )
    }

    private static let requestKeys = ["method", "url", "headers", "body", "timeoutMilliseconds"]

    private func submitRule(_ reader: MappingReader, needsID: Bool) -> SubmitRule? {
        reader.allowOnly(Self.requestKeys + ["acceptedStatuses", "acceptedBody", "idPointer"])
        let request = requestTemplate(reader, defaultMethod: .post, hasTaskID: false)
        // Whether a submit left is known from its body, so it must have one.
        _ = reader.required("body", "the JSON body")
        if request?.method == .get { reader.reject("method", "must be POST or PUT") }
        var statuses: Set<Int>? = [200, 201, 202]
        if reader.optional("acceptedStatuses") != nil {
            let allowed = "a list of HTTP statuses"
            let numbers = reader.list("acceptedStatuses", allowed)?.map { Int($0.text) }
            statuses = numbers.map { Set($0.compactMap(\.self)) }
            if let numbers, !numbers.allSatisfy({ $0.map((100...599).contains) ?? false }) {
                reader.reject("acceptedStatuses", "must be \(allowed)")
                statuses = nil
            }
        }
        var bodyTest: SubmitRule.BodyTest?
        if let test = reader.optionalMapping("acceptedBody") {
            test.allowOnly(["pointer", "values"])
            _ = test.required("pointer", "where the code is")
            if let pointer = test.pointer("pointer"), let values = test.list("values", "a list of values") {
                bodyTest = SubmitRule.BodyTest(pointer: pointer, values: Set(values.map(\.text)))
            }
        }
        if needsID { _ = reader.required("idPointer", "where the provider's id of the work is") }
        let idPointer = reader.pointer("idPointer")
        guard let request, let statuses, !needsID || idPointer != nil else { return nil }
        return SubmitRule(
            request: request,
            acceptedStatuses: statuses,
            acceptedBody: bodyTest,
            idPointer: idPointer
        )
    }

    private func pollRule(_ reader: MappingReader) -> PollRule? {
        reader.allowOnly(
            Self.requestKeys + [
                "firstMilliseconds", "intervalMilliseconds", "growthPercent", "ceilingMilliseconds", "statusPointer",
                "statuses",
            ]
        )
        let request = requestTemplate(reader, defaultMethod: .get, hasTaskID: true)
        let longest: Int64 = 3_600_000
        let interval = reader.wholeNumber("intervalMilliseconds", in: 1...longest)
        let first = reader.wholeNumber("firstMilliseconds", in: 0...longest, default: interval ?? 0)
        let growth = reader.wholeNumber("growthPercent", in: 100...1_000, default: 150)
        let ceiling = reader.wholeNumber("ceilingMilliseconds", in: (interval ?? 1)...longest)
        _ = reader.required("statusPointer", "where the status is")
        let pointer = reader.pointer("statusPointer")
        var statuses: [String: ProviderStatus] = [:]
        if let map = reader.mapping("statuses", "a mapping from the provider's words to ours") {
            for word in map.names { statuses[word] = map.choice(word, ProviderStatus.self) }
            if statuses.count == map.names.count, !statuses.values.contains(.succeeded) {
                reader.reject("statuses", "must map a word to succeeded")
            }
        }
        guard let request, let interval, let first, let growth, let ceiling, let pointer else { return nil }
        return PollRule(
            request: request,
            schedule: PollSchedule(
                firstMilliseconds: first,
                intervalMilliseconds: interval,
                growthPercent: growth,
                ceilingMilliseconds: ceiling
            ),
            statusPointer: pointer,
            statuses: statuses
        )
    }

    private func resultRule(_ reader: MappingReader) -> ResultRule? {
        reader.allowOnly(["embeddedDocument", "outputs"])
        let embedded = reader.pointer("embeddedDocument")
        guard let texts = reader.list("outputs", "a list of JSON pointers") else { return nil }
        let pointers = texts.compactMap { reader.pointer($0.node, field: reader.field("outputs")) }
        return pointers.count == texts.count ? ResultRule(embeddedDocument: embedded, outputs: pointers) : nil
    }

    private func errorRule(_ reader: MappingReader?) -> ErrorRule? {
        guard let reader else { return ErrorRule(codes: [], messages: [], classes: [:]) }
        reader.allowOnly(["code", "message", "classes"])
        var classes: [String: ErrorClass] = [:]
        if let map = reader.optionalMapping("classes") {
            for code in map.names { classes[code] = map.choice(code, ErrorClass.self) }
        }
        return ErrorRule(codes: reader.pointers("code"), messages: reader.pointers("message"), classes: classes)
    }

    private func usageRule(_ reader: MappingReader?) -> UsageRule {
        guard let reader else { return UsageRule(units: nil, microUSD: nil) }
        reader.allowOnly(["units", "microUSD"])
        return UsageRule(units: reader.pointer("units"), microUSD: reader.pointer("microUSD"))
    }
}

extension ProviderReader {
    private func requestTemplate(
        _ reader: MappingReader,
        defaultMethod: RequestTemplate.Method,
        hasTaskID: Bool
    ) -> RequestTemplate? {
        let method =
            reader.optional("method") == nil ? defaultMethod : reader.choice("method", RequestTemplate.Method.self)
        let url = reader.required("url", "an absolute URL").flatMap { node in
            text(node, field: reader.field("url"), reader, allowing: inputNames, hasTaskID: hasTaskID)
        }
        if let url, !Self.isAbsolute(url) { reader.reject("url", "must begin with http:// or https:// and a host") }
        var headers: [RequestTemplate.Header] = []
        if let map = reader.optionalMapping("headers") {
            for name in map.names {
                guard Self.isHeaderName(name), let node = map.optional(name) else {
                    map.reject(name, "is not a header name")
                    continue
                }
                // Inputs stay out of headers: they may hold line breaks.
                let value = text(node, field: map.field(name), map, allowing: [], hasTaskID: hasTaskID)
                if let value { headers.append(RequestTemplate.Header(name: name, value: value)) }
            }
        }
        var body: BodyTemplate?
        if let node = reader.optional("body") {
            body = bodyTemplate(node, field: reader.field("body"), reader, hasTaskID: hasTaskID)
        }
        var timeout: Int64?
        if reader.optional("timeoutMilliseconds") != nil {
            timeout = reader.wholeNumber("timeoutMilliseconds", in: 1...3_600_000)
        }
        guard let method, let url else { return nil }
        return RequestTemplate(
            method: method,
            url: url,
            headers: headers,
            body: body,
            timeoutMilliseconds: timeout
        )
    }

    private static func isAbsolute(_ url: TextTemplate) -> Bool {
        guard case .literal(let start) = url.segments.first else { return false }
        return ["http://", "https://"].contains { start.hasPrefix($0) && start.count > $0.count }
    }

    private static func isHeaderName(_ name: String) -> Bool {
        !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    }

    private func bodyTemplate(
        _ node: Node,
        field: String,
        _ reader: MappingReader,
        hasTaskID: Bool
    ) -> BodyTemplate? {
        switch node {
        case .mapping(let mapping):
            var members: [String: BodyTemplate] = [:]
            for (key, value) in mapping {
                let name = key.scalar?.string ?? ""
                members[name] = bodyTemplate(value, field: "\(field).\(name)", reader, hasTaskID: hasTaskID)
            }
            return .object(members)
        case .sequence(let sequence):
            return .array(
                sequence.enumerated().compactMap { index, element in
                    bodyTemplate(element, field: "\(field)[\(index)]", reader, hasTaskID: hasTaskID)
                }
            )
        default:
            guard let value = MappingReader.json(node) else { return nil }
            guard case .string = value else { return .constant(value) }
            guard let template = text(node, field: field, reader, allowing: inputNames, hasTaskID: hasTaskID) else {
                return nil
            }
            switch (template.segments.count, template.segments.first) {
            case (1, .place(let place)): return .value(place)
            case (1, .literal(let literal)): return .constant(.string(literal))
            case (0, _): return .constant("")
            default: return .text(template)
            }
        }
    }

    /// Reads a text with `${VARIABLES}`, resolved here, and `{places}`, filled in later; `{{` stands for `{`.
    private func text(
        _ node: Node,
        field: String,
        _ reader: MappingReader,
        allowing inputs: [String],
        hasTaskID: Bool
    ) -> TextTemplate? {
        guard let source = node.scalar?.string else {
            reader.issues.add("must be text", field: field, at: node)
            return nil
        }
        let reject = { (message: String) -> TextTemplate? in
            reader.issues.add(message, field: field, at: node)
            return nil
        }
        var segments: [TextTemplate.Segment] = []
        var literal = ""
        var rest = source[...]
        while let character = rest.first {
            rest = rest.dropFirst()
            let isVariable = character == "$" && rest.first == "{"
            if isVariable { rest = rest.dropFirst() }
            guard isVariable || character == "{" else {
                literal.append(character)
                continue
            }
            if !isVariable, rest.first == "{" {
                literal.append("{")
                rest = rest.dropFirst()
                continue
            }
            guard let end = rest.firstIndex(of: "}") else { return reject("has a { without its }") }
            let name = String(rest[..<end])
            rest = rest[rest.index(after: end)...]
            if isVariable {
                guard let value = variables[name] else { return reject("needs \(name), which the configuration lacks") }
                literal += value
                continue
            }
            let allowed = ["executionId"] + (hasTaskID ? ["taskId"] : []) + inputs.map { "inputs.\($0)" }
            guard allowed.contains(name), let place = Placeholder(name) else {
                return reject("{\(name)} is unknown; allowed: \(allowed.map { "{\($0)}" }.joined(separator: ", "))")
            }
            if !literal.isEmpty { segments.append(.literal(literal)) }
            literal = ""
            segments.append(.place(place))
        }
        if !literal.isEmpty { segments.append(.literal(literal)) }
        return TextTemplate(segments: segments)
    }
}
