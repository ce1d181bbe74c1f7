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
        let renderer = RunAnswerRenderer(for: request, by: identity, webhooks)
        let slug = (context.parameters.get("internalName") ?? "").percentDecoded
        let answer = await service.run(try await request.run(of: slug, by: identity, context, renderer))
        return try await renderer.response(to: answer, authenticator)
    }
}

extension Request {
    /// The request as one to run a model or a workflow, with its whole body.
    func run(
        of slug: String,
        by identity: KeyAuthenticator.Identity,
        _ context: APIContext,
        _ renderer: RunAnswerRenderer
    ) async throws -> RunRequest {
        let key = try IdempotencyKey(of: self)
        let body = Array(buffer: try await wholeBody(upTo: RunService.largestBodyBytes))
        return RunRequest(
            id: context.requestID,
            identity: identity,
            slug: slug,
            body: body,
            isAsync: uri.queryParameters.get("async") == "true" || renderer.prefersAsync,
            receivedAt: context.receivedAt,
            keyed: key.map { KeyedRequest($0.request(for: self, body: body), renderer: renderer) }
        )
    }
}

extension RunAnswerRenderer {
    /// Answers a request as it asks to be.
    init(
        for request: Request,
        by identity: KeyAuthenticator.Identity,
        _ webhooks: any WebhookDirectory
    ) {
        self.init(
            webhooks: webhooks,
            keyID: identity.keyID,
            prefersAsync: request.prefersAsync,
            prefersProblem: request.prefersProblem
        )
    }

    /// The response to a run.
    func response(to answer: RunAnswer, _ authenticator: KeyAuthenticator) async throws(APIError) -> Response {
        switch answer {
        case .succeeded(let success): return parts(of: success).response(cost: success.cost)
        case .accepted(let accepted): return await parts(of: accepted).response(cost: .zero)
        case .recorded(let recorded, let isRepeat): return recorded.response(isRepeat: isRepeat)
        case .inFlight(let execution): throw APIError.idempotencyInFlight(execution)
        case .refused(let refusal, let issues, let window):
            if refusal == .unauthorized { authenticator.noteRevoked(keyID) }
            throw APIError(refusal, issues: issues, window: window)
        case .invalidWorkflow(let issues, let window): throw .invalidWorkflow(issues, window: window)
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
        if let workflow = failure.workflow {
            context += [("cost", .credits(workflow.cost)), ("nodes", .array(workflow.nodes.map(\.json)))]
        }
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
