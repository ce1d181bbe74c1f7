import Crypto
import Ledger

/// Somebody who has signed in, as the cookie carries it: sealed, so that it can be neither read nor made elsewhere.
struct ConsoleSession: Hashable, Sendable {
    /// The SHA-256 of the token; its operator is asked for anew with each request.
    let token: Ledger.Digest
    /// Until when, in seconds since 1970.
    let expiresAtSeconds: Int64
    /// 16 random bytes that name the session.
    let nonce: [UInt8]
    /// The place of its beginning in the operators' log: what ends it is noted after that.
    let place: Int64

    /// What names it in the operators' log, which does not say what its cookie carries.
    var name: String {
        let digest = Array(SHA256.hash(data: Array("runledger console session".utf8) + nonce)).prefix(16)
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// Seals sessions, and makes the tokens of forms. Every process with the same secret opens the same cookies.
public struct SessionSealer: Sendable {
    /// How long a session lasts, in seconds: a working day.
    static let lifeSeconds: Int64 = 8 * 3_600

    private let sealingKey: SymmetricKey
    private let formKey: SymmetricKey

    /// Takes the secret of the settings; nil for one of less than 32 characters, which could be guessed.
    public init?(secret: String) {
        guard secret.utf8.count >= 32 else { return nil }
        let input = SymmetricKey(data: Array(secret.utf8))
        func key(_ use: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(inputKeyMaterial: input, info: Array(use.utf8), outputByteCount: 32)
        }
        sealingKey = key("runledger console session")
        formKey = key("runledger console form")
    }

    /// The text of a cookie: base 64 for URLs of nonce, ciphertext and tag.
    func seal(_ session: ConsoleSession) -> String? {
        var bytes = session.token.bytes + session.nonce
        for number in [session.expiresAtSeconds, session.place] {
            withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
        }
        guard let sealed = try? AES.GCM.seal(bytes, using: sealingKey).combined else { return nil }
        return Base64URL.encode(Array(sealed))
    }

    /// The session of a cookie; nil for one that was not sealed here, or whose time is over.
    func open(_ text: String, at now: Timestamp) -> ConsoleSession? {
        guard text.utf8.count <= 256, let bytes = Base64URL.decode(text),
            let box = try? AES.GCM.SealedBox(combined: bytes), let opened = try? AES.GCM.open(box, using: sealingKey),
            opened.count == 32 + 16 + 8 + 8
        else { return nil }
        let content = Array(opened)
        guard let token = Ledger.Digest(bytes: Array(content[..<32])) else { return nil }
        func number(from start: Int) -> Int64 { content[start..<start + 8].reduce(0) { $0 << 8 | Int64($1) } }
        let expiry = number(from: 48)
        guard expiry > now.microseconds / 1_000_000 else { return nil }
        return ConsoleSession(
            token: token,
            expiresAtSeconds: expiry,
            nonce: Array(content[32..<48]),
            place: number(from: 56)
        )
    }

    /// What a form must carry so that it is one of ours, for the one who has these bytes in a cookie.
    func formToken(_ nonce: [UInt8], for use: String) -> String {
        Base64URL.encode(Array(HMAC<SHA256>.authenticationCode(for: Array(use.utf8) + nonce, using: formKey)))
    }

    /// Whether a form carries that, in a time that tells nothing.
    func isFormToken(_ text: String, of nonce: [UInt8], for use: String) -> Bool {
        guard let code = Base64URL.decode(text) else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Array(use.utf8) + nonce, using: formKey)
    }

    /// Random bytes of the system.
    static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}

/// Base 64 for URLs, without padding (RFC 4648, section 5).
enum Base64URL {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0...group.count { text.append(digits[value >> (18 - 6 * place) & 63]) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var value = 0
        var bits = 0
        for character in text.utf8 {
            guard let digit = digits.firstIndex(of: character) else { return nil }
            value = (value << 6 | digit) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: value >> bits))
            }
        }
        // What is left over must be padding of the shortest kind: one text for each value.
        guard bits < 6, value & ((1 << bits) - 1) == 0 else { return nil }
        return bytes
    }
}
