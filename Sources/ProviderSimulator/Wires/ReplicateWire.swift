internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// Replicate's predictions.
///
/// Source: replicate 1.0.7 and replicate.com/docs.
struct ReplicateWire: Sendable {
    static let provider = "replicate"
    let desk: SimulatorDesk

    func addRoutes(to router: Router<SimulatorContext>) {
        router.post("/replicate/v1/predictions") { try await create($0, $1, model: nil) }
        router.post("/replicate/v1/models/:owner/:name/predictions") { request, context in
            let model = "\(context.parameters.get("owner") ?? "")/\(context.parameters.get("name") ?? "")"
            return try await create(request, context, model: model)
        }
        router.get("/replicate/v1/predictions") { request, _ in list(request) }
        router.get("/replicate/v1/predictions/:id") { try await get($0, $1) }
        router.post("/replicate/v1/predictions/:id/cancel") { request, context in cancel(request, context) }
        router.get("/replicate/v1/predictions/:id/stream") { try await stream($0, $1) }
        router.get("/replicate/v1/webhooks/default/secret") { request, _ in
            guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
            return .json(["key": .string(desk.settings.current.callbackSecret)])
        }
    }

    private func isAuthorised(_ request: Request) -> Bool {
        desk.accepts(request.credential("Bearer") ?? request.credential("Token"), of: Self.provider)
    }

    // MARK: Create

