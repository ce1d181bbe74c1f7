import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Registry
import Runs

/// `GET /api/executions/:id` and `POST /api/executions/:id/cancel` (api-contract, sections 4 and 8.1 to 8.3), and
/// `GET /api/executions/:id/receipt`.
struct ExecutionController {
    let desk: ExecutionDesk
    let authenticator: KeyAuthenticator
    /// Gives receipts; nil for a ledger that publishes no log, whose API has no such route.
    let receipts: (any ReceiptSource)?

    func addRoutes(to router: Router<APIContext>) {
        let path: RouterPath = "/api/executions/:id"
        router.get(path) { request, context in try await read(request, context) }
        router.on(path, method: .head) { request, context in try await read(request, context) }
        router.refuseMethods(of: path, except: [.get, .head])
        let cancel: RouterPath = "/api/executions/:id/cancel"
        router.post(cancel) { request, context in try await self.cancel(request, context) }
        router.refuseMethods(of: cancel, except: [.post])
        guard let receipts else { return }
        let receipt: RouterPath = "/api/executions/:id/receipt"
        router.get(receipt) { request, context in try await self.receipt(request, context, receipts) }
        router.on(receipt, method: .head) { request, context in try await self.receipt(request, context, receipts) }
        router.refuseMethods(of: receipt, except: [.get, .head])
    }

    private func read(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let answer = await desk.read(executionID(context), for: identity, wait: try request.wait)
        return try respond(answer, identity) { _ in .ok }
    }

    private func receipt(
        _ request: Request,
        _ context: APIContext,
        _ receipts: any ReceiptSource
    ) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let answer = await desk.read(executionID(context), for: identity)
        guard case .found(let view, let window) = answer else { return try respond(answer, identity) { _ in .ok } }
        let text: String?
        do {
            text = try await receipts.receipt(of: view.execution, for: identity.accountID)
        } catch {
            throw APIError.receiptUnavailable(window)
        }
        var headers: HTTPFields = [.cacheControl: "no-store"]
        if let window { headers.append(window) }
        guard let text else {
            headers[.contentType] = "application/json"
            headers[.retryAfter] = "1"
            return Response(status: .accepted, headers: headers, body: ResponseBody(json: [("status", "pending")]))
        }
        headers[.contentType] = "text/plain; charset=utf-8"
        headers[.contentDisposition] = "attachment; filename=\"\(view.execution.id).tlog-proof\""
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private func cancel(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let answer = await desk.cancel(executionID(context), for: identity, request: context.requestID)
        return try respond(answer, identity) { $0 == .cancelled ? .ok : .accepted }
    }

    private func executionID(_ context: APIContext) -> ExecutionID? {
        context.parameters.get("id").flatMap { ExecutionID(text: $0.percentDecoded) }
    }

    private func respond(
        _ answer: ExecutionAnswer,
        _ identity: KeyAuthenticator.Identity,
        status: (ExecutionView.Status) -> HTTPResponse.Status
    ) throws(APIError) -> Response {
        switch answer {
        case .found(let view, let window):
            var headers: HTTPFields = [.contentType: "application/json"]
            headers[.cacheControl] = "no-store"
            if let window { headers.append(window) }
            if !view.execution.status.isEnd { headers[.retryAfter] = "2" }
            return Response(status: status(view.status), headers: headers, body: ResponseBody(json: view.members))
        case .refused(let refusal, let window):
            throw authenticator.error(refusal, window, identity)
        case .unavailable(let failure): throw .unread(failure)
        }
    }
}

extension ExecutionView {
    /// The members of the answer, in the order of the contract.
    fileprivate var members: [(key: String, value: JSONValue)] {
        let isEnd = execution.status.isEnd
        var members: [(key: String, value: JSONValue)] = [
            ("executionId", .string(execution.id.description)),
            ("requestId", execution.providerRequestID.map { .string($0) } ?? .null),
            ("status", .string(status.rawValue)),
            ("modelIds", .array(models.map { .string($0) })),
            ("workflowSlug", execution.workflowSlug.map { .string($0) } ?? .null),
            ("createdAt", .time(execution.admittedAt)),
            ("startedAt", .time(execution.submittedAt)),
            ("completedAt", .time(execution.endedAt)),
            ("result", result ?? .null),
            ("cost", isEnd ? .credits(execution.charged) : .null),
            ("ms", isEnd ? .integer(milliseconds) : .null),
            ("error", error),
            ("webhookDelivery", .webhookDelivery(destination, showsReport: true)),
        ]
        if let nodes { members.append(("nodes", .array(nodes.map(\.json)))) }
        if execution.status == .unresolved { members.append(("unresolved", .bool(true))) }
        if execution.status == .succeeded, report == nil { members.append(("resultExpired", .bool(true))) }
        return members
    }

