internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// Kling's two APIs over one set of tasks: the legacy one, which ends in `succeed`, and the new one, in `succeeded`.
///
/// A token is checked when settings give `ACCESS_KEY:SECRET_KEY`; the secret alone is taken as a plain key. A task that
/// finds all slots taken is refused with 1303.
///
/// Source: the vendor's documentation.
struct KlingWire: Sendable {
    static let provider = "kling"
    let desk: SimulatorDesk

    func addRoutes(to router: Router<SimulatorContext>) {
        for group in ["videos", "images", "audio"] {
            router.post("/kling/v1/\(group)/:kind") { try await createLegacy($0, $1, group: group) }
            router.get("/kling/v1/\(group)/:kind/:id") { try await getLegacy($0, $1) }
        }
        for kind in [
            "text-to-video", "image-to-video", "omni-video", "text-to-image", "image-to-image", "motion-control",
        ] {
            router.post("/kling/\(kind)/:model") { try await createNew($0, $1, kind: kind) }
        }
        router.get("/kling/tasks") { try await list($0, $1) }
        router.post("/kling/tasks") { try await search($0, $1) }
    }

    private func refusal(of request: Request) -> Response? {
        let token = request.credential("Bearer") ?? ""
        guard !token.isEmpty else { return Self.error(401, 1_001, "Authorization is empty") }
        guard let credentials = desk.settings.current.keys[Self.provider] else { return nil }
        let secret = credentials.split(separator: ":", maxSplits: 1).last.map(String.init)
        if token == secret { return nil }
        return KlingToken.fault(of: token, credentials: credentials, now: desk.books.timeOfDay / 1_000)
            .map { Self.error(401, $0.code, $0.message) }
    }

    // MARK: Create

    private func createLegacy(
        _ request: Request,
        _ context: SimulatorContext,
        group: String
    ) async throws -> Response {
        if let refusal = refusal(of: request) { return refusal }
        guard let json = try await desk.json(request) else { return Self.refusals.response(for: .invalid) }
        if let problem = Self.legacyProblem(in: json) { return Self.error(400, 1_201, problem) }
        let model = json["model_name"]?.stringValue ?? json["model"]?.stringValue ?? "kling-v1"
        var order = SimulatorOrder(provider: Self.provider, model: model, body: json, request: request)
        order.callbackURL = json["callback_url"]?.stringValue
        order.media = group == "images" ? .image : group == "audio" ? .audio : .video
        return try await create(order, ownID: json["external_task_id"], request, context) {
            legacyData($0, origin: $1, at: $2)
        }
    }

    private func createNew(_ request: Request, _ context: SimulatorContext, kind: String) async throws -> Response {
        if let refusal = refusal(of: request) { return refusal }
        guard let json = try await desk.json(request) else { return Self.refusals.response(for: .invalid) }
        guard json["prompt"]?.stringValue != nil || json["contents"]?.arrayValue != nil else {
            return Self.error(400, 1_200, "prompt or contents is required")
        }
        let model = context.parameters.get("model") ?? ""
        var order = SimulatorOrder(provider: Self.provider, model: model, body: json, request: request)
        if order.prompt.isEmpty {
            order.prompt = json["contents"]?.arrayValue?.lazy.compactMap { $0["text"]?.stringValue }.first ?? ""
        }
        order.callbackURL = json["options"]?["callback_url"]?.stringValue
        order.media = kind.hasSuffix("image") ? .image : .video
        let ownID = json["options"]?["external_task_id"]
        return try await create(order, ownID: ownID, request, context) { newData($0, origin: $1, at: $2) }
    }

    private func create(
        _ order: SimulatorOrder,
        ownID: JSONValue?,
        _ request: Request,
        _ context: SimulatorContext,
        data: @escaping @Sendable (SimulatorBooks.Run, _ origin: String, _ now: Int64) -> JSONValue
    ) async throws -> Response {
        var order = order
        if let ownID = ownID?.stringValue, !ownID.isEmpty {
            if desk.books.task(clientRequestID: ownID, provider: Self.provider) != nil {
                return Self.error(400, 1_201, "external_task_id \(ownID) is taken")
            }
            order.clientRequestID = ownID
        }
        if desk.isFull(Self.provider) { return Self.refusals.response(for: .noSlot) }
        let run = desk.books.book(order) { String($0) }
        try await desk.pause(run)
        if let refusal = Self.refusals.answer(to: run.fault) { return refusal }
        let origin = request.origin
        desk.scheduleCallbacks(of: run, tellsStart: true, sign: sign) { run, now in data(run, origin, now) }
        // What is told at first is how it was before anything was done about it: submitted.
        return try await desk.deliver(Self.envelope(data(run, origin, run.progress.acceptedAt - 1)), of: run, context)
    }

