import HTTPTypes
import Hummingbird
import Ledger
import Registry
import Runs

/// `GET /api/whoami`, `GET /api/me` and `GET /api/usage` (api-contract, sections 1.3 and 1.4).
struct CallerController {
    let desk: CallerDesk
    let authenticator: KeyAuthenticator

    func addRoutes(to router: Router<APIContext>) {
        for method in [HTTPRequest.Method.get, .head] {
            router.on("/api/whoami", method: method) { request, _ in try await answerIdentity(request) }
            router.on("/api/usage", method: method) { request, _ in try await answerUsage(request) }
            router.on("/api/me", method: method) { request, _ -> Response in
                // For owners who are signed in, and nobody can sign in yet.
                throw request.headers[.apiKey] == nil ? APIError.signedOut : APIError.apiKeyRefused
            }
        }
        for path in ["/api/whoami", "/api/usage", "/api/me"] as [RouterPath] {
            router.refuseMethods(of: path, except: [.get, .head])
        }
    }

    private func answerIdentity(_ request: Request) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let (standing, _) = try authenticator.result(of: await desk.standing(of: identity), identity)
        guard let account = standing.account else { preconditionFailure("an account was found without itself") }
        let user: JSONValue = [
            "id": .userID(account.id), "email": standing.email.map { .string($0) } ?? .null,
            "role": .string(account.role.rawValue), "tier": .string(account.tier.rawValue),
            "approved": .bool(account.isApproved),
        ]
        return respond([("user", user)], window: nil)
    }

    private func answerUsage(_ request: Request) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let (_, window) = try authenticator.result(of: await desk.admit(identity), identity)
        do {
            let query = try UsageQuery(request)
            let page = try await desk.usage(query, of: identity.accountID)
            let rows = page.runs.map { $0.usageRow(of: identity.accountID, page) }
            return respond(
                [
                    ("rows", .array(rows)), ("page", .integer(Int64(query.offset / query.limit))),
                    ("pageSize", .integer(Int64(query.limit))), ("total", .integer(page.total)),
                ],
                window: window
            )
        } catch let failure as LedgerFailure {
            throw APIError.unread(failure).carrying(window)
        } catch let error as APIError {
            throw error.carrying(window)
        }
    }

    private func respond(_ members: [(key: String, value: JSONValue)], window: WindowStatus?) -> Response {
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        if let window { headers.append(window) }
        return Response(status: .ok, headers: headers, body: ResponseBody(json: members))
    }
}

extension APIError {
    fileprivate static let signedOut = APIError(
        status: .unauthorized,
        code: "UNAUTHORIZED",
        message: "Unauthorized: this is for owners who are signed in"
    )

    /// The same answer with the headers of the window that counted the request.
    fileprivate func carrying(_ window: WindowStatus?) -> APIError {
        var error = self
        if let window { error.headers.append(window) }
        return error
    }
}

extension Execution {
    /// The run as a row of its account's usage.
    ///
    /// `cost` is what the provider charges us in USD, `userCost` what the account pays in USD, and `creditsCost` the same
    /// in credits. All are 0 until the run has ended, and `cost` stays 0 when nobody told what it was.
    fileprivate func usageRow(of account: AccountID, _ page: UsagePage) -> JSONValue {
        let models = workflowSlug == nil ? [model] : page.nodeModels[id, default: []]
        let elapsed = endedAt.map { ($0.microseconds - admittedAt.microseconds) / 1_000 } ?? 0
        return [
            "id": .integer(usageID), "userId": .userID(account),
            "workflowSlug": workflowSlug.map { .string($0) } ?? .null,
            "modelIds": .array(models.map { .string($0) }), "status": .string(UsageStatus(status).rawValue),
            "source": workflowSlug == nil ? "api-slim" : "api-workflow",
            "cost": .decimal((providerCost ?? .zero).description),
            // A credit is USD 0.001, so a micro-credit is a nano-dollar.
            "userCost": .number(charged.microcredits, decimals: 9), "creditsCost": .credits(charged),
            "durationMs": .integer(durationMilliseconds ?? elapsed),
            "errorCode": errorCode.map { .string($0) } ?? .null,
            "requestId": providerRequestID.map { .string($0) } ?? .null,
            "createdAt": .string(admittedAt.rfc3339.prefix(23) + "Z"),
        ]
    }
}

extension UsageQuery {
    /// Reads the query of a request.
    ///
    /// - Throws: 400 `INVALID_QUERY` with the parameter and its limits.
    fileprivate init(_ request: Request) throws(APIError) {
        let parameters = request.uri.queryParameters
        self.init()
        if let text = parameters.get("status") {
            // `cancelled` is more than the contract has; without it such runs could not be asked for.
            guard let status = UsageStatus(rawValue: text) else {
                let words = UsageStatus.allCases.map(\.rawValue)
                throw .invalid(
                    "INVALID_QUERY",
                    field: "status",
                    "one of \(words.joined(separator: ", ")) is needed",
                    [("allowed", .array(words.map { .string($0) }))]
                )
            }
            self.status = status
        }
        model = try Self.slug(parameters.get("modelId"), "modelId")
        workflowSlug = try Self.slug(parameters.get("workflowSlug"), "workflowSlug")
        if let text = parameters.get("limit") { limit = try Self.number(text, "limit", in: Self.limits) }
        if let text = parameters.get("offset") { offset = try Self.number(text, "offset", in: Self.offsets) }
        // 253402300799999999: the last microsecond of the year 9999, which every form of a moment can hold.
        if let text = parameters.get("before") {
            before = Int64(try Self.number(text, "before", in: 0...253_402_300_799_999_999))
        }
    }

    private static func slug(_ text: String?, _ field: String) throws(APIError) -> String? {
        guard let text else { return nil }
        guard Slug.isValid(text) else {
            throw .invalid(
                "INVALID_QUERY",
                field: field,
                "1 to \(Slug.longest) lower-case letters, digits and hyphens are needed",
                [("limit", .integer(Int64(Slug.longest)))]
            )
        }
        return text
    }

    private static func number(
        _ text: String,
        _ field: String,
        in range: ClosedRange<Int>
    ) throws(APIError) -> Int {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), range.contains(number)
        else {
            throw .invalid(
                "INVALID_QUERY",
                field: field,
                "a whole number from \(range.lowerBound) to \(range.upperBound) is needed",
                [("min", .integer(Int64(range.lowerBound))), ("max", .integer(Int64(range.upperBound)))]
            )
        }
        return number
    }
}
