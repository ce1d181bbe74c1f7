internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// Anthropic's Messages API, in one answer or as a stream.
///
/// Source: anthropic 2.12.0 and platform.claude.com/docs.
struct AnthropicWire: Sendable {
    static let provider = "anthropic"
    let desk: SimulatorDesk

    func addRoutes(to router: Router<SimulatorContext>) {
        router.post("/anthropic/v1/messages") { try await messages($0, $1) }
        router.post("/anthropic/v1/messages/count_tokens") { try await countTokens($0, $1) }
    }

    private func isAuthorised(_ request: Request) -> Bool {
        desk.accepts(request.header("x-api-key") ?? request.credential("Bearer"), of: Self.provider)
    }

    private func messages(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        guard request.header("anthropic-version") != nil else {
            return Self.invalid("anthropic-version: header is required")
        }
        guard let json = try await desk.json(request) else { return Self.invalid("The body is not valid JSON.") }
        if let problem = Self.problem(in: json) { return Self.invalid(problem) }
        let model = json["model"]?.stringValue ?? ""
        var order = SimulatorOrder(provider: Self.provider, model: model, body: json, request: request)
        order.prompt = Self.lastText(in: json)
        order.isTask = false
        // Output against the rules is a message of its own kind, and charged for.
        order.substitutes = [.failPolicy: .refusal]
        let run = desk.books.book(order) { "msg_01\(hexadecimal($0))" }
        try await desk.pause(run)
        if let refusal = Self.refusals.answer(to: run.fault) { return refusal }
        let message = AnthropicMessage(run)
        let headers = Self.headers(run)
        if json["stream"]?.boolValue == true {
            let error = ServerEvent("error", Self.error("overloaded_error", "Overloaded", requestID: run.id))
            return try await desk.stream(message.events, of: run, context, error: error, headers: headers)
        }
        switch run.fault {
        case .fail, .failInStatus, .streamError, .expire: return Self.refusals.response(for: .error500)
        case .stall: try await desk.hang()
        default: break
        }
        return try await desk.deliver(message.json, of: run, context, headers: headers)
    }

    private func countTokens(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        guard let json = try await desk.json(request) else { return Self.invalid("The body is not valid JSON.") }
        return .json(["input_tokens": .integer(AnthropicMessage.inputTokens(of: json))])
    }

    /// What the vendor says against a body; nil for a good one.
    private static func problem(in json: JSONValue) -> String? {
        guard json["model"]?.stringValue != nil else { return "model: Field required" }
        guard let maximum = json["max_tokens"] else { return "max_tokens: Field required" }
        guard let maximum = maximum.integerValue, maximum >= 1 else {
            return "max_tokens: Input should be greater than or equal to 1"
        }
        guard let messages = json["messages"]?.arrayValue else { return "messages: Field required" }
        guard !messages.isEmpty else { return "messages: at least one message is required" }
        for (index, message) in messages.enumerated() {
            guard ["user", "assistant"].contains(message["role"]?.stringValue ?? "") else {
                return "messages.\(index).role: Input should be 'user' or 'assistant'"
            }
            guard message["content"]?.stringValue != nil || message["content"]?.arrayValue != nil else {
                return "messages.\(index).content: Field required"
            }
        }
        return nil
    }

    private static func lastText(in json: JSONValue) -> String {
        guard let content = json["messages"]?.arrayValue?.last?["content"] else { return "" }
        return content.stringValue ?? content.arrayValue?.lazy.compactMap { $0["text"]?.stringValue }.last ?? ""
    }

    private static func headers(_ run: SimulatorBooks.Run) -> [(String, String)] {
        let reset = rfc3339(run.progress.acceptedAt + 60_000)
        var headers = [("request-id", "req_\(run.id.dropFirst(4))")]
        for (kind, limit) in [
            ("requests", 1_000), ("tokens", 400_000), ("input-tokens", 300_000), ("output-tokens", 100_000),
        ] {
            headers.append(("anthropic-ratelimit-\(kind)-limit", String(limit)))
            headers.append(("anthropic-ratelimit-\(kind)-remaining", String(limit - 1)))
            headers.append(("anthropic-ratelimit-\(kind)-reset", reset))
        }
        return headers
    }

    private static func invalid(_ message: String) -> Response {
        refusals.response(Refusal(400, "invalid_request_error", message))
    }

    private static func error(_ type: String, _ message: String, requestID: String) -> JSONValue {
        [
            "type": "error", "error": ["type": .string(type), "message": .string(message), "details": nil],
            "request_id": .string("req_\(requestID)"),
        ]
    }

    private static let refusals = RefusalTable(rows: [
        .refuse: row(400, "invalid_request_error", "The request was blocked by the content filter."),
        .invalid: row(400, "invalid_request_error", "messages: Input should be a valid list"),
        .unauthorised: row(401, "authentication_error", "invalid x-api-key"),
        .noCredit: row(402, "billing_error", "Your credit balance is too low."),
        .forbidden: row(403, "permission_error", "Your API key does not have permission to use the resource."),
        .notFound: row(404, "not_found_error", "model: not found"),
        .conflict: row(409, "conflict", "The resource is in conflict."),
        .tooLarge: row(413, "request_too_large", "Request exceeds the maximum size"),
        .rateLimit: row(429, "rate_limit_error", "This request would exceed your rate limit.", [("retry-after", "1")]),
        .error500: row(500, "api_error", "Internal server error"),
        .unavailable: row(503, "api_error", "Service unavailable"),
        .gatewayTimeout: row(504, "timeout_error", "The request timed out."),
        .overloaded: row(529, "overloaded_error", "Overloaded"),
    ]) { error($0.code, $0.message, requestID: "simulated") }

    private static func row(
        _ status: Int,
        _ type: String,
        _ message: String,
        _ headers: [(String, String)] = []
    ) -> Refusal {
        Refusal(status, type, message, headers + [("request-id", "req_simulated")])
    }
}
