import Administration
import HTTPTypes
import Hummingbird
import Ledger
import LedgerStore
import NIOCore
import Registry
import RunAPI

/// Lets operators in, and hands each route what it needs of a request.
struct AdminGate {
    /// Bodies above this many bytes are refused.
    static let largestBodyBytes = 1 << 16

    let desk: AdminDesk
    let environmentToken: AdminToken?

    /// Who asks, if that operator may.
    func admit(_ request: Request, for permission: Permission) async throws -> Operator {
        guard request.headers[.apiKey] == nil else { throw APIError.apiKeyRefused }
        guard let who = try await identify(request.headers[.authorization]) else { throw APIError.adminUnauthorized }
        guard permission.isGiven(to: who.role) else {
            throw APIError.roleDenied(who.role.rawValue, required: permission.requiredRole.rawValue)
        }
        return who
    }

    private func identify(_ header: String?) async throws -> Operator? {
        if let environmentToken, environmentToken.matches(header) {
            return Operator(name: Operator.environmentName, role: .admin)
        }
        // Found by its SHA-256, so that the time taken tells nothing of it.
        guard let text = AdminToken.bearer(header), (1...200).contains(text.utf8.count) else { return nil }
        return try await answering { () async throws(AdminFailure) in
            try await desk.operator(with: OperatorToken(text))
        }
    }

    /// Lets an operator in and reads the request for a change.
    ///
    /// - Parameter token: the operator's token, where the answer is sealed for it; another one makes another request.
    func change(
        _ request: Request,
        _ context: APIContext,
        for permission: Permission = .administer,
        sealedFor token: String? = nil
    ) async throws -> (call: AdminCall, fields: RequestFields) {
        let who = try await admit(request, for: permission)
        let body = Array(buffer: try await request.wholeBody(upTo: Self.largestBodyBytes))
        let fields = try RequestFields(body)
        let asked =
            JSONValue.object(fields.members).canonicalBytes + (token.map { Digest(of: Array($0.utf8)).bytes } ?? [])
        return (try call(request, context, who, asked), fields)
    }

    /// A request as its idempotency key makes it known again.
    ///
    /// - Parameter asked: all that was asked for, besides method and path.
    func call(
        _ request: Request,
        _ context: APIContext,
        _ who: Operator,
        _ asked: [UInt8]
    ) throws -> AdminCall {
        guard let key = try IdempotencyKey(of: request) else {
            return AdminCall(
                actor: who.actor,
                requestID: context.requestID,
                // Request ids are made for each request, and so are never given twice.
                commandID: CommandID(context.requestID.value)
            )
        }
        return AdminCall(
            actor: who.actor,
            requestID: context.requestID,
            route: "\(request.method) \(request.uri.path)",
            key: key.text,
            body: asked
        )
    }

    /// Answers a request for a change, and as it was answered the first time when it is made again under its key.
    ///
    /// - Parameters:
    ///   - seal: what its answer is kept under; nil for one that shows no secret.
    ///   - body: has it done, which does it once however often it is made, and says what the answer is.
    func answer(
        _ call: AdminCall,
        seal: AnswerSeal? = nil,
        _ body: () async throws -> AdminAnswer
    ) async throws -> Response {
        guard let fingerprint = call.fingerprint else { return try await body().response }
        func opened(_ answer: RecordedAnswer) throws(APIError) -> RecordedAnswer {
            guard let seal else { return answer }
            guard let open = seal.open(answer) else { throw .idempotencyMismatch }
            return open
        }
        let known = try await answering { () async throws(AdminFailure) in
            try await desk.keptAnswer(to: call.commandID, fingerprint: fingerprint)
        }
        if let known { return try opened(known).response(isRepeat: true) }
        let own = try await body().recorded(for: call.requestID)
        let sealed = seal?.close(own) ?? own
        let kept = try await answering { () async throws(AdminFailure) in
            try await desk.keepAnswer(sealed, to: call, fingerprint: fingerprint)
        }
        return try opened(kept).response(isRepeat: kept != sealed)
    }

    /// The account that a path names.
    func account(_ context: APIContext) throws(APIError) -> AccountID {
        guard let id = AccountID(text: context.parameters.get("account") ?? "") else {
            throw APIError(.refused(.accountUnknown))
        }
        return id
    }

    /// A number from the query.
    func number(_ request: Request, _ name: String, in range: ClosedRange<Int64>, default: Int64) throws -> Int64 {
        guard let text = request.uri.queryParameters.get(name) else { return `default` }
        guard let number = Int64(text), range.contains(number) else {
            throw APIError.invalid([
                .init(field: name, message: "a whole number from \(range.lowerBound) to \(range.upperBound) is needed")
            ])
        }
        return number
    }
}

/// Has something done, and turns why it was not into an answer.
func answering<Value>(_ body: () async throws(AdminFailure) -> Value) async throws(APIError) -> Value {
    do throws(AdminFailure) {
        return try await body()
    } catch {
        throw APIError(error)
    }
}

extension AdminAPI {
    /// An answer with members in a fixed order.
    static func respond(_ status: HTTPResponse.Status, _ members: [(key: String, value: JSONValue)]) -> Response {
        AdminAnswer(status, members).response
    }
}

/// An answer before it is sent.
struct AdminAnswer {
    private let status: HTTPResponse.Status
    private let body: [UInt8]
    private let headers: HTTPFields = [.contentType: "application/json"]

    /// An answer with members in a fixed order.
    init(_ status: HTTPResponse.Status, _ members: [(key: String, value: JSONValue)]) {
        self.status = status
        self.body = JSONText.object([("success", .bool(true))] + members)
    }

    /// The answer as it is sent.
    var response: Response {
        Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// The answer as it is kept.
    func recorded(for request: Ledger.RequestID?) -> RecordedAnswer {
        var headers = headers
        headers[.requestID] = request?.description
        return RecordedAnswer(status: status, headers: headers, body: body)
    }
}
