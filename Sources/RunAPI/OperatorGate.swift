import Crypto
import HTTPTypes
import Hummingbird
import Ledger
import Registry
import Runs

/// Lets operators through, by the admin token or their own, and no API key: what manages keys is out of every key's reach.
struct OperatorGate: Sendable {
    /// The token of the operator `environment`, who may do everything; nil for none.
    let adminToken: AdminToken?
    /// Knows the others; nil where there are none.
    var operators: (any OperatorDirectory)?

    /// Who asks, if that operator may.
    ///
    /// - Parameter isChange: whether something is to be changed, which the roles `finance` and `support` may not.
    /// - Throws: 403 for whoever sends an API key, with a token or without, and for a role that may not; 401 for everybody
    ///   else.
    @discardableResult
    func admit(_ request: Request, isChange: Bool) async throws(APIError) -> Actor {
        guard request.headers[.apiKey] == nil else { throw .apiKeyRefused }
        let header = request.headers[.authorization]
        if let adminToken, adminToken.matches(header) { return .environment }
        guard let token = AdminToken.bearer(header), (1...200).contains(token.utf8.count),
            let caller = try await caller(with: token)
        else { throw .adminUnauthorized }
        guard caller.mayChange || !isChange else { throw .roleDenied(caller.role, required: "admin") }
        return caller.actor
    }

    private func caller(with token: String) async throws(APIError) -> OperatorCaller? {
        do throws(LedgerFailure) {
            return try await operators?.caller(with: token)
        } catch {
            throw .unread(error)
        }
    }
}

extension Actor {
    /// Whoever has the admin token.
    fileprivate static let environment: Actor = {
        guard let actor = Actor("operator:environment") else { preconditionFailure("an actor's name") }
        return actor
    }()
}

/// The token that operators send as `Authorization: Bearer …`.
public struct AdminToken: Sendable {
    private let digest: SHA256Digest

    /// Takes a token of 32 characters or more; nil for a shorter one, which could be guessed.
    public init?(_ token: String) {
        guard token.utf8.count >= 32 else { return nil }
        self.digest = SHA256.hash(data: Array(token.utf8))
    }

    /// Whether a header carries the token. Digests are compared, so that the time taken tells nothing.
    package func matches(_ header: String?) -> Bool {
        guard let token = Self.bearer(header) else { return false }
        return matches(digest: Array(SHA256.hash(data: Array(token.utf8))))
    }

    /// Whether these are the 32 bytes of the token's SHA-256, in a time that tells nothing.
    package func matches(digest other: [UInt8]) -> Bool {
        other.count == SHA256Digest.byteCount && zip(Array(digest), other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// What a header carries after `Bearer `; nil when it carries none.
    package static func bearer(_ header: String?) -> String? {
        guard let header, header.count > 7, header.prefix(7).lowercased() == "bearer " else { return nil }
        return String(header.dropFirst(7))
    }
}

extension APIError {
    static let apiKeyRefused = APIError(
        status: .forbidden,
        code: "API_KEY_NOT_ALLOWED",
        message: "An API key can't be used here"
    )

    package static let adminUnauthorized = APIError(
        status: .unauthorized,
        code: "UNAUTHORIZED",
        message: "Unauthorized: send an operator's token as Authorization: Bearer",
        headers: [.wwwAuthenticate: "Bearer"]
    )

    package static func roleDenied(_ role: String, required: String) -> APIError {
        APIError(
            status: .forbidden,
            code: "OPERATOR_ROLE_DENIED",
            message: "An operator with the role \(role) may not do this; it needs \(required)",
            context: [("role", .string(role)), ("required", .string(required))]
        )
    }

    static let keyNotFound = APIError(
        status: .notFound,
        code: "API_KEY_NOT_FOUND",
        message: "There is no active API key of this id"
    )
}
