import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Registry
import Runs

/// `/api/api-keys` (api-contract, sections 2 and 8.10), and the same under `/admin/accounts/:account/keys`: for operators,
/// never for API keys.
///
/// At the first, whose keys are meant is said by `?account=`, until owners can sign in.
struct KeyController {
    /// The most bytes of a wish for a key: 100 capabilities of 110 bytes and a name fit.
    static let largestBodyBytes = 1 << 14

    let desk: KeyDesk
    let gate: OperatorGate

    /// Reads whose keys are meant.
    private typealias Owner = @Sendable (Request, APIContext) throws -> AccountID

    func addRoutes(to router: Router<APIContext>) {
        addKeys(to: router, at: "/api/api-keys", owner: Self.queriedAccount)
        let one: RouterPath = "/api/api-keys/:id"
        router.delete(one) { request, context in
            try await revoke(request, context, "id") { request, context in
                request.uri.queryParameters.get("account") == nil ? nil : try Self.queriedAccount(request, context)
            }
        }
        router.refuseMethods(of: one, except: [.delete])
        addKeys(to: router, at: "/admin/accounts/:account/keys", owner: Self.namedAccount)
        let named: RouterPath = "/admin/accounts/:account/keys/:key"
        router.delete(named) { request, context in try await revoke(request, context, "key", Self.namedAccount) }
        router.refuseMethods(of: named, except: [.delete])
    }

    private func addKeys(to router: Router<APIContext>, at path: RouterPath, owner: @escaping Owner) {
        router.post(path) { request, context in try await issue(request, context, owner) }
        router.get(path) { request, context in try await list(request, context, owner) }
        router.on(path, method: .head) { request, context in try await list(request, context, owner) }
        router.refuseMethods(of: path, except: [.get, .head, .post])
    }

    private func issue(_ request: Request, _ context: APIContext, _ owner: Owner) async throws -> Response {
        let actor = try await gate.admit(request, isChange: true)
        let account = try owner(request, context)
        let key = try IdempotencyKey(of: request)
        let body = Array(buffer: try await request.wholeBody(upTo: Self.largestBodyBytes))
        let wish = try KeyWish(body)
        let token = AdminToken.bearer(request.headers[.authorization]) ?? ""
        let seal = key.map { AnswerSeal(token: token, idempotencyKey: $0.text) }
        let requestID = context.requestID
        var call = KeyCall(request: requestID, actor: actor)
        if let key, let seal {
            call = KeyCall(request: requestID, actor: actor) { issued in
                let answer = seal.close(RecordedAnswer(issued, request: requestID))
                return key.request(for: request, body: body, sealedFor: token, answer: AnswerDraft(answer))
            }
        }
        switch try result(of: await desk.issue(to: account, name: wish.name, capabilities: wish.capabilities, call)) {
        case .issued(let issued): return RecordedAnswer(issued, request: requestID).response(isRepeat: false)
        case .repeated(let sealed):
            guard let answer = seal?.open(sealed) else { throw APIError.idempotencyMismatch }
            return answer.response(isRepeat: true)
        }
    }

    private func list(_ request: Request, _ context: APIContext, _ owner: Owner) async throws -> Response {
        try await gate.admit(request, isChange: false)
        let keys = try result(of: await desk.list(of: owner(request, context)))
        return Response(
            status: .ok,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(json: [
                ("success", .bool(true)), ("keys", .array(keys.map(\.value))),
            ])
        )
    }

    private func revoke(
        _ request: Request,
        _ context: APIContext,
        _ parameter: String,
        _ owner: (Request, APIContext) throws -> AccountID?
    ) async throws -> Response {
        let actor = try await gate.admit(request, isChange: true)
        let account = try owner(request, context)
        guard let id = KeyID(text: context.parameters.get(parameter) ?? "") else { throw APIError.keyNotFound }
        let call = KeyCall(request: context.requestID, actor: actor)
        try result(of: await desk.revoke(id, of: account, call))
        return Response(status: .noContent)
    }

    @Sendable private static func queriedAccount(_ request: Request, _: APIContext) throws -> AccountID {
        guard let account = request.uri.queryParameters.get("account").flatMap({ AccountID(userID: String($0)) }) else {
            throw APIError.invalid(
                "INVALID_ACCOUNT",
                field: "account",
                "the id of an account is needed, as whoami shows it"
            )
        }
        return account
    }

