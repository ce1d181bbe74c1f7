internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// BytePlus Ark's content generation tasks, which Seedance is sold by.
///
/// Source: byteplus-python-sdk-v2 3.0.63 and the vendor's documentation.
struct ArkWire: Sendable {
    static let provider = "ark"
    let desk: SimulatorDesk

    func addRoutes(to router: Router<SimulatorContext>) {
        for base in ["/ark", "/ark/api/v3"] {
            let path = "\(base)/contents/generations/tasks"
            router.post(RouterPath(path)) { try await create($0, $1) }
            router.get(RouterPath(path)) { request, _ in list(request) }
            router.get("\(path)/:id") { try await get($0, $1) }
            router.delete("\(path)/:id") { request, context in delete(request, context) }
        }
    }

    private func isAuthorised(_ request: Request) -> Bool {
        desk.accepts(request.credential("Bearer"), of: Self.provider)
    }

    private func create(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        guard let json = try await desk.json(request) else { return Self.refusals.response(for: .invalid) }
        if let problem = Self.problem(in: json) { return Self.refusals.response(problem) }
        let content = json["content"]?.arrayValue ?? []
        let model = json["model"]?.stringValue ?? ""
        var order = SimulatorOrder(provider: Self.provider, model: model, body: json, request: request)
        order.prompt = content.lazy.compactMap { $0["text"]?.stringValue }.first ?? ""
        order.media = .video
        order.callbackURL = json["callback_url"]?.stringValue
        let run = desk.books.book(order) { "cgt-\(hexadecimal($0))" }
        try await desk.pause(run)
        if let refusal = Self.refusals.answer(to: run.fault) { return refusal }
        let origin = request.origin
        desk.scheduleCallbacks(of: run, tellsStart: true) { run, now in task(run, origin: origin, at: now) }
        return try await desk.deliver(["id": .string(run.id)], of: run, context, headers: Self.headers(run))
    }

    private static func headers(_ run: SimulatorBooks.Run) -> [(String, String)] {
        [("X-Request-Id", "req-\(run.id)"), ("X-Client-Request-Id", run.order.clientRequestID)]
    }

    /// What the vendor says against a body; nil for a good one.
    private static func problem(in json: JSONValue) -> Refusal? {
        guard json["model"]?.stringValue != nil else {
            return Refusal(400, "MissingParameter", "The request failed because it is missing `model` parameter.")
        }
        guard let content = json["content"]?.arrayValue, !content.isEmpty else {
            return Refusal(400, "MissingParameter", "The request failed because it is missing `content` parameter.")
        }
        for part in content {
            guard let type = part["type"]?.stringValue,
                ["text", "image_url", "video_url", "audio_url", "draft_task"]
                    .contains(type), part[type] != nil
            else { return Refusal(400, "InvalidParameter", "The parameter `content.type` specified is not valid.") }
        }
        if let seconds = json["execution_expires_after"], !(3_600...259_200).contains(seconds.integerValue ?? 0) {
            return Refusal(400, "InvalidParameter", "The parameter `execution_expires_after` is not valid.")
        }
        let resolutions = ["480p", "720p", "1080p", "4k"]
        if let resolution = json["resolution"], !resolutions.contains(resolution.stringValue ?? "") {
            return Refusal(400, "InvalidParameter", "The parameter `resolution` specified is not valid.")
        }
        return nil
    }

    private func get(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        guard let run = desk.books.poll(context.parameters.get("id") ?? "", provider: Self.provider) else {
            return Self.refusals.response(for: .notFound)
        }
        let error = Self.refusals.response(for: .error500)
        if let fault = try await desk.pollFault(run, context, error: error) { return fault }
        return .json(task(run, origin: request.origin, at: desk.books.now), headers: Self.headers(run))
    }

