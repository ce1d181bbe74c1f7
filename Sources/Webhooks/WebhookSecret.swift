import Foundation

/// What signs a webhook's reports: 16 to 256 printable ASCII characters.
///
/// A secret that begins with `whsec_` goes on in base64 (or base64url) of 24 to 64 bytes, which are the key of Standard
/// Webhooks' signature; any other secret's own characters are. The older signature always uses the characters as they stand.
public struct WebhookSecret: Hashable, Sendable {
    /// The secret as the receiver has it.
    public let text: String
    /// The key of Standard Webhooks' signature.
    let standardKey: [UInt8]

    private static let prefix = "whsec_"

    /// Reads a secret; nil when it is none.
    public init?(_ text: String) {
        guard (16...256).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        self.text = text
        guard text.hasPrefix(Self.prefix) else {
            self.standardKey = Array(text.utf8)
            return
        }
        var base64 = text.dropFirst(Self.prefix.count).replacing("-", with: "+").replacing("_", with: "/")
        while base64.hasSuffix("=") { base64.removeLast() }
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let key = Data(base64Encoded: String(base64)), (24...64).contains(key.count) else { return nil }
        self.standardKey = Array(key)
    }

    /// Makes a secret of 33 bytes.
    ///
    /// Drawn until its base64 has letters and digits only: then base64 and base64url are the same, whichever a receiver reads.
    public static func make(using generator: inout some RandomNumberGenerator) -> WebhookSecret {
        while true {
            let bytes = (0..<33).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let base64 = Data(bytes).base64EncodedString()
            guard !base64.contains("+"), !base64.contains("/"), let secret = WebhookSecret(prefix + base64) else {
                continue
            }
            return secret
        }
    }
}
