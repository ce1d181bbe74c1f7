internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// OpenAI's images, chat completions and responses, each in one answer or as a stream.
///
/// Source: openai 3.54.0.
struct OpenAIWire: Sendable {
    static let provider = "openai"
    let desk: SimulatorDesk

    func addRoutes(to router: Router<SimulatorContext>) {
        router.post("/openai/v1/images/generations") { request, context in
            try await answer(request, context, required: ["prompt"]) { OpenAIImages($0) }
        }
        router.post("/openai/v1/images/edits") { request, context in
            try await answer(request, context, required: ["prompt"]) { OpenAIImages($0) }
        }
        router.post("/openai/v1/chat/completions") { request, context in
            try await answer(request, context, required: ["model", "messages"]) { OpenAIChat($0) }
        }
        router.post("/openai/v1/responses") { request, context in
            try await answer(request, context, required: ["model", "input"]) { OpenAIResponse($0) }
        }
    }

    private func answer(
        _ request: Request,
        _ context: SimulatorContext,
        required: [String],
        make: (SimulatorBooks.Run) -> any OpenAIAnswer
    ) async throws -> Response {
        guard desk.accepts(request.credential("Bearer"), of: Self.provider) else {
            return Self.refusals.response(for: .unauthorised)
        }
        guard let json = try await body(request) else { return Self.invalid("The body could not be parsed.", nil) }
        for field in required where json[field] == nil {
            return Self.invalid("Missing required parameter: '\(field)'.", field)
        }
        if let problem = OpenAIImages.problem(in: json) { return Self.invalid(problem.message, problem.field) }
        let model = json["model"]?.stringValue ?? "gpt-image-1.5"
        var order = SimulatorOrder(provider: Self.provider, model: model, body: json, request: request)
        if order.prompt.isEmpty { order.prompt = OpenAIChat.lastText(in: json) }
        order.input = json
        order.media = .image
        order.isTask = false
        order.substitutes = [.failPolicy: .refuse, .failInStatus: .fail, .expire: .fail, .streamError: .fail]
        let run = desk.books.book(order) { hexadecimal($0) }
        try await desk.pause(run)
        if let refusal = Self.refusals.answer(to: run.fault) { return refusal }
        let headers = Self.headers(run)
        let answer = make(run)
        if json["stream"]?.boolValue == true || json["stream"] == "true" {
            let error: JSONValue = [
                "type": "error", "error": ["type": "server_error", "message": "The server failed."],
            ]
            return try await desk.stream(
                answer.events,
                of: run,
                context,
                error: ServerEvent("error", error),
                headers: headers
            )
        }
        if run.fault == .fail { return Self.refusals.response(for: .error500) }
        if run.fault == .stall { try await desk.hang() }
        return try await desk.deliver(answer.json, of: run, context, headers: headers)
    }

    /// The body as JSON; the texts of a form's fields, when it is one.
    private func body(_ request: Request) async throws -> JSONValue? {
        guard let type = request.headers[.contentType], type.hasPrefix("multipart/form-data"),
            let boundary = type.firstRange(of: "boundary=").map({ String(type[$0.upperBound...]) })
        else { return try await desk.json(request) }
        let bytes = try await request.body.collect(upTo: SimulatorDesk.maximumRequestBytes)
        let text = String(decoding: bytes.readableBytesView, as: UTF8.self)
        var fields: [String: JSONValue] = [:]
        for part in text.split(separator: "--" + boundary.trimming("\"")) {
            guard let end = part.firstRange(of: "\r\n\r\n"), let name = part.firstRange(of: "name=\"") else { continue }
            let key = part[name.upperBound...].prefix { $0 != "\"" }
            let value = part[end.upperBound...]
            let isFile = part[..<end.lowerBound].contains("filename=")
            fields[String(key)] = isFile ? "file" : .string(String(value).trimming("\r\n"))
        }
        return .object(fields)
    }

    private static func headers(_ run: SimulatorBooks.Run) -> [(String, String)] {
        [
            ("x-request-id", "req_\(run.id)"), ("openai-processing-ms", String(run.latencyMilliseconds)),
            ("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"), ("x-ratelimit-limit-tokens", "200000"),
            ("x-ratelimit-remaining-tokens", "199000"), ("x-ratelimit-reset-tokens", "6m0s"),
        ]
    }

    private static func invalid(_ message: String, _ field: String?) -> Response {
        let error: JSONValue = [
            "message": .string(message), "type": "invalid_request_error",
            "param": field.map { .string($0) } ?? .null, "code": nil,
        ]
        return .json(["error": error], status: .badRequest)
    }

    private static let refusals = RefusalTable(rows: [
        .refuse: row(400, "moderation_blocked", "Your request was rejected by the safety system."),
        .invalid: row(400, "invalid_value", "A value is not supported."),
        .unauthorised: row(401, "invalid_api_key", "Incorrect API key provided."),
        .noCredit: row(429, "insufficient_quota", "You exceeded your current quota."),
        .forbidden: row(403, "unsupported_country_region_territory", "The project may not use the model."),
        .notFound: row(404, "model_not_found", "The model does not exist."),
        .conflict: row(409, "conflict", "The resource is in conflict."),
        .rateLimit: row(429, "rate_limit_exceeded", "Rate limit reached.", [("retry-after", "1")]),
        .overloaded: row(503, "server_overloaded", "The engine is currently overloaded."),
        .unavailable: row(503, "service_unavailable", "The service is unavailable."),
        .error500: row(500, "server_error", "The server had an error while processing your request."),
    ]) { refusal in
        let types: [Int: String] = [
            401: "invalid_request_error", 429: "requests", 500: "server_error", 503: "server_error",
        ]
        let type = refusal.code == "insufficient_quota" ? refusal.code : types[refusal.status]
        return [
            "error": [
                "message": .string(refusal.message), "type": .string(type ?? "invalid_request_error"), "param": nil,
                "code": .string(refusal.code),
            ]
        ]
    }

    private static func row(
        _ status: Int,
        _ code: String,
        _ message: String,
        _ headers: [(String, String)] = []
    ) -> Refusal {
        Refusal(status, code, message, headers + [("x-request-id", "req_simulated")])
    }
}

/// An answer of one of OpenAI's APIs.
protocol OpenAIAnswer: Sendable {
    /// The whole answer.
    var json: JSONValue { get }
    /// The same answer as a stream.
    var events: [ServerEvent] { get }
}

extension String {
    /// The text without any of `characters` at either end.
    func trimming(_ characters: String) -> String {
        var text = self[...]
        while let first = text.first, characters.contains(first) { text.removeFirst() }
        while let last = text.last, characters.contains(last) { text.removeLast() }
        return String(text)
    }
}
