import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Registry
import Runs

/// `/api/api-keys/:id/webhook` (api-contract, sections 4.4 and 8.13): for operators, never for API keys.
struct WebhookController {
    /// The most bytes of a webhook's settings: a URL of 8 KiB and a secret fit.
    static let largestBodyBytes = 1 << 14

    let webhooks: any WebhookAdministration
    let gate: OperatorGate

    func addRoutes(to router: Router<APIContext>) {
        let path: RouterPath = "/api/api-keys/:id/webhook"
        router.get(path) { request, context in
            let key = try await authorizedKey(request, context, isChange: false)
            let settings = try await answering { () async throws(WebhookRefusal) in
                try await webhooks.webhook(of: key)
            }
            return respond(.ok, Self.members(settings))
        }
        router.put(path) { request, context in try await put(request, context) }
        router.delete(path) { request, context in
            let key = try await authorizedKey(request, context)
            try await answering { () async throws(WebhookRefusal) in try await webhooks.removeWebhook(of: key) }
            return Response(status: .noContent)
        }
        router.refuseMethods(of: path, except: [.get, .put, .delete])
        let testPath: RouterPath = "/api/api-keys/:id/webhook/test"
        router.post(testPath) { request, context in
            let key = try await authorizedKey(request, context)
            let named = try IdempotencyKey(of: request)?.request(for: request, body: [])
            let once = named.map { Digest(of: $0.key.bytes + $0.fingerprint.bytes) }
            let id = try await answering { () async throws(WebhookRefusal) in
                try await webhooks.testWebhook(of: key, for: once)
            }
            return respond(.accepted, [("success", .bool(true)), ("deliveryId", .string("msg_\(id)"))])
        }
        router.refuseMethods(of: testPath, except: [.post])
        let deliveriesPath: RouterPath = "/api/api-keys/:id/webhook/deliveries"
        router.get(deliveriesPath) { request, context in try await deliveries(request, context) }
        router.refuseMethods(of: deliveriesPath, except: [.get])
    }

    private func put(_ request: Request, _ context: APIContext) async throws -> Response {
        let key = try await authorizedKey(request, context)
        let body = try await request.wholeBody(upTo: Self.largestBodyBytes)
        guard let json = try? JSONValue(parsing: Array(buffer: body)), let members = json.objectValue else {
            throw APIError(status: .badRequest, code: "INVALID_BODY", message: "The body must be a JSON object")
        }
        for name in members.keys.sorted() where name != "url" && name != "secret" {
            throw APIError.invalidWebhook(path: "/\(name)", message: "there is no such setting")
        }
        guard let url = members["url"]?.stringValue else {
            throw APIError.invalidWebhook(path: "/url", message: "an https URL is needed")
        }
        var secret: String?
        if let given = members["secret"], given != .null {
            guard let text = given.stringValue else {
                throw APIError.invalidWebhook(path: "/secret", message: "a string is needed, not \(given.kindName)")
            }
            secret = text
        }
        let settings = try await answering { () async throws(WebhookRefusal) in
            try await webhooks.setWebhook(of: key, url: url, secret: secret)
        }
        return respond(.ok, Self.members(settings))
    }

    private func deliveries(_ request: Request, _ context: APIContext) async throws -> Response {
        let key = try await authorizedKey(request, context, isChange: false)
        var limit = 50
        if let text = request.uri.queryParameters.get("limit") {
            guard let number = Int(text), (1...200).contains(number) else {
                throw APIError.invalidWebhook(path: "limit", message: "a number from 1 to 200 is needed")
            }
            limit = number
        }
        let deliveries = try await answering { () async throws(WebhookRefusal) in
            try await webhooks.deliveries(of: key, limit: limit)
        }
        return respond(.ok, [("success", .bool(true)), ("deliveries", .array(deliveries.map(Self.value)))])
    }

    // MARK: Who asks

    private func authorizedKey(
        _ request: Request,
        _ context: APIContext,
        isChange: Bool = true
    ) async throws(APIError) -> KeyID {
        try await gate.admit(request, isChange: isChange)
        guard let id = KeyID(text: context.parameters.get("id") ?? "") else { throw .keyNotFound }
        return id
    }

    private func answering<Value>(_ body: () async throws(WebhookRefusal) -> Value) async throws(APIError) -> Value {
        do throws(WebhookRefusal) {
            return try await body()
        } catch {
            throw APIError(error)
        }
    }

    // MARK: Answers

    private func respond(_ status: HTTPResponse.Status, _ members: [(key: String, value: JSONValue)]) -> Response {
        Response(status: status, headers: [.contentType: "application/json"], body: ResponseBody(json: members))
    }

    private static func members(_ settings: WebhookSettings) -> [(key: String, value: JSONValue)] {
        var members: [(key: String, value: JSONValue)] = [
            ("success", .bool(true)), ("url", .string(settings.url)), ("since", .time(settings.validFrom)),
            ("disabledAt", .time(settings.disabledAt)),
        ]
        if let secret = settings.newSecret { members.append(("secret", .string(secret))) }
        return members
    }

    private static func value(_ delivery: WebhookDelivery) -> JSONValue {
        let attempts = delivery.attempts.map { attempt -> JSONValue in
            [
                "number": .integer(Int64(attempt.number)), "startedAt": .time(attempt.startedAt),
                "ms": .integer(attempt.milliseconds), "status": attempt.status.map { .integer(Int64($0)) } ?? .null,
                "error": attempt.error.map { .string($0) } ?? .null,
            ]
        }
        return [
            "id": .string(delivery.id), "event": .string(delivery.event),
            "executionId": delivery.executionID.map { .string($0.description) } ?? .null,
            "state": .string(delivery.state), "createdAt": .time(delivery.createdAt),
            "nextAttemptAt": .time(delivery.nextAttemptAt), "attempts": .array(attempts),
        ]
    }
}

extension APIError {
    fileprivate static func invalidWebhook(path: String, message: String) -> APIError {
        APIError(
            status: .badRequest,
            code: "INVALID_WEBHOOK",
            message: "The webhook's settings can't be taken: \(path): \(message)",
            context: [("issues", [["path": .string(path), "message": .string(message)]])]
        )
    }

    fileprivate init(_ refusal: WebhookRefusal) {
        switch refusal {
        case .noKey: self = .keyNotFound
        case .noWebhook:
            self.init(status: .notFound, code: "WEBHOOK_NOT_FOUND", message: "The key has no webhook")
        case .notCapable:
            self.init(
                status: .forbidden,
                code: "CAPABILITY_DENIED",
                message: "The key lacks the capability webhook:receive",
                context: [("required", "webhook:receive")]
            )
        case .invalid(let path, let message): self = .invalidWebhook(path: path, message: message)
        case .unavailable(let failure): self.init(failure)
        }
    }
}
