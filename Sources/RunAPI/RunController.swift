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

    func addRoutes(to router: Router<APIContext>) {
        let path: RouterPath = "/api/models/:internalName/run"
        router.post(path) { request, context in try await run(request, context) }
        for method in [HTTPRequest.Method.get, .put, .patch, .delete, .head] {
            router.on(path, method: method) { _, _ -> Response in throw APIError.methodNotAllowed(allow: "POST") }
        }
    }

    private func run(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity: KeyAuthenticator.Identity?
        do throws(LedgerFailure) {
            identity = try await authenticator.authenticate(request.headers[.apiKey])
        } catch {
            throw APIError(error)
        }
        guard let identity else { throw APIError.unauthorized }
        let body = try await request.body.collect(upTo: RunService.largestBodyBytes)
        let answer = await service.run(
            RunRequest(
                id: context.requestID,
                identity: identity,
                slug: context.parameters.get("internalName") ?? "",
                body: Array(buffer: body),
                isAsync: request.uri.queryParameters.get("async") == "true",
                receivedAt: context.receivedAt
            )
        )
        switch answer {
        case .succeeded(let success): return respond(success)
        case .refused(let refusal, let issues, let window):
            if refusal == .unauthorized { authenticator.noteRevoked(identity.keyID) }
            throw APIError(refusal, issues: issues, window: window)
        case .failed(let failure): throw APIError(failure)
        case .unavailable(let failure): throw APIError(failure)
        }
    }

    private func respond(_ success: RunAnswer.Success) -> Response {
        var headers: HTTPFields = [.contentType: "application/json"]
        if let window = success.window { headers.append(window) }
        let body = ResponseBody(json: [
            ("success", .bool(true)), ("result", success.result), ("cost", .credits(success.cost)),
            ("ms", .integer(success.duration.wholeMilliseconds)),
        ])
        return Response(status: .ok, headers: headers, body: body)
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