    private var models: [String] {
        execution.workflowSlug == nil ? [execution.model] : Set((nodes ?? []).map(\.node.model)).sorted()
    }

    private var milliseconds: Int64 {
        if let report { return report.milliseconds }
        return execution.endedAt.map { ($0.microseconds - execution.admittedAt.microseconds) / 1_000 } ?? 0
    }

    private var error: JSONValue {
        switch execution.status {
        case .failed:
            let code = execution.errorCode ?? "EXECUTION_FAILED"
            return ["code": .string(code), "message": .string(report?.errorMessage ?? Self.message(for: code))]
        default: return .null
        }
    }

    private static func message(for code: String) -> String {
        switch code {
        case "UNRESOLVED_EXPIRED": "The provider never said how the run ended, and nothing is charged for it"
        case "NEVER_DISPATCHED": "The run was not given to the provider"
        default: "The run failed"
        }
    }
}

extension JSONValue {
    /// Where the end of a run is reported to, as answers show it; null when that could not be learned in time.
    ///
    /// - Parameter showsReport: whether it is shown how the report stands.
    static func webhookDelivery(_ destination: ReportDestination, showsReport: Bool) -> JSONValue {
        switch destination {
        case .unknown: return .null
        case .none: return ["configured": false]
        case .url(let url, let report):
            guard showsReport else { return ["configured": true, "url": .string(url)] }
            return [
                "configured": true, "url": .string(url), "state": report.map { .string($0.state) } ?? .null,
                "attempts": .integer(Int64(report?.attempts ?? 0)), "nextAttemptAt": .time(report?.nextAttemptAt),
            ]
        }
    }
}

extension Request {
    /// How long the client lets the answer wait: `?wait=` whole seconds, 0 to 60.
    fileprivate var wait: Duration {
        get throws(APIError) {
            guard let text = uri.queryParameters.get("wait") else { return .zero }
            guard let seconds = Int(text), (0...60).contains(seconds) else {
                throw APIError(
                    status: .badRequest,
                    code: "INVALID_WAIT",
                    message: "wait must be a whole number of seconds from 0 to 60",
                    context: [("field", .string("wait")), ("limit", .integer(60))]
                )
            }
            return .seconds(seconds)
        }
    }
}

extension APIError {
    fileprivate static func receiptUnavailable(_ window: WindowStatus?) -> APIError {
        var error = APIError(
            status: .serviceUnavailable,
            code: "RECEIPT_UNAVAILABLE",
            message: "The log can't be read now; the execution is as it was",
            headers: [.retryAfter: "2"]
        )
        if let window { error.headers.append(window) }
        return error
    }
}

extension KeyAuthenticator {
    /// Whose key a request carries.
    func identity(of request: Request) async throws(APIError) -> Identity {
        let identity: Identity?
        do throws(LedgerFailure) {
            identity = try await authenticate(request.headers[.apiKey])
        } catch {
            throw APIError(error)
        }
        guard let identity else { throw .unauthorized(request.headers[.apiKey]) }
        return identity
    }

    /// The error of a refusal by the ledger, which knows before this process does that a key was revoked.
    func error(_ refusal: Refusal, _ window: WindowStatus?, _ identity: Identity) -> APIError {
        if refusal == .unauthorized { noteRevoked(identity.keyID) }
        return APIError(refusal, issues: [], window: window)
    }

    /// What a desk gives whoever carries a key, and the window that counted the question.
    func result<Value>(
        of answer: DeskAnswer<Value>,
        _ identity: Identity
    ) throws(APIError) -> (Value, WindowStatus?) {
        switch answer {
        case .done(let value, let window): return (value, window)
        case .refused(let refusal, let window): throw error(refusal, window, identity)
        case .unavailable(let failure): throw .unread(failure)
        }
    }
}
