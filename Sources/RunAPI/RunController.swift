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

    /// How long the answer to an asynchronous request waits for where its end is reported to. The run is admitted and on its
    /// way: a slow ledger costs this answer a detail that `pollUrl` tells later, never the time that a submit may take.
    private static let destinationWait = Duration.milliseconds(200)

    func addRoutes(to router: Router<APIContext>) {
        let path: RouterPath = "/api/models/:internalName/run"
        router.post(path) { request, context in try await run(request, context) }
        router.refuseMethods(of: path, except: [.post])
    }

    private func run(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let prefersAsync = request.prefersAsync
        let body = try await body(of: request)
        let answer = await service.run(
            RunRequest(
                id: context.requestID,
                identity: identity,
                slug: (context.parameters.get("internalName") ?? "").percentDecoded,
                body: Array(buffer: body),
                isAsync: request.uri.queryParameters.get("async") == "true" || prefersAsync,
                receivedAt: context.receivedAt
            )
        )
        switch answer {
        case .succeeded(let success): return respond(success)
        case .accepted(let accepted): return await respond(accepted, identity, prefersAsync: prefersAsync)
        case .refused(let refusal, let issues, let window):
            if refusal == .unauthorized { authenticator.noteRevoked(identity.keyID) }
            throw APIError(refusal, issues: issues, window: window)
        case .failed(let failure): throw APIError(failure)
        case .unavailable(let failure): throw APIError(failure)
        }
    }

    private func body(of request: Request) async throws(APIError) -> ByteBuffer {
        do {
            return try await request.body.collect(upTo: RunService.largestBodyBytes)
        } catch let error as any HTTPResponseError {
            throw APIError(any: error)
        } catch {
            // The client went away, or sent something that is no HTTP.
            throw .unreadable
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

    /// The answer to an asynchronous request (api-contract, 4.1 and 8.1).
    private func respond(
        _ accepted: RunAnswer.Accepted,
        _ identity: KeyAuthenticator.Identity,
        prefersAsync: Bool
    ) async -> Response {
        let location = "/api/executions/\(accepted.executionID)"
        var headers: HTTPFields = [.contentType: "application/json", .location: location]
        if prefersAsync { headers[.preferenceApplied] = "respond-async" }
        if let window = accepted.window { headers.append(window) }
        let destination = await webhooks.destination(
            of: accepted.executionID,
            key: identity.keyID,
            admittedAt: accepted.admittedAt,
            within: Self.destinationWait
        )
        let body = ResponseBody(json: [
            ("_async", .bool(true)), ("executionId", .string(accepted.executionID.description)),
            ("requestId", .string(accepted.providerRequestID ?? accepted.executionID.description)),
            ("status", "processing"),
            ("webhookDelivery", .webhookDelivery(destination, showsReport: false)),
            ("pollUrl", .string(location)),
        ])
        return Response(status: .accepted, headers: headers, body: body)
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
    fileprivate var prefersAsync: Bool {
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
    var percentDecoded: String {
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
