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
        guard permission.isGiven(to: who.role) else { throw APIError.roleDenied(who.role, permission.requiredRole) }
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
    func change(
        _ request: Request,
        _ context: APIContext,
        for permission: Permission = .administer
    ) async throws -> (call: AdminCall, fields: RequestFields) {
        let who = try await admit(request, for: permission)
        let body: [UInt8]
        do throws(APIError) {
            body = Array(buffer: try await request.wholeBody(upTo: Self.largestBodyBytes))
        } catch {
            throw error.code == "BODY_TOO_LARGE" ? .tooLarge(Self.largestBodyBytes) : error
        }
        let fields = try RequestFields(body)
        return (try call(request, context, who, fields), fields)
    }

    private func call(
        _ request: Request,
        _ context: APIContext,
        _ who: Operator,
        _ fields: RequestFields
    ) throws -> AdminCall {
        guard let header = request.headers[.idempotencyKey] else {
            return AdminCall(
                actor: who.actor,
                requestID: context.requestID,
                // Request ids are made for each request, and so are never given twice.
                commandID: CommandID(context.requestID.value)
            )
        }
        let isQuoted = header.count > 2 && header.first == "\"" && header.last == "\""
        let key = isQuoted ? String(header.dropFirst().dropLast()) : header
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 })
        else { throw APIError.invalid([.init(field: "Idempotency-Key", message: "1 to 255 printable characters")]) }
        return AdminCall(
            actor: who.actor,
            requestID: context.requestID,
            route: "\(request.method) \(request.uri.path)",
            key: key,
            body: JSONValue.object(fields.members).canonicalBytes
        )
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
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(json: [("success", .bool(true))] + members)
        )
    }
}

extension HTTPField.Name {
    static var idempotencyKey: Self {
        guard let name = HTTPField.Name("Idempotency-Key") else { preconditionFailure("a header's name") }
        return name
    }
}
