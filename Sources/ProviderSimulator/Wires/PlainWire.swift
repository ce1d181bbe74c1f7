internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// The two plain providers of the first definitions: the answer to the one request is the result.
struct PlainWire: Sendable {
    let desk: SimulatorDesk

    func addRoutes(to router: Router<SimulatorContext>) {
        for prefix in ["", "/text"] {
            router.post("\(prefix)/v1/text/generate") { request, context in
                try await answer(request, context, provider: "text-http") { run in
                    let text = "You asked: " + run.order.prompt.prefix(200)
                    return ["id": .string(run.id), "output": ["text": .string(text)]]
                }
            }
        }
        for prefix in ["", "/image"] {
            router.post("\(prefix)/v1/images/generate") { request, context in
                let origin = request.origin
                return try await answer(request, context, provider: "image-http") { run in
                    let images = desk.mediaJSON(of: run, origin: origin).map { url -> JSONValue in ["url": url] }
                    return ["id": .string(run.id), "images": .array(images)]
                }
            }
        }
    }

    private func answer(
        _ request: Request,
        _ context: SimulatorContext,
        provider: String,
        body: @Sendable (SimulatorBooks.Run) -> JSONValue
    ) async throws -> Response {
        let json = try await desk.json(request)
        guard desk.accepts(request.credential("Bearer"), of: provider), let json,
            let model = json["model"]?.stringValue
        else { return Self.error("invalid_request", "The body or the key is missing.", 400) }
        var order = SimulatorOrder(provider: provider, model: model, body: json, request: request)
        order.isTask = false
        let run = desk.books.book(order) { "req_\(hexadecimal($0))" }
        try await desk.pause(run)
        if let refusal = Self.refusals.answer(to: run.fault) { return refusal }
        switch run.fault {
        case .fail, .failInStatus, .streamError, .expire:
            return Self.error("generation_failed", "The model gave up.", 400)
        case .failPolicy: return Self.error("content_policy", "The output is against the rules.", 422)
        case .stall: try await desk.hang()
        default: break
        }
        return try await desk.deliver(body(run), of: run, context)
    }

    private static func error(_ code: String, _ message: String, _ status: Int) -> Response {
        refusals.response(Refusal(status, code, message))
    }

    private static let refusals = RefusalTable(rows: [
        .refuse: Refusal(422, "content_policy", "The prompt is against the rules."),
        .invalid: Refusal(400, "invalid_request", "A field is malformed."),
        .unauthorised: Refusal(401, "invalid_api_key", "The key is unknown."),
        .noCredit: Refusal(402, "insufficient_quota", "The account has no credit."),
        .rateLimit: Refusal(429, "rate_limited", "Too many requests.", [("retry-after", "1")]),
        .unavailable: Refusal(503, "unavailable", "Come back later.", [("retry-after", "1")]),
        .gatewayTimeout: Refusal(504, "timeout", "It took too long."),
        .error500: Refusal(500, "internal_error", "Something broke."),
    ]) { ["error": ["code": .string($0.code), "message": .string($0.message)]] }
}
