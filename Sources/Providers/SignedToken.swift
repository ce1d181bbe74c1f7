internal import Crypto
internal import FoundationEssentials
internal import Registry

extension TokenRule {
    /// A JSON web token (RFC 7519) with `iss`, `exp` and `nbf`, signed with HMAC SHA-256 (RFC 7518, section 3.2).
    ///
    /// - Parameter unixSeconds: now. The token is valid from five seconds before, for clocks that are late.
    func signed(at unixSeconds: Int64) -> String {
        let issuer = String(decoding: JSONValue.string(accessKey).canonicalBytes, as: UTF8.self)
        let claims = #"{"iss":\#(issuer),"exp":\#(unixSeconds + lifetimeSeconds),"nbf":\#(unixSeconds - 5)}"#
        let signed = Self.encoded(#"{"alg":"HS256","typ":"JWT"}"#.utf8) + "." + Self.encoded(claims.utf8)
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(signed.utf8),
            using: SymmetricKey(data: Data(secretKey.utf8))
        )
        return signed + "." + Self.encoded(code)
    }

    private static func encoded(_ bytes: some Sequence<UInt8>) -> String { Data(bytes).base64URL }
}

extension Data {
    /// RFC 4648, section 5, without padding.
    var base64URL: String {
        String(
            base64EncodedString().compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            }
        )
    }

    /// Reads base64 of either alphabet, padded or not.
    init?(anyBase64 text: String) {
        var plain = text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }.filter { $0 != "=" }
        while plain.count % 4 != 0 { plain.append("=") }
        self.init(base64Encoded: String(plain))
    }
}
