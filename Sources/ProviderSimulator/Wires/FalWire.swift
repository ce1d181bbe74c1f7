internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// fal: `/fal/run` stands for fal.run, `/fal/queue` and `/fal` itself for queue.fal.run, and
/// `/fal/.well-known/jwks.json` for rest.fal.ai.
///
/// Source: fal-client 1.0.3 and fal.ai/docs.
struct FalWire: Sendable {
    static let provider = "fal"
    let desk: SimulatorDesk
    let signer = FalSigner()

    func addRoutes(to router: Router<SimulatorContext>) {
        router.post("/fal/**") { request, context in
            let (host, path) = Self.split(context.parameters.getCatchAll())
            return try await host == "run" ? run(path, request, context) : submit(path, request, context)
        }
        router.get("/fal/**") { request, context in
            let (_, path) = Self.split(context.parameters.getCatchAll())
            guard path != [".well-known", "jwks.json"] else { return Response.json(signer.keySet) }
            return try await read(path, request, context)
        }
        router.put("/fal/**") { request, context in
            cancel(Self.split(context.parameters.getCatchAll()).path, request)
        }
    }

    /// Which of fal's hosts a path stands for, and the path there.
    private static func split(_ path: [Substring]) -> (host: String, path: [Substring]) {
        switch path.first {
        case "run": ("run", Array(path.dropFirst()))
        case "queue": ("queue", Array(path.dropFirst()))
        default: ("queue", path)
        }
    }

    func isAuthorised(_ request: Request) -> Bool { desk.accepts(request.credential("Key"), of: Self.provider) }

    // MARK: Sync

    private func run(
        _ path: [Substring],
        _ request: Request,
        _ context: SimulatorContext
    ) async throws -> Response {
        let address = FalAddress(path)
        guard let address else { return FalErrors.table.response(for: .notFound) }
        guard isAuthorised(request) else { return FalErrors.table.response(for: .unauthorised) }
        guard let json = try await desk.json(request), json.objectValue != nil else { return FalErrors.notAnObject }
        var order = SimulatorOrder(provider: Self.provider, model: address.model, body: json, request: request)
        order.isTask = false
        let run = desk.books.book(order) { FalAddress.requestID($0) }
        try await desk.pause(run)
        if let refusal = FalErrors.table.answer(to: run.fault) { return refusal }
        if run.fault == .stall { try await desk.hang() }
        let headers = [("x-fal-request-id", run.id)]
        if address.isStream {
            let output = output(of: run, origin: request.origin)
            let events = [ServerEvent(["images": [], "progress": .decimal("0.5")]), ServerEvent(output)]
            let error = ServerEvent(["error": "The stream broke.", "error_type": "internal_error"])
            return try await desk.stream(events, of: run, context, error: error, headers: headers)
        }
        if let failure = FalErrors.failure(of: run, state: .failed) { return failure }
        return try await desk.deliver(output(of: run, origin: request.origin), of: run, context, headers: headers)
    }

    // MARK: Queue

    private func submit(
        _ path: [Substring],
        _ request: Request,
        _ context: SimulatorContext
    ) async throws -> Response {
        let address = FalAddress(path)
        guard let address else { return FalErrors.table.response(for: .notFound) }
        guard isAuthorised(request) else { return FalErrors.table.response(for: .unauthorised) }
        guard let json = try await desk.json(request), json.objectValue != nil else { return FalErrors.notAnObject }
        var order = SimulatorOrder(provider: Self.provider, model: address.model, body: json, request: request)
        order.callbackURL = request.query("fal_webhook")
        let run = desk.books.book(order) { FalAddress.requestID($0) }
        try await desk.pause(run)
        if let refusal = FalErrors.table.answer(to: run.fault) { return refusal }
        let origin = request.origin
        desk.scheduleCallbacks(of: run, tellsStart: false, attempts: 10, sign: sign(run.id)) { run, now in
            webhook(run, at: now, origin: origin)
        }
        var body = links(of: run, origin: origin)
        body["status"] = "IN_QUEUE"
        body["queue_position"] = 0
        if order.callbackURL != nil { body["gateway_request_id"] = .string(run.id) }
        return try await desk.deliver(.object(body), of: run, context, headers: [("x-fal-request-id", run.id)])
    }

    private func links(of run: SimulatorBooks.Run, origin: String) -> [String: JSONValue] {
        let application = FalAddress.application(ofModel: run.order.model)
        let base = "\(origin)/fal/queue/\(application)/requests/\(run.id)"
        return [
            "request_id": .string(run.id), "response_url": .string(base), "status_url": .string(base + "/status"),
            "cancel_url": .string(base + "/cancel"),
        ]
    }

    private func read(
        _ path: [Substring],
        _ request: Request,
        _ context: SimulatorContext
    ) async throws -> Response {
        guard isAuthorised(request) else { return FalErrors.table.response(for: .unauthorised) }
        guard let path = FalRequestPath(path),
            let run = desk.books.poll(path.requestID, provider: Self.provider),
            FalAddress.application(ofModel: run.order.model) == path.application
        else { return FalErrors.noSuchRequest }
        if let fault = try await desk.pollFault(run, context, error: FalErrors.table.response(for: .error500)) {
            return fault
        }
        switch path.tail {
        case "": return result(of: run, origin: request.origin)
        case "status":
            let state = run.progress.state(at: desk.books.now)
            let body = status(of: run, state, origin: request.origin, withLogs: wantsLogs(request))
            let code = state.isEnd ? HTTPResponse.Status.ok : .accepted
            return .json(body, status: code, headers: [("x-fal-request-id", run.id)])
        case "status/stream": return statusStream(of: run, request)
        default: return FalErrors.noSuchRequest
        }
    }