    private var sign: SimulatorDesk.Sign {
        { [settings = desk.settings] id, timestamp, body in
            let current = settings.current
            guard current.klingSigns else { return [] }
            return StandardWebhooks.headers(id: id, timestamp: timestamp, body: body, secret: current.callbackSecret)
        }
    }

    private static func legacyProblem(in json: JSONValue) -> String? {
        if let duration = json["duration"], !["5", "10"].contains(duration.stringValue ?? "") {
            return "duration must be \"5\" or \"10\""
        }
        if let mode = json["mode"], !["std", "pro"].contains(mode.stringValue ?? "") {
            return "mode must be std or pro"
        }
        let inputs = ["prompt", "image", "image_list", "image_url", "video_url", "video_id", "multi_prompt", "text"]
        return inputs.allSatisfy { json[$0] == nil } ? "prompt or image is required" : nil
    }

    // MARK: Read

    private func getLegacy(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        if let refusal = refusal(of: request) { return refusal }
        guard let run = find(context.parameters.get("id") ?? "") else {
            return Self.error(404, 1_203, "Task not found")
        }
        let error = Self.refusals.response(for: .error500)
        if let fault = try await desk.pollFault(run, context, error: error) { return fault }
        return .json(Self.envelope(legacyData(run, origin: request.origin, at: desk.books.now)))
    }

    /// A task by the vendor's id, or by the caller's own.
    private func find(_ id: String) -> SimulatorBooks.Run? {
        if let run = desk.books.poll(id, provider: Self.provider) { return run }
        guard let run = desk.books.task(clientRequestID: id, provider: Self.provider) else { return nil }
        return desk.books.poll(run.id, provider: Self.provider)
    }

    private func list(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        if let refusal = refusal(of: request) { return refusal }
        let ids = request.query("task_ids") ?? request.query("external_task_ids") ?? ""
        guard !ids.isEmpty else { return Self.error(400, 1_200, "task_ids or external_task_ids is required") }
        let runs = ids.split(separator: ",").compactMap { find(String($0)) }
        let error = Self.refusals.response(for: .error500)
        if let run = runs.first, let fault = try await desk.pollFault(run, context, error: error) { return fault }
        return .json(Self.envelope(.array(runs.map { newData($0, origin: request.origin, at: desk.books.now) })))
    }

    private func search(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        if let refusal = refusal(of: request) { return refusal }
        guard let json = try await desk.json(request) else { return Self.refusals.response(for: .invalid) }
        let limit = json["limit"]?.integerValue ?? 100
        guard (1...500).contains(limit) else { return Self.error(400, 1_201, "limit must be from 1 to 500") }
        let start = json["start_time"]?.integerValue ?? 0
        let end = json["end_time"]?.integerValue ?? Int64.max
        let after = json["cursor"]?.stringValue.flatMap(Int.init) ?? -1
        let found = desk.books.all().runs.filter { run in
            run.order.provider == Self.provider && !(run.fault?.isRefusal ?? false) && run.number > after
                && (start...max(start, end)).contains(run.progress.acceptedAt)
        }
        let page = found.prefix(Int(limit))
        return .json(
            Self.envelope([
                "result": .array(page.map { newData($0, origin: request.origin, at: desk.books.now) }),
                "count": .integer(Int64(page.count)),
                "next_cursor": .string(page.last.map { String($0.number) } ?? ""),
                "has_more": .bool(found.count > page.count),
            ])
        )
    }

    // MARK: Tasks

    private func failureMessage(_ run: SimulatorBooks.Run, _ state: TaskProgress.State) -> String {
        guard state != .succeeded, state.isEnd else { return "" }
        return run.progress.ending == .breaksPolicy
            ? "Failure to pass the risk control system" : "Task failed, please try again"
    }