    private func list(_ request: Request) -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        let parameters = request.uri.queryParameters
        let number = max(1, Int(request.query("page_num") ?? "1") ?? 1)
        let size = max(1, min(500, Int(request.query("page_size") ?? "10") ?? 10))
        let ids = Set(parameters.getAll("filter.task_ids").flatMap { $0.split(separator: ",").map(String.init) })
        let now = desk.books.now
        let tasks = desk.books.all().runs.reversed().filter { run in
            run.order.provider == Self.provider && !run.isDeleted && run.outcome(at: now) != .refused
                && (ids.isEmpty || ids.contains(run.id))
                && request.query("filter.status").map { $0 == run.progress.state(at: now).rawValue } ?? true
                && request.query("filter.model").map { $0 == run.order.model } ?? true
        }
        let page = tasks.dropFirst((number - 1) * size).prefix(size).map { task($0, origin: request.origin, at: now) }
        return .json(["items": .array(Array(page)), "total": .integer(Int64(tasks.count))])
    }

    private func delete(_ request: Request, _ context: SimulatorContext) -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        let id = context.parameters.get("id") ?? ""
        let change = desk.books.change(id, provider: Self.provider) { run, now in
            let state = run.progress.cancel(at: now, while: [.queued])
            if [.succeeded, .failed, .expired].contains(state) { run.isDeleted = true }
            return state
        }
        guard let change else { return Self.refusals.response(for: .notFound) }
        switch change.outcome {
        case .running, .cancelled:
            let state = change.outcome.rawValue
            let message = "The task is \(state) and can't be deleted."
            return Self.refusals.response(Refusal(409, "InvalidAction.RunningTaskDeletion", message))
        case .queued:
            let origin = request.origin
            desk.scheduleCancelCallback(of: change.run) { run, now in task(run, origin: origin, at: now) }
        case .succeeded, .failed, .expired: break
        }
        return .json([:])
    }

    private func task(_ run: SimulatorBooks.Run, origin: String, at now: Int64) -> JSONValue {
        let state = run.progress.state(at: now)
        let input = run.order.input
        let requested = input["duration"]?.integerValue ?? 5
        let duration = requested == -1 ? 7 : requested
        var task: [String: JSONValue] = [
            "id": .string(run.id), "model": .string(run.order.model), "status": .string(state.rawValue), "error": nil,
            "created_at": .integer(run.progress.acceptedAt / 1_000),
            "updated_at": .integer(run.progress.changedAt(now) / 1_000), "seed": input["seed"] ?? 58_944,
            "resolution": input["resolution"] ?? "720p", "ratio": input["ratio"] ?? "16:9",
            "duration": .integer(duration), "framespersecond": 24, "service_tier": input["service_tier"] ?? "default",
            "execution_expires_after": input["execution_expires_after"] ?? 172_800,
            "generate_audio": input["generate_audio"] ?? true,
        ]
        if state == .succeeded, let url = desk.mediaURLs(of: run, origin: origin).first {
            var content: [String: JSONValue] = ["video_url": .string(url)]
            if input["return_last_frame"]?.boolValue == true {
                content["last_frame_url"] = .string(url.replacing(".mp4", with: ".png"))
            }
            task["content"] = .object(content)
            // 1280 × 720 pixels at 24 frames a second make 21,600 tokens a second.
            let tokens = JSONValue.integer(duration * 21_600)
            task["usage"] = ["completion_tokens": tokens, "total_tokens": tokens]
        }
        if state == .failed {
            let isPolicy = run.progress.ending == .breaksPolicy
            task["error"] = [
                "code": isPolicy ? "OutputVideoSensitiveContentDetected" : "InternalServiceError",
                "message": isPolicy ? "The output may contain sensitive information." : "The service met an error.",
            ]
        }
        return .object(task)
    }

    private static let refusals = RefusalTable(rows: [
        .refuse: Refusal(400, "InputTextSensitiveContentDetected", "The input text may contain sensitive information."),
        .invalid: Refusal(400, "InvalidParameter", "A parameter specified in the request is not valid."),
        .unauthorised: Refusal(401, "AuthenticationError", "The API key in the request is missing or invalid."),
        .noCredit: Refusal(403, "AccountOverdueError", "The account has an overdue balance."),
        .forbidden: Refusal(403, "AccessDenied", "The request failed because access is denied."),
        .notFound: Refusal(404, "ResourceNotFound", "The specified task or model does not exist."),
        .rateLimit: Refusal(429, "RateLimitExceeded.EndpointRPMExceeded", "The requests exceed the limit."),
        .noSlot: Refusal(429, "QuotaExceeded", "The account has reached its quota of queued tasks."),
        .overloaded: Refusal(429, "ServerOverloaded", "The service is overloaded. Please retry later."),
        .error500: Refusal(500, "InternalServiceError", "The service met an unexpected internal error."),
    ]) { refusal in
        [
            "error": [
                "code": .string(refusal.code), "message": .string("\(refusal.message) Request id: 0217000000000"),
                "param": "", "type": .string(refusal.status == 429 ? "TooManyRequests" : "BadRequest"),
            ]
        ]
    }
}
