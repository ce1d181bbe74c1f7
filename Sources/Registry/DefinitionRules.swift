internal import Yams

/// The rules that go with each request.
extension RequestReader {
    func submitRule(_ reader: MappingReader, needsID: Bool) -> SubmitRule? {
        reader.allowOnly(
            Self.keys.filter { $0 != "link" } + ["acceptedStatuses", "acceptedBody", "idPointer", "links"]
        )
        let request = request(reader, .submit, defaultMethod: .post, links: [])
        // Whether a submit left is known from its body, so it must have one.
        _ = reader.required("body", "the JSON body")
        if let method = request?.method, method != .post, method != .put {
            reader.reject("method", "must be POST or PUT")
        }
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
        var links: [String: JSONPointer] = [:]
        if let map = reader.optionalMapping("links") {
            for name in map.names { links[name] = map.pointer(name) }
        }
        guard let request, let statuses, !needsID || idPointer != nil else { return nil }
        return SubmitRule(
            request: request,
            acceptedStatuses: statuses,
            acceptedBody: bodyTest,
            idPointer: idPointer,
            links: links
        )
    }

    func pollRule(_ reader: MappingReader, links: Set<String>) -> PollRule? {
        reader.allowOnly(Self.keys + PollSchedule.keys + ["statusPointer", "statuses", "failedIf"])
        let request = request(reader, .task, defaultMethod: .get, links: links)
        let schedule = PollSchedule(reader)
        _ = reader.required("statusPointer", "where the status is")
        let pointer = reader.pointer("statusPointer")
        var statuses: [String: ProviderStatus] = [:]
        if let map = reader.mapping("statuses", "a mapping from the provider's words to ours") {
            for word in map.names { statuses[word] = map.choice(word, ProviderStatus.self) }
            if statuses.count == map.names.count, !statuses.values.contains(.succeeded) {
                reader.reject("statuses", "must map a word to succeeded")
            }
        }
        guard let request, let schedule, let pointer else { return nil }
        return PollRule(
            request: request,
            schedule: schedule,
            statusPointer: pointer,
            statuses: statuses,
            failedIf: reader.pointers("failedIf")
        )
    }

    func resultRule(_ reader: MappingReader, links: Set<String>) -> ResultRule? {
        reader.allowOnly(Self.keys + ["embeddedDocument", "outputs", "base64"])
        var request: RequestTemplate?
        if reader.optional("path") != nil || reader.optional("link") != nil {
            request = self.request(reader, .task, defaultMethod: .get, links: links)
            guard request != nil else { return nil }
        }
        var base64: ResultRule.Base64Rule?
        if let map = reader.optionalMapping("base64") {
            base64 = base64Rule(map)
            guard base64 != nil else { return nil }
        }
        guard let outputs = reader.pointerList("outputs") else { return nil }
        return ResultRule(
            request: request,
            embeddedDocument: reader.pointer("embeddedDocument"),
            outputs: outputs,
            base64: base64
        )
    }

    private func base64Rule(_ reader: MappingReader) -> ResultRule.Base64Rule? {
        reader.allowOnly(["typePointer", "types", "else"])
        var types: [String: String] = [:]
        if let map = reader.optionalMapping("types") {
            for word in map.names { types[word] = map.text(word, "a media type") }
        }
        guard let fallback = reader.text("else", "the media type when the answer names none") else { return nil }
        return ResultRule.Base64Rule(typePointer: reader.pointer("typePointer"), types: types, fallback: fallback)
    }

    func cancelRule(_ reader: MappingReader, links: Set<String>) -> CancelRule? {
        reader.allowOnly(Self.keys + ["allowedIn", "answers"])
        let request = request(reader, .task, defaultMethod: .post, links: links)
        var allowed: Set<ProviderStatus> = []
        if reader.optional("allowedIn") != nil {
            let expectation = "a list of " + ProviderStatus.allCases.map(\.rawValue).joined(separator: ", ")
            let words = reader.list("allowedIn", expectation) ?? []
            allowed = Set(words.compactMap { ProviderStatus(rawValue: $0.text) })
            if allowed.count != words.count { reader.reject("allowedIn", "must be \(expectation)") }
        }
        var answers: [String: CancelRule.Answer] = [:]
        if let map = reader.mapping("answers", "a mapping from codes and statuses to what they mean") {
            for code in map.names { answers[code] = map.choice(code, CancelRule.Answer.self) }
        }
        return request.map { CancelRule(request: $0, allowedIn: allowed, answers: answers) }
    }

    func lookUpRule(_ reader: MappingReader) -> LookUpRule? {
        reader.allowOnly(Self.keys.filter { $0 != "link" } + ["idPointer", "listPointer", "absent"])
        let request = request(reader, .lookUp, defaultMethod: .get, links: [])
        _ = reader.required("idPointer", "where the provider's id of the work is")
        var absent: Set<String> = []
        if reader.optional("absent") != nil {
            absent = Set(reader.list("absent", "a list of codes and statuses")?.map(\.text) ?? [])
        }
        guard let request, let pointer = reader.pointer("idPointer") else { return nil }
        return LookUpRule(
            request: request,
            idPointer: pointer,
            listPointer: reader.pointer("listPointer"),
            absent: absent
        )
    }
}

extension PollSchedule {
    static let keys = ["firstMilliseconds", "intervalMilliseconds", "growthPercent", "ceilingMilliseconds"]

    /// Reads a schedule; nil after noting an issue.
    init?(_ reader: MappingReader) {
        let longest: Int64 = 3_600_000
        let interval = reader.wholeNumber("intervalMilliseconds", in: 1...longest)
        let first = reader.wholeNumber("firstMilliseconds", in: 0...longest, default: interval ?? 0)
        let growth = reader.wholeNumber("growthPercent", in: 100...1_000, default: 150)
        let ceiling = reader.wholeNumber("ceilingMilliseconds", in: (interval ?? 1)...longest)
        guard let interval, let first, let growth, let ceiling else { return nil }
        self.init(
            firstMilliseconds: first,
            intervalMilliseconds: interval,
            growthPercent: growth,
            ceilingMilliseconds: ceiling
        )
    }
}

extension MappingReader {
    /// A list of JSON pointers that is not empty.
    func pointerList(_ key: String) -> [JSONPointer]? {
        guard let texts = list(key, "a list of JSON pointers") else { return nil }
        let pointers = texts.compactMap { pointer($0.node, field: field(key)) }
        return pointers.count == texts.count ? pointers : nil
    }
}
