internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// kie.ai's jobs API: a task is created, then asked about; its result is JSON in a string.
///
/// Refusals come with HTTP 200 and a body code of their own, as in the vendor's other APIs. Callbacks hold the record of
/// the task, unsigned.
struct KieWire: Sendable {
    static let provider = "kie"
    let desk: SimulatorDesk

    func addRoutes(to router: Router<SimulatorContext>) {
        for prefix in ["", "/kie"] {
            router.post("\(prefix)/api/v1/jobs/createTask") { try await create($0, $1) }
            router.get("\(prefix)/api/v1/jobs/recordInfo") { try await record($0, $1) }
        }
    }

    private func create(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        let json = try await desk.json(request)
        guard desk.accepts(request.credential("Bearer"), of: Self.provider), let json,
            let model = json["model"]?.stringValue
        else { return Self.refusals.response(Refusal(200, "401", "The body or the key is missing.")) }
        var order = SimulatorOrder(provider: Self.provider, model: model, body: json, request: request)
        order.callbackURL = json["callBackUrl"]?.stringValue
        let run = desk.books.book(order) { "task_\(hexadecimal($0))" }
        try await desk.pause(run)
        if let refusal = Self.refusals.answer(to: run.fault) { return refusal }
        let origin = request.origin
        desk.scheduleCallbacks(of: run, tellsStart: false) { run, now in
            Self.envelope(data(of: run, origin: origin, at: now))
        }
        return try await desk.deliver(Self.envelope(["taskId": .string(run.id)]), of: run, context)
    }

    private func record(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard desk.accepts(request.credential("Bearer"), of: Self.provider) else {
            return Self.refusals.response(Refusal(200, "401", "The key is missing."))
        }
        guard let run = desk.books.poll(request.query("taskId") ?? "", provider: Self.provider) else {
            return Self.refusals.response(Refusal(200, "422", "No such task."))
        }
        let error = Self.refusals.response(for: .error500)
        if let fault = try await desk.pollFault(run, context, error: error) { return fault }
        return .json(Self.envelope(data(of: run, origin: request.origin, at: desk.books.now)))
    }

    private func data(of run: SimulatorBooks.Run, origin: String, at now: Int64) -> JSONValue {
        var data: [String: JSONValue] = [
            "taskId": .string(run.id), "model": .string(run.order.model), "state": "generating", "resultJson": "",
            "failCode": nil, "failMsg": nil, "param": .string(run.order.input.description),
            "createTime": .integer(run.progress.acceptedAt),
        ]
        switch run.progress.state(at: now) {
        case .succeeded:
            data["state"] = "success"
            let result: JSONValue = ["resultUrls": .array(desk.mediaJSON(of: run, origin: origin))]
            data["resultJson"] = .string(result.description)
            data["completeTime"] = .integer(run.progress.endsAt)
        case .failed, .expired, .cancelled:
            let isPolicy = run.progress.ending == .breaksPolicy
            data["state"] = "fail"
            data["failCode"] = isPolicy ? "400" : "501"
            data["failMsg"] = isPolicy ? "The output is against the rules." : "The model gave up."
            data["completeTime"] = .integer(run.progress.endsAt)
        case .queued, .running:
            // The vendor's words for the way there do not follow the clock, so the first polls see each of them.
            let words: [Int: JSONValue] = [1: "waiting", 2: "queuing"]
            data["state"] = words[run.pollCount] ?? "generating"
        }
        return .object(data)
    }

    private static func envelope(_ data: JSONValue) -> JSONValue { ["code": 200, "msg": "success", "data": data] }

    private static let refusals = RefusalTable(rows: [
        .refuse: Refusal(200, "422", "The prompt is against the rules."),
        .invalid: Refusal(200, "422", "A field is malformed."),
        .unauthorised: Refusal(200, "401", "You do not have access permissions."),
        .noCredit: Refusal(200, "402", "Credits insufficient."),
        .notFound: Refusal(200, "404", "The model does not exist."),
        .rateLimit: Refusal(200, "429", "Your call frequency is too high."),
        .overloaded: Refusal(200, "455", "The service is under maintenance."),
        .unavailable: Refusal(503, "503", "The service is unavailable."),
        .error500: Refusal(500, "500", "Something broke."),
    ]) { ["code": .integer(Int64($0.code) ?? 500), "msg": .string($0.message), "data": nil] }
}
