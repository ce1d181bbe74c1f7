import Crypto
import HTTPTypes
import Hummingbird

/// Lets operators with the admin token through, and no API key: what manages keys is out of every key's reach.
struct OperatorGate: Sendable {
    /// The token that lets in; nil lets nobody in.
    let adminToken: AdminToken?

    /// Returns for an operator.
    ///
    /// - Throws: 403 for whoever sends an API key, with a token or without; 401 for everybody else.
    func admit(_ request: Request) throws(APIError) {
        guard request.headers[.apiKey] == nil else { throw .apiKeyRefused }
        guard let adminToken, adminToken.matches(request.headers[.authorization]) else { throw .adminUnauthorized }
    }
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

    static let adminUnauthorized = APIError(
        status: .unauthorized,
        code: "UNAUTHORIZED",
        message: "Unauthorized: send the admin token as Authorization: Bearer",
        headers: [.wwwAuthenticate: "Bearer"]
    )

    static let keyNotFound = APIError(
        status: .notFound,
        code: "API_KEY_NOT_FOUND",
        message: "There is no active API key of this id"
    )
}
