internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry
internal import ServiceLifecycle

/// The wires that the shipped definitions speak.
struct SimulatedProviders: Sendable {
    let books: SimulatorBooks

    func addRoutes(to router: Router<SimulatorContext>) {
        router.post("/v1/text/generate") { request, context in
            try await plain(request, context) { run, order, _ in
                let text = "You asked: " + order.prompt.prefix(200)
                return ["id": .string(run.providerRequestID), "output": ["text": .string(text)]]
            }
        }
        router.post("/v1/images/generate") { request, context in
            try await plain(request, context) { run, _, host in
                let images = Self.urls(of: run, host: host).map { url -> JSONValue in ["url": url] }
                return ["id": .string(run.providerRequestID), "images": .array(images)]
            }
        }
        router.post("/api/v1/jobs/createTask") { request, context in try await createTask(request, context) }
        router.get("/api/v1/jobs/recordInfo") { request, context in try await recordInfo(request, context) }
        router.get("/files/:name") { _, context in Self.file(context.parameters.get("name") ?? "") }
    }
}

// MARK: Plain HTTP

extension SimulatedProviders {
    private func plain(
        _ request: Request,
        _ context: SimulatorContext,
        answer: (SimulatorBooks.Run, SimulatorOrder, _ host: String) -> JSONValue
    ) async throws -> Response {
        guard let order = try await order(request) else {
            return Self.error("invalid_request", "The body or the key is missing.", .badRequest)
        }
        let (run, script) = books.book(order, isJob: false)
        try await pause(script.latencyMilliseconds + (run.fault == .slow ? script.slowMilliseconds : 0))
        switch run.fault {
        case .refuse: return Self.error("content_policy", "The prompt is against the rules.", .unprocessableContent)
        case .error500: return Self.error("internal_error", "Something broke.", .internalServerError)
        case .fail: return Self.error("generation_failed", "The model gave up.", .badRequest)
        case .stall: try await hang()
        default: break
        }
        return try await deliver(answer(run, order, Self.host(request)), fault: run.fault, context)
    }

    private static func error(_ code: String, _ message: String, _ status: HTTPResponse.Status) -> Response {
        .json(["error": ["code": .string(code), "message": .string(message)]], status: status)
    }
}

// MARK: Jobs

extension SimulatedProviders {
    private func createTask(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard let order = try await order(request) else {
            return .json(["code": 401, "msg": "The body or the key is missing.", "data": nil])
        }
        let (run, script) = books.book(order, isJob: true)
        try await pause(script.latencyMilliseconds)
        switch run.fault {
        case .refuse: return .json(["code": 422, "msg": "The prompt is against the rules.", "data": nil])
        case .error500: return .json(["code": 500, "msg": "Something broke."], status: .internalServerError)
        default: break
        }
        let body: JSONValue = ["code": 200, "msg": "success", "data": ["taskId": .string(run.providerRequestID)]]
        return try await deliver(body, fault: run.fault, context)
    }

    private func recordInfo(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        let id = request.uri.queryParameters.get("taskId") ?? ""
        guard Self.hasKey(request) else { return .json(["code": 401, "msg": "The key is missing.", "data": nil]) }
        guard let run = books.poll(id) else { return .json(["code": 422, "msg": "No such task.", "data": nil]) }
        try await pause(books.latencyMilliseconds(model: run.model))
        if run.fault == .pollErrors {
            switch run.pollCount {
            case 1: return .json(["code": 500, "msg": "Something broke."], status: .internalServerError)
            case 2: return Self.garbage
            case 3: try await dropConnection(context)
            default: break
            }
        }
        var data: [String: JSONValue] = [
            "taskId": .string(id), "model": .string(run.model), "state": "generating", "resultJson": "",
            "failCode": nil, "failMsg": nil,
        ]
        switch run.outcome(at: .now) {
        case .completed:
            data["state"] = "success"
            let result: JSONValue = ["resultUrls": .array(Self.urls(of: run, host: Self.host(request)))]
            data["resultJson"] = .string(result.description)
        case .failed:
            data["state"] = "fail"
            data["failCode"] = "501"
            data["failMsg"] = "The model gave up."
        case .accepted where run.pollCount == 1: data["state"] = "waiting"
        case .accepted where run.pollCount == 2: data["state"] = "queuing"
        case .accepted, .refused: break
        }
        return .json(["code": 200, "msg": "success", "data": .object(data)])
    }
}

