import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Registry
import Runs

/// `/api/api-keys` (api-contract, sections 2 and 8.10): for operators with the admin token, never for API keys.
///
/// Whose keys are meant is said by `?account=`, until owners can sign in.
struct KeyController {
    let desk: KeyDesk
    let gate: OperatorGate

    func addRoutes(to router: Router<APIContext>) {
        let path: RouterPath = "/api/api-keys"
        router.post(path) { request, context in try await issue(request, context) }
        router.get(path) { request, _ in try await list(request) }
        router.on(path, method: .head) { request, _ in try await list(request) }
        router.refuseMethods(of: path, except: [.get, .head, .post])
        let one: RouterPath = "/api/api-keys/:id"
        router.delete(one) { request, context in try await revoke(request, context) }
        router.refuseMethods(of: one, except: [.delete])
    }

    private func issue(_ request: Request, _ context: APIContext) async throws -> Response {
        try gate.admit(request)
        let account = try Self.account(request)
        // 16 KiB: 100 capabilities of 110 bytes and a name fit.
        let body = try await request.body.collect(upTo: 1 << 14)
        let wish = try KeyWish(Array(buffer: body))
        let answer = await desk.issue(
            to: account,
            name: wish.name,
            capabilities: wish.capabilities,
            request: context.requestID
        )
        let key = try result(of: answer)
        return Response(
            status: .created,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(json: [
                ("success", .bool(true)), ("id", .string(key.secret.keyID.description)),
                ("key", .string(key.secret.text)), ("name", .string(key.name)),
                ("capabilities", .array(key.capabilities.map { .string($0.text) })),
            ])
        )
    }

    private func list(_ request: Request) async throws -> Response {
        try gate.admit(request)
        let keys = try result(of: await desk.list(of: Self.account(request)))
        return Response(
            status: .ok,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(json: [
                ("success", .bool(true)), ("keys", .array(keys.map(\.value))),
            ])
        )
    }

    private func revoke(_ request: Request, _ context: APIContext) async throws -> Response {
        try gate.admit(request)
        let account = request.uri.queryParameters.get("account") == nil ? nil : try Self.account(request)
        guard let id = KeyID(text: context.parameters.get("id") ?? "") else { throw APIError.keyNotFound }
        try result(of: await desk.revoke(id, of: account, request: context.requestID))
        return Response(status: .noContent)
    }

    private static func account(_ request: Request) throws(APIError) -> AccountID {
        guard let account = request.uri.queryParameters.get("account").flatMap({ AccountID(userID: String($0)) }) else {
            throw .invalid("INVALID_ACCOUNT", field: "account", "the id of an account is needed, as whoami shows it")
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
