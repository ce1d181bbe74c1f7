import Crypto
import Foundation

/// The headers that prove where a report comes from, in both forms: a receiver needs to know one.
enum WebhookSignature {
    /// The headers of one attempt.
    ///
    /// - Parameters:
    ///   - body: the body as it is sent.
    ///   - id: the same at each attempt.
    ///   - unixSeconds: when this attempt is made.
    ///   - secret: the webhook's.
    static func headers(
        _ body: [UInt8],
        id: String,
        unixSeconds: Int64,
        secret: WebhookSecret
    ) -> [(name: String, value: String)] {
        [
            ("webhook-id", id), ("webhook-timestamp", String(unixSeconds)),
            ("webhook-signature", standard(body, id: id, unixSeconds: unixSeconds, secret: secret)),
            ("x-knouds-signature", knouds(body, unixSeconds: unixSeconds, secret: secret)),
        ]
    }

    /// Standard Webhooks (standardwebhooks.com, "Symmetric signature scheme").
    static func standard(_ body: [UInt8], id: String, unixSeconds: Int64, secret: WebhookSecret) -> String {
        var signer = HMAC<SHA256>(key: SymmetricKey(data: secret.standardKey))
        signer.update(data: Array("\(id).\(unixSeconds).".utf8))
        signer.update(data: body)
        return "v1,\(Data(signer.finalize()).base64EncodedString())"
    }

    /// `t=<unix>,v1=<hexadecimal>` over `<unix>.<body>` (api-contract, section 4.4).
    static func knouds(_ body: [UInt8], unixSeconds: Int64, secret: WebhookSecret) -> String {
        var signer = HMAC<SHA256>(key: SymmetricKey(data: Array(secret.text.utf8)))
        signer.update(data: Array("\(unixSeconds).".utf8))
        signer.update(data: body)
        let digits = signer.finalize().map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }
        return "t=\(unixSeconds),v1=\(digits.joined())"
    }
}
