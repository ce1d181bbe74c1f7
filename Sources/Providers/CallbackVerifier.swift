internal import Crypto
internal import FoundationEssentials
internal import Registry

/// Checks the signatures of callbacks. Pure: keys and the time come in.
///
/// A callback that is genuine is still only a hint to ask the provider now: nothing is settled by its body.
public enum CallbackVerifier {
    /// How far a signed time may be from ours, either way, in seconds.
    public static let toleranceSeconds: Int64 = 300

    /// Checks a callback of fal's (https://fal.ai/docs, webhooks): Ed25519 over request id, user id, timestamp and the
    /// SHA-256 of the body in hex, each on a line.
    ///
    /// - Parameters:
    ///   - headers: by name in lower case.
    ///   - body: as received, byte for byte.
    ///   - publicKeys: 32 bytes each; any of them will do.
    ///   - unixSeconds: now.
    public static func isGenuineFal(
        headers: [String: String],
        body: [UInt8],
        publicKeys: [[UInt8]],
        unixSeconds: Int64
    ) -> Bool {
        guard let requestID = headers["x-fal-webhook-request-id"], let userID = headers["x-fal-webhook-user-id"],
            let timestamp = headers["x-fal-webhook-timestamp"], isRecent(timestamp, unixSeconds),
            let signature = headers["x-fal-webhook-signature"].flatMap(bytes(hex:))
        else { return false }
        let digest = hex(SHA256.hash(data: Data(body)))
        let message = Data("\(requestID)\n\(userID)\n\(timestamp)\n\(digest)".utf8)
        return publicKeys.contains { isSigned(message, signature, $0) }
    }

    /// Checks a callback signed by the Standard Webhooks specification: HMAC SHA-256 (`v1`) with secrets `whsec_…`, or
    /// Ed25519 (`v1a`) with public keys `whpk_…`.
    ///
    /// - Parameters:
    ///   - headers: by name in lower case.
    ///   - body: as received, byte for byte.
    ///   - keys: any of them will do, as during a rotation.
    ///   - unixSeconds: now.
    public static func isGenuineStandardWebhook(
        headers: [String: String],
        body: [UInt8],
        keys: [String],
        unixSeconds: Int64
    ) -> Bool {
        guard let id = headers["webhook-id"], let timestamp = headers["webhook-timestamp"],
            isRecent(timestamp, unixSeconds), let signatures = headers["webhook-signature"]
        else { return false }
        let message = Data("\(id).\(timestamp).".utf8) + Data(body)
        return signatures.split(separator: " ").contains { entry in
            let parts = entry.split(separator: ",", maxSplits: 1)
            guard parts.count == 2, let signature = Data(anyBase64: String(parts[1])) else { return false }
            return keys.contains { key in
                switch parts[0] {
                case "v1": isAuthenticated(message, signature, secret: key)
                case "v1a": isSigned(message, Array(signature), publicKey(key))
                default: false
                }
            }
        }
    }

    /// The Ed25519 keys of a JSON Web Key Set (RFC 8037); others are passed over.
    public static func ed25519Keys(inKeySet text: [UInt8]) -> [[UInt8]] {
        guard let keys = try? JSONValue(parsing: text)["keys"]?.arrayValue else { return [] }
        return keys.compactMap { key in
            guard key["kty"] == "OKP", key["crv"] == "Ed25519",
                let bytes = key["x"]?.stringValue.flatMap(Data.init(anyBase64:)), bytes.count == 32
            else { return nil }
            return Array(bytes)
        }
    }

    private static func isRecent(_ timestamp: String, _ unixSeconds: Int64) -> Bool {
        guard let seconds = Int64(timestamp) else { return false }
        let (distance, overflow) = seconds.subtractingReportingOverflow(unixSeconds)
        return !overflow && distance.magnitude <= UInt64(toleranceSeconds)
    }

    private static func isSigned(_ message: Data, _ signature: [UInt8], _ publicKey: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: Data(publicKey)) else { return false }
        return key.isValidSignature(Data(signature), for: message)
    }

    private static func isAuthenticated(_ message: Data, _ code: Data, secret: String) -> Bool {
        guard secret.hasPrefix("whsec_"), let key = Data(anyBase64: String(secret.dropFirst(6))), !key.isEmpty else {
            return false
        }
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: SymmetricKey(data: key))
    }

    private static func publicKey(_ key: String) -> [UInt8] {
        guard key.hasPrefix("whpk_") else { return [] }
        return Data(anyBase64: String(key.dropFirst(5))).map(Array.init) ?? []
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    private static func bytes(hex text: String) -> [UInt8]? {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }
}
