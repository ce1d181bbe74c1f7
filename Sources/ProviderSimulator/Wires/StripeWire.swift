internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// Stripe's payments, as far as topping up needs them.
///
/// What a payment comes to is in the name of its method, as with Stripe's own test methods: `pm_card_chargeDeclined`,
/// `pm_card_chargeDeclinedInsufficientFunds`, `pm_card_authenticationRequired`, `pm_usBankAccount` (under way for the script's
/// `jobMilliseconds`); any other is paid. The customer `cus_missing` is not there.
///
/// Source: stripe 16.1.0 and docs.stripe.com/api.
struct StripeWire: Sendable {
    static let provider = "stripe"
    let desk: SimulatorDesk
    private let books = StripeBooks()

    init(desk: SimulatorDesk) { self.desk = desk }

    func addRoutes(to router: Router<SimulatorContext>) {
        router.post("/stripe/v1/payment_intents") { try await create($0, $1) }
        router.get("/stripe/v1/payment_intents") { request, _ in list(request) }
        router.get("/stripe/v1/payment_intents/:id") { request, context in
            guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
            let id = context.parameters.get("id") ?? ""
            guard let intent = books.intent(id) else {
                let message = "No such payment_intent: '\(id)'"
                return Self.answer(.missing("intent", message), status: 404, to: request)
            }
            return Self.answer(json(intent), to: request)
        }
    }

    private func isAuthorised(_ request: Request) -> Bool {
        desk.accepts(request.credential("Bearer"), of: Self.provider)
    }

    // MARK: Create

    private func create(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        let form = Self.form(String(buffer: try await request.body.collect(upTo: 1 << 20)))
        guard let key = request.header("Idempotency-Key") else {
            return try await answer(form, nil, request, context)
        }
        switch books.claim(key, at: desk.books.now) {
        case .underWay: return Self.refusals.response(for: .conflict)
        case .answered(let saved):
            guard saved.request == form else { return Self.answer(.keyReused(key), status: 400, to: request) }
            return Self.answer(
                saved.body,
                status: saved.status,
                to: request,
                headers: [("idempotent-replayed", "true")]
            )
        case .first: return try await answer(form, key, request, context)
        }
    }

    /// Does what was asked for. What was begun is kept under the key, also a 500; what was not is not.
    private func answer(
        _ form: [String: String],
        _ key: String?,
        _ request: Request,
        _ context: SimulatorContext
    ) async throws -> Response {
        if let problem = Self.problem(in: form) {
            if let key { books.end(key, keeping: nil) }
            return Self.answer(problem, status: 400, to: request)
        }
        var order = SimulatorOrder(provider: Self.provider, model: form["payment_method"] ?? "")
        order.clientRequestID = key ?? ""
        order.isTask = false
        let run = desk.books.book(order) { "pi_" + Self.letters($0) }
        if let refusal = Self.refusals.answer(to: run.fault) {
            let body = Self.refusals.body(Refusal(500, "api_error", Self.brokenMessage))
            let saved = StripeBooks.Saved(request: form, at: desk.books.now, status: 500, body: body)
            if let key { books.end(key, keeping: run.fault == .error500 ? saved : nil) }
            return refusal
        }
        let now = desk.books.now
        let intent = StripeBooks.Intent(
            id: run.id,
            createdAt: now,
            parameters: form,
            fate: Self.fate(of: form),
            settlesAt: now + Int64(run.script.jobMilliseconds)
        )
        books.add(intent)
        var (status, body) = (200, json(intent))
        if case .declined(let code, let declineCode, let message) = intent.fate {
            (status, body) = (402, .declined(code, declineCode, message, body))
        }
        do {
            // The payment is there before the answer is: whoever asks meanwhile is told to wait.
            defer {
                if let key { books.end(key, keeping: .init(request: form, at: now, status: status, body: body)) }
            }
            try await desk.pause(run)
        }
        return try await desk.deliver(
            body,
            of: run,
            context,
            status: HTTPResponse.Status(code: status),
            headers: Self.headers(request)
        )
    }

    private static func problem(in form: [String: String]) -> JSONValue? {
        for name in ["amount", "currency"] where form[name] == nil {
            return .invalid("parameter_missing", name, "Missing required param: \(name).")
        }
        guard let amount = form["amount"].flatMap({ Int64($0) }), amount > 0 else {
            return .invalid("parameter_invalid_integer", "amount", "Invalid integer: \(form["amount"] ?? "")")
        }
        guard amount <= 99_999_999 else {
            return .invalid("amount_too_large", "amount", "Amount must be no more than $999,999.99")
        }
        guard amount >= 50 else {
            return .invalid("amount_too_small", "amount", "Amount must be at least $0.50 usd")
        }
        if form["customer"] == "cus_missing" { return .missing("customer", "No such customer: 'cus_missing'") }
        guard form["off_session"] != "true" || form["confirm"] == "true" else {
            return .invalid("parameter_missing", "confirm", "off_session can only be used when confirm is true.")
        }
        return nil
    }

    private static func fate(of form: [String: String]) -> StripeBooks.Fate {
        guard form["confirm"] == "true" else { return .unconfirmed }
        return switch form["payment_method"] ?? "" {
        case "pm_card_chargeDeclined":
            .declined(code: "card_declined", declineCode: "generic_decline", message: "Your card was declined.")
        case "pm_card_chargeDeclinedInsufficientFunds":
            .declined(
                code: "card_declined",
                declineCode: "insufficient_funds",
                message: "Your card has insufficient funds."
            )
        case "pm_card_authenticationRequired":
            .declined(
                code: "authentication_required",
                declineCode: "authentication_required",
                message: "Your card was declined. This transaction requires authentication."
            )
        case "pm_usBankAccount": .processing
        default: .paid
        }
    }