    private func wantsLogs(_ request: Request) -> Bool {
        ["1", "true", "True"].contains(request.query("logs") ?? "")
    }

    private func status(
        of run: SimulatorBooks.Run,
        _ state: TaskProgress.State,
        origin: String,
        withLogs: Bool
    ) -> JSONValue {
        var body = links(of: run, origin: origin)
        let entry: JSONValue = [
            "message": "Generating", "level": "INFO", "source": "USER",
            "timestamp": .string(rfc3339(run.progress.startsAt)),
        ]
        let logs: JSONValue = withLogs ? [entry] : nil
        switch state {
        case .queued:
            body["status"] = "IN_QUEUE"
            body["queue_position"] = 0
        case .running:
            body["status"] = "IN_PROGRESS"
            body["logs"] = logs
        case .succeeded, .failed, .expired, .cancelled:
            body["status"] = "COMPLETED"
            body["logs"] = logs
            let seconds = Double(run.progress.endsAt - run.progress.startsAt) / 1_000
            body["metrics"] = ["inference_time": .decimal(String(seconds))]
            if let (message, type) = FalErrors.inStatus(run, state) {
                body["error"] = .string(message)
                body["error_type"] = .string(type)
            }
        }
        return .object(body)
    }

    private func statusStream(of run: SimulatorBooks.Run, _ request: Request) -> Response {
        let (origin, logs, id) = (request.origin, wantsLogs(request), run.id)
        let body = ResponseBody { writer in
            var last: TaskProgress.State?
            while last?.isEnd != true, let run = desk.books.task(id, provider: Self.provider) {
                let state = run.progress.state(at: desk.books.now)
                if state != last {
                    let event = ServerEvent(status(of: run, state, origin: origin, withLogs: logs))
                    try await writer.write(event.bytes)
                    last = state
                }
                try await desk.sleep(milliseconds: 20)
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "text/event-stream"], body: body)
    }

    private func result(of run: SimulatorBooks.Run, origin: String) -> Response {
        let state = run.progress.state(at: desk.books.now)
        guard state.isEnd else { return FalErrors.stillInProgress }
        if let failure = FalErrors.failure(of: run, state: state) { return failure }
        return .json(output(of: run, origin: origin), headers: [("x-fal-request-id", run.id)])
    }

    private func cancel(_ path: [Substring], _ request: Request) -> Response {
        guard isAuthorised(request) else { return FalErrors.table.response(for: .unauthorised) }
        guard let path = FalRequestPath(path), path.tail == "cancel" else {
            return .json(["status": "NOT_FOUND"], status: .notFound)
        }
        let change = desk.books.change(path.requestID, provider: Self.provider) { run, now in
            // A running job is only asked to stop; one that does not care goes on to its end.
            let states: Set<TaskProgress.State> = run.fault == .cancelIgnored ? [.queued] : [.queued, .running]
            return run.progress.cancel(at: now, while: states)
        }
        guard let change else { return .json(["status": "NOT_FOUND"], status: .notFound) }
        let origin = request.origin
        if change.run.progress.cancelledAt != nil, !change.outcome.isEnd {
            desk.scheduleCancelCallback(of: change.run, sign: sign(change.run.id)) {
                webhook($0, at: $1, origin: origin)
            }
        }
        switch change.outcome {
        case .queued: return .json(["success": true])
        case .running: return .json(["status": "CANCELLATION_REQUESTED"], status: .accepted)
        case .succeeded, .failed, .expired, .cancelled:
            return .json(["status": "ALREADY_COMPLETED"], status: .badRequest)
        }
    }

    // MARK: Results

    private func sign(_ requestID: String) -> SimulatorDesk.Sign {
        { [signer] _, timestamp, body in signer.headers(requestID: requestID, timestamp: timestamp, body: body) }
    }

    private func webhook(_ run: SimulatorBooks.Run, at now: Int64, origin: String) -> JSONValue? {
        let state = run.progress.state(at: now)
        var body: [String: JSONValue] = ["request_id": .string(run.id), "gateway_request_id": .string(run.id)]
        if let (status, detail) = FalErrors.outcome(of: run, state: state) {
            body["status"] = "ERROR"
            body["error"] = .string("Invalid status code: \(status)")
            body["payload"] = detail
        } else {
            body["status"] = "OK"
            body["payload"] = output(of: run, origin: origin)
        }
        return .object(body)
    }

    private func output(of run: SimulatorBooks.Run, origin: String) -> JSONValue {
        let media = run.order.media
        let types: [SimulatorOrder.Media: String] = [.image: "image/png", .video: "video/mp4", .audio: "audio/mpeg"]
        let files = desk.mediaURLs(of: run, origin: origin).map { url in
            var file: [String: JSONValue] = [
                "url": .string(url), "content_type": .string(types[media] ?? ""),
                "file_name": .string(String(url.split(separator: "/").last ?? "")),
                "file_size": .integer(Int64(run.mediaBytes)),
            ]
            if media == .image {
                file["width"] = 1_024
                file["height"] = 1_024
            }
            return JSONValue.object(file)
        }
        switch media {
        case .image: return ["images": .array(files), "description": "", "seed": run.order.input["seed"] ?? 7]
        case .video: return ["video": files[0], "seed": run.order.input["seed"] ?? 7]
        case .audio: return ["audio": files[0]]
        }
    }
}
