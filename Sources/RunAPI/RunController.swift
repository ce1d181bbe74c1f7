import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Registry
import Runs

/// `POST /api/models/:internalName/run` (api-contract, section 1.1).
struct RunController {
    let service: RunService
    let authenticator: KeyAuthenticator
    let webhooks: any WebhookDirectory

    func addRoutes(to router: Router<APIContext>) {
        let path: RouterPath = "/api/models/:internalName/run"
        router.post(path) { request, context in try await run(request, context) }
        router.refuseMethods(of: path, except: [.post])
    }

    private func run(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let prefersAsync = request.prefersAsync
        let renderer = RunAnswerRenderer(
            webhooks: webhooks,
            keyID: identity.keyID,
            prefersAsync: prefersAsync,
            prefersProblem: request.prefersProblem
        )
        let key = try IdempotencyKey(of: request)
        let body = Array(buffer: try await request.wholeBody(upTo: RunService.largestBodyBytes))
        let answer = await service.run(
            RunRequest(
                id: context.requestID,
                identity: identity,
                slug: (context.parameters.get("internalName") ?? "").percentDecoded,
                body: body,
                isAsync: request.uri.queryParameters.get("async") == "true" || prefersAsync,
                receivedAt: context.receivedAt,
                keyed: key.map { KeyedRequest($0.request(for: request, body: body), renderer: renderer) }
            )
        )
        switch answer {
        case .succeeded(let success): return renderer.parts(of: success).response(cost: success.cost)
        case .accepted(let accepted): return await renderer.parts(of: accepted).response(cost: .zero)
        case .recorded(let recorded, let isRepeat): return recorded.response(isRepeat: isRepeat)
        case .inFlight(let execution): throw APIError.idempotencyInFlight(execution)
        case .refused(let refusal, let issues, let window):
            if refusal == .unauthorized { authenticator.noteRevoked(identity.keyID) }
            throw APIError(refusal, issues: issues, window: window)
        case .failed(let failure): throw APIError(failure)
        case .unavailable(let failure): throw APIError(failure)
        }
    }
}

extension APIError {
    init(_ failure: LedgerFailure) {
        switch failure {
        case .overloaded: self = .overloaded
        case .unavailable: self = .ledgerUnavailable
        }
    }

    init(_ failure: RunAnswer.Failure) {
        self.init(
            status: .internalServerError,
            code: "EXECUTION_FAILED",
            message: failure.message,
            context: [("executionId", .string(failure.executionID.description))]
        )
        if failure.isUnresolved { context.append(("unresolved", .bool(true))) }
        if let window = failure.window { headers.append(window) }
    }
}

extension Request {
    /// Whether the client sent `Prefer: respond-async` (RFC 7240), which is the same as `?async=true`.
    var prefersAsync: Bool {
        guard let name = HTTPField.Name("Prefer") else { return false }
        let preferences = headers[values: name].flatMap { $0.split(separator: ",") }
        return preferences.contains { preference in
            let token = preference.prefix { $0 != ";" }
            return token.filter { !$0.isWhitespace }.lowercased() == "respond-async"
        }
    }
}

extension String {
    /// The text with each `%` and two hexadecimal digits replaced by their byte; as it is when that is no UTF-8.
    package var percentDecoded: String {
        guard utf8.contains(UInt8(ascii: "%")) else { return self }
        let source = Array(utf8)
        var bytes: [UInt8] = []
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let high = source[index + 1].hexadecimalValue, let low = source[index + 2].hexadecimalValue
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(validating: bytes, as: UTF8.self) ?? self
    }
}

extension UInt8 {
    fileprivate var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