    @Sendable private static func namedAccount(_: Request, _ context: APIContext) throws -> AccountID {
        guard let account = AccountID(text: context.parameters.get("account") ?? "") else {
            throw APIError(.accountUnknown, issues: [], window: nil)
        }
        return account
    }

    private func result<Value>(of answer: DeskAnswer<Value>) throws(APIError) -> Value {
        switch answer {
        case .done(let value, _): return value
        case .refused(.keyUnknown, _): throw .keyNotFound
        case .refused(let refusal, _): throw APIError(refusal, issues: [], window: nil)
        case .unavailable(let failure): throw .unread(failure)
        }
    }
}

extension RecordedAnswer {
    /// The answer that shows a key.
    fileprivate init(_ key: IssuedKey, request: Ledger.RequestID) {
        self.init(
            status: .created,
            headers: [.contentType: "application/json", .cacheControl: "no-store", .requestID: request.description],
            body: JSONText.object([
                ("success", .bool(true)), ("id", .string(key.secret.keyID.description)),
                ("key", .string(key.secret.text)), ("name", .string(key.name)),
                ("capabilities", .array(key.capabilities.map { .string($0.text) })),
            ])
        )
    }
}

/// The body of a wish for a key: `{name, capabilities}` or `{name, preset}`.
private struct KeyWish {
    let name: String
    let capabilities: [Capability]

    /// Reads a body.
    ///
    /// - Throws: 400 `INVALID_BODY`, `INVALID_NAME` or `INVALID_CAPABILITY`, with the member and its limits.
    init(_ body: [UInt8]) throws(APIError) {
        guard let members = (try? JSONValue(parsing: body))?.objectValue else {
            throw APIError(status: .badRequest, code: "INVALID_BODY", message: "The body must be a JSON object")
        }
        let known: Set<String> = ["name", "capabilities", "preset"]
        if let other = members.keys.sorted().first(where: { !known.contains($0) }) {
            throw .invalid("INVALID_BODY", field: other, "there is no such member; name, preset and capabilities are")
        }
        guard let name = members["name"]?.stringValue, (1...100).contains(name.utf8.count),
            !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else {
            throw .invalid("INVALID_NAME", field: "name", "one line of 1 to 100 bytes is needed", [("max", 100)])
        }
        self.name = name
        self.capabilities = try Self.capabilities(members)
    }

    private static func capabilities(_ members: [String: JSONValue]) throws(APIError) -> [Capability] {
        let listed = members["capabilities"].flatMap { $0 == .null ? nil : $0 }
        var preset = KeyPreset.custom
        if let wish = members["preset"], wish != .null {
            guard let known = wish.stringValue.flatMap(KeyPreset.init(rawValue:)) else {
                let words = KeyPreset.allCases.map(\.rawValue)
                throw .invalid(
                    "INVALID_PRESET",
                    field: "preset",
                    "one of \(words.joined(separator: ", ")) is needed",
                    [("allowed", .array(words.map { .string($0) }))]
                )
            }
            preset = known
        }
        if let capabilities = preset.capabilities {
            guard listed == nil else {
                throw .invalid("INVALID_BODY", field: "capabilities", "only the preset custom takes a list")
            }
            return capabilities
        }
        guard let texts = listed?.arrayValue?.map(\.stringValue), TierPolicy.capabilityCounts.contains(texts.count)
        else {
            throw .invalid(
                "INVALID_CAPABILITY",
                field: "capabilities",
                "a list of 1 to \(TierPolicy.capabilityCounts.upperBound) capabilities is needed, or a preset",
                [("max", .integer(Int64(TierPolicy.capabilityCounts.upperBound)))]
            )
        }
        var capabilities: [Capability] = []
        for (index, text) in texts.enumerated() {
            guard let capability = text.flatMap({ Capability($0) }) else {
                throw .invalid(
                    "INVALID_CAPABILITY",
                    field: "capabilities/\(index)",
                    "*, resource:*, resource:verb or resource:slug:verb is needed, of a resource and a verb that exist",
                    [("attempted", text.map { .string(String($0.prefix(200))) } ?? .null)]
                )
            }
            capabilities.append(capability)
        }
        return capabilities
    }
}

extension KeyListing {
    /// The key as the list shows it.
    fileprivate var value: JSONValue {
        [
            "id": .string(key.id.description), "name": .string(key.name),
            "capabilities": .array(key.capabilities.map { .string($0.text) }), "createdAt": .time(key.issuedAt),
            "lastUsedAt": .time(lastUsedAt), "revoked": .bool(key.revokedAt != nil), "revokedAt": .time(key.revokedAt),
        ]
    }
}