    private func legacyData(_ run: SimulatorBooks.Run, origin: String, at now: Int64) -> JSONValue {
        let state = run.progress.state(at: now)
        let words: [TaskProgress.State: JSONValue] = [
            .queued: "submitted", .running: "processing", .succeeded: "succeed",
        ]
        var data: [String: JSONValue] = [
            "task_id": .string(run.id), "task_status": words[state] ?? "failed",
            "task_status_msg": .string(failureMessage(run, state)),
            "task_info": ["external_task_id": .string(run.order.clientRequestID)],
            "created_at": .integer(run.progress.acceptedAt), "updated_at": .integer(run.progress.changedAt(now)),
        ]
        if state == .succeeded {
            data["final_unit_deduction"] = "1"
            data["final_balance_deduction"] = "0.14"
            let seconds = run.order.input["duration"]?.stringValue ?? "5"
            let items = desk.mediaURLs(of: run, origin: origin).enumerated().map { index, url -> JSONValue in
                run.order.media == .image
                    ? ["index": .integer(Int64(index)), "url": .string(url)]
                    : ["id": .string("\(run.id)\(index)"), "url": .string(url), "duration": .string("\(seconds).1")]
            }
            let name: [SimulatorOrder.Media: String] = [.image: "images", .video: "videos", .audio: "audios"]
            data["task_result"] = .object([name[run.order.media] ?? "videos": .array(items)])
        }
        return .object(data)
    }

    private func newData(_ run: SimulatorBooks.Run, origin: String, at now: Int64) -> JSONValue {
        let state = run.progress.state(at: now)
        let words: [TaskProgress.State: JSONValue] = [
            .queued: "submitted", .running: "processing", .succeeded: "succeeded",
        ]
        var data: [String: JSONValue] = [
            "id": .string(run.id), "status": words[state] ?? "failed",
            "message": .string(failureMessage(run, state)), "external_id": .string(run.order.clientRequestID),
            "create_time": .integer(run.progress.acceptedAt), "update_time": .integer(run.progress.changedAt(now)),
        ]
        if state == .succeeded {
            let seconds = run.order.input["settings"]?["duration"]?.scalarText ?? "5"
            data["outputs"] = .array(
                desk.mediaURLs(of: run, origin: origin).enumerated().map { index, url in
                    [
                        "type": .string(run.order.media == .image ? "image" : "video"),
                        "id": .string("\(run.id)\(index)"), "url": .string(url), "watermark_url": "",
                        "duration": .string("\(seconds).1"),
                    ]
                }
            )
            data["billing"] = [
                [
                    "charge_type": "cash", "cash_type": "balance", "amount": "0.14", "currency": "USD",
                    "package_type": "", "list_price": "0.14",
                ]
            ]
        }
        return .object(data)
    }

    private static func envelope(_ data: JSONValue) -> JSONValue {
        ["code": 0, "message": "SUCCEED", "request_id": "simulated", "data": data]
    }

    private static func error(_ status: Int, _ code: Int64, _ message: String) -> Response {
        refusals.response(Refusal(status, String(code), message))
    }

    private static let refusals = RefusalTable(rows: [
        .refuse: Refusal(400, "1301", "Trigger strategy: content security policy"),
        .invalid: Refusal(400, "1200", "Invalid request parameters"),
        .unauthorised: Refusal(401, "1000", "Authentication failed"),
        .noCredit: Refusal(429, "1101", "Account in arrears"),
        .forbidden: Refusal(403, "1103", "No permission to the requested resource"),
        .notFound: Refusal(404, "1202", "The requested method is invalid"),
        .rateLimit: Refusal(429, "1302", "The API request is too fast"),
        .noSlot: Refusal(429, "1303", "Parallel tasks over the limit of the resource pack"),
        .overloaded: Refusal(503, "5001", "Server temporarily unavailable"),
        .gatewayTimeout: Refusal(504, "5002", "Server internal timeout"),
        .error500: Refusal(500, "5000", "Server internal error"),
    ]) { refusal in
        [
            "code": .integer(Int64(refusal.code) ?? 5_000), "message": .string(refusal.message),
            "request_id": "simulated",
        ]
    }
}