// MARK: What they share

extension SimulatedProviders {
    private static let garbage = Response(
        status: .ok,
        headers: [.contentType: "text/html"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: "<html>Welcome to the proxy</html>"))
    )

    /// Nil without a key, or without a body that names a model.
    private func order(_ request: Request) async throws -> SimulatorOrder? {
        let bytes = try await request.body.collect(upTo: 1 << 20)
        guard Self.hasKey(request), let body = try? JSONValue(parsing: bytes.readableBytesView) else { return nil }
        let clientRequestID = HTTPField.Name("X-Client-Request-Id").flatMap { request.headers[$0] }
        return SimulatorOrder(body: body, clientRequestID: clientRequestID)
    }

    private static func hasKey(_ request: Request) -> Bool {
        request.headers[.authorization]?.hasPrefix("Bearer ") ?? false
    }

    private static func host(_ request: Request) -> String { request.head.authority ?? "127.0.0.1" }

    private static func urls(of run: SimulatorBooks.Run, host: String) -> [JSONValue] {
        (1...run.outputCount).map { number in
            .string("http://\(host)/files/\(run.providerRequestID)-\(number).\(run.isVideo ? "mp4" : "png")")
        }
    }

    private func pause(_ milliseconds: Int) async throws {
        guard milliseconds > 0 else { return }
        try await Task.sleep(for: .milliseconds(milliseconds))
    }

    /// Waits for longer than any client does, but not beyond the simulator's own shutdown.
    private func hang() async throws {
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(900)) }
    }

    private func dropConnection(_ context: SimulatorContext) async throws {
        try await context.channel.close()
        throw ConnectionDropped()
    }

    /// An answer to work that was done, spoilt by the fault.
    private func deliver(
        _ body: JSONValue,
        fault: SimulatorFault?,
        _ context: SimulatorContext
    ) async throws -> Response {
        switch fault {
        case .hang: try await hang()
        case .drop: try await dropConnection(context)
        case .garbage: return Self.garbage
        case .truncate:
            let bytes = body.canonicalBytes
            return Response(
                status: .ok,
                headers: [.contentType: "application/json"],
                body: ResponseBody(contentLength: bytes.count) { writer in
                    try await writer.write(ByteBuffer(bytes: bytes[..<(bytes.count / 2)]))
                    try await context.channel.close()
                    throw ConnectionDropped()
                }
            )
        default: break
        }
        return .json(body)
    }

    private static func file(_ name: String) -> Response {
        guard name.hasSuffix(".png") else {
            return Response(
                status: .ok,
                headers: [.contentType: "video/mp4"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: "a film of no length"))
            )
        }
        return Response(
            status: .ok,
            headers: [.contentType: "image/png"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: pixel))
        )
    }

    /// A PNG of one transparent pixel.
    private static let pixel: [UInt8] = [
        0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
        0x00,
        0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1F, 0x15, 0xC4, 0x89, 0x00, 0x00, 0x00, 0x0A,
        0x49,
        0x44, 0x41, 0x54, 0x78, 0x9C, 0x63, 0x00, 0x01, 0x00, 0x00, 0x05, 0x00, 0x01, 0x0D, 0x0A, 0x2D, 0xB4, 0x00,
        0x00,
        0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
    ]
}

/// Ends a handler whose connection is closed.
private struct ConnectionDropped: Error {}