    private func create(_ request: Request, _ context: SimulatorContext, model: String?) async throws -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        guard let json = try await desk.json(request) else { return Self.refusals.response(for: .invalid) }
        guard json["input"]?.objectValue != nil else { return Self.invalid("- input is required") }
        guard let model = model ?? json["version"]?.stringValue else { return Self.invalid("- version is required") }
        if let problem = Self.problem(in: json) { return Self.invalid(problem) }
        var order = SimulatorOrder(provider: Self.provider, model: model, body: json, request: request)
        order.callbackURL = json["webhook"]?.stringValue
        let run = desk.books.book(order) { Self.predictionID($0) }
        try await desk.pause(run)
        if let refusal = Self.refusals.answer(to: run.fault) { return refusal }
        scheduleCancelAfter(request, of: run)
        scheduleCallbacks(of: run, events: json["webhook_events_filter"], origin: request.origin)
        let wait = Self.waitSeconds(request)
        let latest = try await waitForEnd(of: run, seconds: wait)
        let isDone = wait > 0 && latest.progress.state(at: desk.books.now).isEnd
        let body = prediction(isDone || wait > 0 ? latest : run, origin: request.origin, isNew: wait == 0)
        // Without waiting, and when the wait was long enough, it is "created"; else the work goes on.
        return try await desk.deliver(body, of: run, context, status: wait > 0 && !isDone ? .accepted : .created)
    }

    private static func predictionID(_ number: UInt64) -> String {
        let letters = Array("0123456789abcdefghjkmnpqrstvwxyz")
        var (rest, id) = (number, "")
        for index in 0..<26 {
            if index == 12 { rest = scrambled(number) }
            id.append(letters[Int(rest & 31)])
            rest >>= 5
        }
        // Only the first 60 bits are in the first 12 letters; the others make what is left unlikely to meet again.
        return id
    }

    private static func problem(in json: JSONValue) -> String? {
        guard let webhook = json["webhook"]?.stringValue else { return nil }
        guard webhook.hasPrefix("http") else { return "- webhook must be a URL" }
        let known = ["start", "output", "logs", "completed"]
        let events = json["webhook_events_filter"]?.arrayValue ?? []
        return events.allSatisfy { known.contains($0.stringValue ?? "") }
            ? nil : "- webhook_events_filter must be one of: start, output, logs, completed"
    }

    /// What `Prefer: wait[=N]` asks for; 0 for no wait.
    private static func waitSeconds(_ request: Request) -> Int {
        guard let prefer = request.header("Prefer"), prefer.hasPrefix("wait") else { return 0 }
        let seconds = prefer.split(separator: "=").last.flatMap { Int($0) } ?? 60
        return max(1, min(60, seconds))
    }

    private func waitForEnd(of run: SimulatorBooks.Run, seconds: Int) async throws -> SimulatorBooks.Run {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var latest = run
        while ContinuousClock.now < deadline, !latest.progress.state(at: desk.books.now).isEnd {
            try await desk.sleep(milliseconds: 10)
            latest = desk.books.task(run.id, provider: Self.provider) ?? latest
        }
        return latest
    }

    /// `Cancel-After: 30s`, `5m`, `1h`: stops a prediction that is not done by then.
    private func scheduleCancelAfter(_ request: Request, of run: SimulatorBooks.Run) {
        guard let text = request.header("Cancel-After"), let unit = text.last,
            let factor = Self.unitMilliseconds[unit], let count = Int64(text.dropLast())
        else { return }
        _ = desk.books.change(run.id, provider: Self.provider) { run, now in
            guard run.progress.endsAt > now + count * factor || run.progress.ending == .never else { return }
            _ = run.progress.cancel(at: now + count * factor, while: [.queued, .running])
        }
    }

    private static let unitMilliseconds: [Character: Int64] = ["s": 1_000, "m": 60_000, "h": 3_600_000]

    private func scheduleCallbacks(of run: SimulatorBooks.Run, events: JSONValue?, origin: String) {
        let wanted = events?.arrayValue.map { Set($0.compactMap(\.stringValue)) }
        let tellsStart = wanted?.contains("start") ?? true
        let tellsEnd = wanted?.contains("completed") ?? true
        desk.scheduleCallbacks(of: run, tellsStart: tellsStart, sign: sign) { run, now in
            run.progress.state(at: now).isEnd && !tellsEnd ? nil : prediction(run, origin: origin, at: now)
        }
    }

    private var sign: SimulatorDesk.Sign {
        { [settings = desk.settings] id, timestamp, body in
            StandardWebhooks.headers(id: id, timestamp: timestamp, body: body, secret: settings.current.callbackSecret)
        }
    }

    // MARK: Read and cancel

    private func get(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        guard let run = desk.books.poll(context.parameters.get("id") ?? "", provider: Self.provider) else {
            return Self.refusals.response(for: .notFound)
        }
        let error = Self.refusals.response(for: .error500)
        if let fault = try await desk.pollFault(run, context, error: error) { return fault }
        return .json(prediction(run, origin: request.origin))
    }

    private func list(_ request: Request) -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        let found = desk.books.all().runs.reversed().filter { run in
            run.order.provider == Self.provider && !(run.fault?.isRefusal ?? false)
        }
        let before = request.query("cursor").flatMap(Int.init) ?? Int.max
        let rest = found.filter { $0.number < before }
        let page = rest.prefix(100)
        let isMore = rest.count > page.count
        let next = "\(request.origin)/replicate/v1/predictions?cursor=\(page.last?.number ?? 0)"
        return .json([
            "previous": nil, "next": isMore ? .string(next) : nil,
            "results": .array(page.map { prediction($0, origin: request.origin) }),
        ])
    }

    private func cancel(_ request: Request, _ context: SimulatorContext) -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        let change = desk.books.change(context.parameters.get("id") ?? "", provider: Self.provider) { run, now in
            let states: Set<TaskProgress.State> = run.fault == .cancelIgnored ? [] : [.queued, .running]
            return run.progress.cancel(at: now, while: states)
        }
        guard let change else { return Self.refusals.response(for: .notFound) }
        let origin = request.origin
        if change.run.progress.cancelledAt != nil, !change.outcome.isEnd {
            desk.scheduleCancelCallback(of: change.run, sign: sign) { prediction($0, origin: origin, at: $1) }
        }
        return .json(prediction(change.run, origin: origin))
    }

    private func stream(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard let run = desk.books.task(context.parameters.get("id") ?? "", provider: Self.provider) else {
            return Self.refusals.response(for: .notFound)
        }
        let words = pieces(of: "You asked: \(run.order.prompt)").enumerated()
        var events = words.map { ServerEvent("output", id: "\($0)", text: $1) }
        events.append(ServerEvent("done", id: "done", text: "{}"))
        let error = ServerEvent("error", id: "error", text: #"{"detail":"The prediction failed"}"#)
        return try await desk.stream(events, of: run, context, error: error)
    }

    private func prediction(
        _ run: SimulatorBooks.Run,
        origin: String,
        at time: Int64? = nil,
        isNew: Bool = false
    ) -> JSONValue {
        let now = time ?? desk.books.now
        let progress = run.progress
        let state = isNew ? .queued : progress.state(at: now)
        let base = "\(origin)/replicate/v1/predictions/\(run.id)"
        var body: [String: JSONValue] = [
            "id": .string(run.id), "model": .string(run.order.model), "version": .string(run.order.model),
            "input": run.order.input, "output": nil, "logs": "", "error": nil, "data_removed": false, "metrics": [:],
            "created_at": .string(rfc3339(progress.acceptedAt)), "started_at": nil, "completed_at": nil,
            "urls": ["get": .string(base), "cancel": .string(base + "/cancel"), "stream": .string(base + "/stream")],
        ]
        switch state {
        case .queued: body["status"] = "starting"
        case .running: body["status"] = "processing"
        case .succeeded:
            body["status"] = "succeeded"
            let urls = desk.mediaJSON(of: run, origin: origin)
            body["output"] = urls.count == 1 ? urls[0] : .array(urls)
            let seconds = Double(progress.endsAt - progress.startsAt) / 1_000
            body["metrics"] = ["predict_time": .decimal(String(seconds))]
        case .failed:
            body["status"] = "failed"
            body["error"] = progress.ending == .breaksPolicy ? "NSFW content detected." : "The model gave up."
        // What never ran is not charged for.
        case .cancelled: body["status"] = progress.wasCancelledInQueue ? "aborted" : "canceled"
        case .expired:
            body["status"] = "aborted"
            body["error"] = "The prediction was not started in time."
        }
        if state != .queued, !progress.wasCancelledInQueue {
            body["started_at"] = .string(rfc3339(progress.startsAt))
        }
        if state.isEnd { body["completed_at"] = .string(rfc3339(progress.changedAt(now))) }
        return .object(body)
    }

    private static func invalid(_ message: String) -> Response {
        refusals.response(Refusal(422, "Input validation failed", message))
    }

    private static let refusals = RefusalTable(rows: [
        .refuse: Refusal(422, "Input validation failed", "- input.prompt: was flagged as sensitive"),
        .invalid: Refusal(422, "Input validation failed", "- input: is not valid"),
        .unauthorised: Refusal(401, "Unauthenticated", "You did not pass a valid authentication token"),
        .noCredit: Refusal(402, "Insufficient credit", "You have insufficient credit to run this model."),
        .forbidden: Refusal(403, "Permission denied", "You may not run this model."),
        .notFound: Refusal(404, "Not found", "The requested resource could not be found."),
        .tooLarge: Refusal(413, "Payload too large", "The request is too large."),
        .rateLimit: Refusal(
            429,
            "Too many requests",
            "Request was throttled. Your rate limit resets in ~1s.",
            [("retry-after", "1")]
        ),
        .unavailable: Refusal(503, "Service unavailable", "The service is unavailable."),
        .error500: Refusal(500, "Internal server error", "Something broke."),
    ]) { refusal in
        [
            "title": .string(refusal.code), "detail": .string(refusal.message),
            "status": .integer(Int64(refusal.status)),
        ]
    }
}
