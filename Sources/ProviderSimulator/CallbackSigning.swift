internal import Crypto
internal import FoundationEssentials
internal import Registry

/// Signs as Standard Webhooks says: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
///
/// Source: the specification at github.com/standard-webhooks/standard-webhooks.
enum StandardWebhooks {
    /// The key inside a secret such as `whsec_…`; nil when it has none of 24 to 64 bytes.
    static func key(_ secret: String) -> SymmetricKey? {
        guard secret.hasPrefix("whsec_"), let bytes = Data(base64Encoded: String(secret.dropFirst(6))),
            (24...64).contains(bytes.count)
        else { return nil }
        return SymmetricKey(data: bytes)
    }

    /// The three headers of a delivery.
    static func headers(id: String, timestamp: Int64, body: [UInt8], secret: String) -> [(String, String)] {
        guard let key = key(secret) else { preconditionFailure("a secret is checked when it is set") }
        let signed = Array("\(id).\(timestamp).".utf8) + body
        let signature = Data(HMAC<SHA256>.authenticationCode(for: signed, using: key)).base64EncodedString()
        return [("webhook-id", id), ("webhook-timestamp", String(timestamp)), ("webhook-signature", "v1,\(signature)")]
    }
}

/// Signs as fal does: Ed25519 over the ids, the time and the body's digest.
///
/// Source: fal.ai/docs, webhooks.
struct FalSigner: Sendable {
    /// The customer's id at fal.
    static let userID = "simulator-user"
    private let key: Curve25519.Signing.PrivateKey

    /// The key is the same in every process, so that a set of keys that was fetched once stays true.
    init() {
        let seed = Data(SHA256.hash(data: Array("simulator: fal's signing key".utf8)))
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            preconditionFailure("any 32 bytes are a key")
        }
        self.key = key
    }

    /// What `/.well-known/jwks.json` answers.
    var keySet: JSONValue {
        let point = base64URL(key.publicKey.rawRepresentation)
        return ["keys": [["kty": "OKP", "crv": "Ed25519", "kid": "simulator-1", "use": "sig", "x": .string(point)]]]
    }

    /// The four headers of a delivery.
    func headers(requestID: String, timestamp: Int64, body: [UInt8]) -> [(String, String)] {
        let digest = hexadecimal(SHA256.hash(data: body))
        let signed = "\(requestID)\n\(Self.userID)\n\(timestamp)\n\(digest)"
        guard let signature = try? key.signature(for: Array(signed.utf8)) else {
            preconditionFailure("Ed25519 signs any bytes")
        }
        return [
            ("X-Fal-Webhook-Request-Id", requestID), ("X-Fal-Webhook-User-Id", Self.userID),
            ("X-Fal-Webhook-Timestamp", String(timestamp)), ("X-Fal-Webhook-Signature", hexadecimal(signature)),
        ]
    }
}

/// Checks the tokens that Kling's customers make: a JSON Web Token by HS256 (RFC 7519).
enum KlingToken {
    /// What is wrong with a token, as Kling's code and message; nil for a good one.
    ///
    /// - Parameters:
    ///   - credentials: `ACCESS_KEY:SECRET_KEY`.
    ///   - now: seconds since 1970.
    static func fault(of token: String, credentials: String, now: Int64) -> (code: Int64, message: String)? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let pair = credentials.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 3, pair.count == 2, let header = json(parts[0]), let claims = json(parts[1]),
            let signature = bytes(parts[2]), header["alg"] == "HS256"
        else { return (1_000, "signature is invalid") }
        let key = SymmetricKey(data: Array(pair[1].utf8))
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        guard HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signed, using: key) else {
            return (1_000, "signature is invalid")
        }
        guard claims["iss"]?.stringValue == pair[0] else { return (1_002, "access key not found") }
        if let start = claims["nbf"]?.integerValue, now < start { return (1_003, "Authorization is not active") }
        guard let end = claims["exp"]?.integerValue, now < end else { return (1_004, "Authorization is expired") }
        return nil
    }

    private static func json(_ part: String) -> JSONValue? { bytes(part).flatMap { try? JSONValue(parsing: $0) } }

    private static func bytes(_ part: String) -> [UInt8]? {
        var text = part.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return Data(base64Encoded: text).map { [UInt8]($0) }
    }
}

/// Base64 in the alphabet of URLs, without padding.
func base64URL(_ bytes: Data) -> String {
    bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}

/// Base64.
func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

/// Bytes in lower-case hexadecimal digits.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

/// A number in 16 hexadecimal digits.
func hexadecimal(_ number: UInt64) -> String {
    hexadecimal(stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt64($0)) })
}

/// A time of RFC 3339 with milliseconds, in UTC.
func rfc3339(_ milliseconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
        .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
}
