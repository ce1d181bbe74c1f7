import Crypto

/// The header `Stripe-Signature`: `t=<unix>,v1=<hex>[,v1=<hex> …]`, each `v1` an HMAC-SHA256 of `<unix>.<body>` under the
/// endpoint's secret (Stripe's documentation, "Verify webhook signatures").
public enum StripeSignature {
    /// Seconds that a signature's time and ours may lie apart.
    public static let toleranceSeconds: Int64 = 300

    /// Why a signature is refused.
    public enum Fault: String, Error, Hashable, Sendable {
        /// It is no signature.
        case malformed = "the header Stripe-Signature must have t and v1"
        /// It is too old, or from the future.
        case outsideTolerance = "the signature's time is more than 300 seconds away"
        /// It is somebody else's, or another body's.
        case mismatch = "no v1 signature is this body's"
    }

    /// Checks a body's signature, comparing in constant time.
    ///
    /// - Parameters:
    ///   - header: the header.
    ///   - body: the body, byte for byte as it came.
    ///   - secret: the endpoint's secret, `whsec_` included.
    ///   - unixSeconds: the time.
    public static func check(
        _ header: String,
        body: [UInt8],
        secret: String,
        at unixSeconds: Int64
    ) throws(Fault) {
        var time: Int64?
        var codes: [[UInt8]] = []
        for part in header.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
            guard pair.count == 2 else { continue }
            switch pair[0] {
            case "t": time = Int64(pair[1])
            // 16: far more than a rotation of secrets gives.
            case "v1": if codes.count < 16, let code = Self.bytes(pair[1]) { codes.append(code) }
            default: break
            }
        }
        guard let time, !codes.isEmpty else { throw .malformed }
        // Without a difference that could overflow.
        guard ((unixSeconds - toleranceSeconds)...(unixSeconds + toleranceSeconds)).contains(time) else {
            throw .outsideTolerance
        }
        let key = SymmetricKey(data: Array(secret.utf8))
        let signed = Array("\(time).".utf8) + body
        let isGenuine = codes.reduce(false) { found, code in
            HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: signed, using: key) || found
        }
        guard isGenuine else { throw .mismatch }
    }

    /// The 32 bytes of 64 hexadecimal digits; nil for anything else.
    private static func bytes(_ text: String) -> [UInt8]? {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 64, text.utf8.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