    // MARK: Read

    private func list(_ request: Request) -> Response {
        guard isAuthorised(request) else { return Self.refusals.response(for: .unauthorised) }
        let query = Self.form(request.uri.query ?? "")
        let limit = min(max(query["limit"].flatMap { Int($0) } ?? 10, 1), 100)
        let since = query["created[gte]"].flatMap { Int64($0) } ?? 0
        let customer = query["customer"]
        var found = books.intents().filter { intent in
            (customer == nil || intent.customer == customer) && intent.createdAt / 1_000 >= since
        }
        if let after = query["starting_after"] {
            found = found.firstIndex { $0.id == after }.map { Array(found[($0 + 1)...]) } ?? []
        }
        let page: JSONValue = [
            "object": "list", "url": "/v1/payment_intents", "has_more": .bool(found.count > limit),
            "data": .array(found.prefix(limit).map(json)),
        ]
        return Self.answer(page, to: request)
    }

    private func json(_ intent: StripeBooks.Intent) -> JSONValue {
        var (status, error) = ("succeeded", JSONValue.null)
        switch intent.fate {
        case .paid: break
        case .processing: if desk.books.now < intent.settlesAt { status = "processing" }
        case .unconfirmed: status = "requires_confirmation"
        case .declined(let code, let declineCode, let message):
            status = "requires_payment_method"
            error = .cardError(code, declineCode, message)
        }
        let amount = JSONValue.integer(intent.parameters["amount"].flatMap { Int64($0) } ?? 0)
        let isPaid = status == "succeeded"
        return [
            "id": .string(intent.id), "object": "payment_intent", "amount": amount,
            "amount_received": isPaid ? amount : 0, "created": .integer(intent.createdAt / 1_000),
            "currency": .string(intent.parameters["currency"] ?? ""),
            "customer": intent.customer.map { .string($0) } ?? nil, "livemode": false, "metadata": intent.metadata,
            "payment_method": intent.parameters["payment_method"].map { .string($0) } ?? nil,
            "status": .string(status), "last_payment_error": error, "next_action": nil,
            "client_secret": .string("\(intent.id)_secret_\(intent.id.suffix(8))"), "capture_method": "automatic",
            "latest_charge": isPaid ? .string("ch_\(intent.id.dropFirst(3))") : nil,
        ]
    }

    // MARK: Forms and answers

    private static func letters(_ number: UInt64) -> String {
        let text = String(scrambled(number), radix: 36)
        return String(repeating: "0", count: max(0, 24 - text.count)) + text
    }

    private static func form(_ body: String) -> [String: String] {
        let pairs = body.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : "")
        }
        return Dictionary(pairs) { $1 }
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func headers(_ request: Request) -> [(String, String)] {
        ["Stripe-Version", "Idempotency-Key"].compactMap { name in request.header(name).map { (name.lowercased(), $0) }
        }
    }

    private static func answer(
        _ body: JSONValue,
        status: Int = 200,
        to request: Request,
        headers more: [(String, String)] = []
    ) -> Response {
        .json(body, status: HTTPResponse.Status(code: status), headers: headers(request) + more)
    }

    private static let brokenMessage = "An unknown error occurred."

    private static let refusals = RefusalTable(rows: [
        .invalid: Refusal(400, "invalid_request_error", "The request is not valid."),
        .unauthorised: Refusal(401, "invalid_request_error", "Invalid API Key provided."),
        .forbidden: Refusal(403, "invalid_request_error", "The provided key does not have the required permissions."),
        .conflict: Refusal(
            409,
            "idempotency_error",
            "There is currently another in-progress request using this Idempotent Key."
        ),
        .rateLimit: Refusal(429, "invalid_request_error", "Too many requests hit the API too quickly."),
        .error500: Refusal(500, "api_error", brokenMessage),
        .unavailable: Refusal(503, "api_error", "The service is unavailable."),
    ]) { refusal in
        ["error": ["type": .string(refusal.code), "message": .string(refusal.message)]]
    }
}

extension JSONValue {
    fileprivate static func invalid(_ code: String, _ parameter: String, _ message: String) -> JSONValue {
        [
            "error": [
                "type": "invalid_request_error", "code": .string(code), "param": .string(parameter),
                "message": .string(message),
            ]
        ]
    }

    fileprivate static func missing(_ parameter: String, _ message: String) -> JSONValue {
        invalid("resource_missing", parameter, message)
    }

    fileprivate static func keyReused(_ key: String) -> JSONValue {
        let message =
            "Keys for idempotent requests can only be used with the same parameters they were first used with."
        return ["error": ["type": "idempotency_error", "message": .string("\(message) Try another than '\(key)'.")]]
    }

    fileprivate static func cardError(_ code: String, _ declineCode: String, _ message: String) -> JSONValue {
        [
            "type": "card_error", "code": .string(code), "decline_code": .string(declineCode),
            "message": .string(message),
        ]
    }

    fileprivate static func declined(
        _ code: String,
        _ declineCode: String,
        _ message: String,
        _ intent: JSONValue
    ) -> JSONValue {
        var error = cardError(code, declineCode, message).objectValue ?? [:]
        error["payment_intent"] = intent
        return ["error": .object(error)]
    }
}
