import Crypto
import Foundation

/// What a key of a note signs (signed-note.md, "Signature types").
public enum NoteKeyKind: UInt8, Hashable, Sendable {
    /// The text itself: a log's own signature.
    case log = 0x01
    /// The text and a time: a witness's cosignature (c2sp.org/tlog-cosignature, v1).
    case cosigner = 0x04
}

/// An Ed25519 key that checks signatures of notes.
public struct NoteVerifier: Hashable, Sendable {
    /// The key's name, such as a URL without its scheme.
    public let name: String
    /// What the key signs.
    public let kind: NoteKeyKind
    /// The key, 32 bytes.
    public let publicKey: [UInt8]

    /// A key by its parts; nil if the name has a space or a plus sign, or the key isn't 32 bytes.
    public init?(name: String, kind: NoteKeyKind, publicKey: [UInt8]) {
        guard NoteName.isValid(name), publicKey.count == 32 else { return nil }
        self.name = name
        self.kind = kind
        self.publicKey = publicKey
    }

    /// Reads a verifier key: `name+hex(id)+base64(kind, key)`; nil if it is malformed or its id isn't its own.
    public init?(_ text: String) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Data(base64Encoded: String(parts[2])), let first = bytes.first,
            let kind = NoteKeyKind(rawValue: first),
            let key = Self(name: String(parts[0]), kind: kind, publicKey: Array(bytes.dropFirst())),
            parts[1] == key.idText
        else { return nil }
        self = key
    }

    /// SHA-256 of the name, a line end, the kind and the key: its first four bytes.
    public var keyID: UInt32 {
        let hash = SHA256.hash(data: Array(name.utf8) + [0x0a, kind.rawValue] + publicKey)
        return hash.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    fileprivate var idText: String {
        let digits = String(keyID, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// The key as it is handed to whoever checks: `name+hex(id)+base64(kind, key)`.
    public var description: String {
        "\(name)+\(idText)+\(Data([kind.rawValue] + publicKey).base64EncodedString())"
    }

    /// Whether bytes of a signature line are this key's, over a text.
    public func isValid(_ signature: [UInt8], of text: String) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        switch kind {
        case .log:
            return signature.count == 64 && key.isValidSignature(signature, for: Array(text.utf8))
        case .cosigner:
            guard let seconds = Self.cosignedAt(signature), seconds <= UInt64(Int64.max) else { return false }
            let message = NoteSigner.cosignedMessage(text, seconds: seconds)
            return key.isValidSignature(signature.dropFirst(8), for: message)
        }
    }

    /// When a cosignature of this key was made, in seconds since the Unix epoch; nil for a log's own.
    public func time(of signature: SignedNote.Signature) -> UInt64? {
        kind == .cosigner ? Self.cosignedAt(signature.bytes) : nil
    }

    /// The time in front of a cosignature; nil for bytes that are none.
    private static func cosignedAt(_ signature: [UInt8]) -> UInt64? {
        guard signature.count == 72 else { return nil }
        return signature.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// An Ed25519 key that signs notes.
public struct NoteSigner: Sendable {
    /// The key that checks what this one signs.
    public let verifier: NoteVerifier
    private let privateKey: Curve25519.Signing.PrivateKey

    /// A key from its 32 bytes of seed; nil if there are not 32, or the name has a space or a plus sign.
    public init?(name: String, kind: NoteKeyKind, seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
            let verifier = NoteVerifier(name: name, kind: kind, publicKey: Array(key.publicKey.rawRepresentation))
        else { return nil }
        self.privateKey = key
        self.verifier = verifier
    }

    var seed: [UInt8] { Array(privateKey.rawRepresentation) }

    /// Reads a secret key: `PRIVATE+KEY+name+hex(id)+base64(kind, seed)`; nil if it is malformed or its id isn't its own.
    public init?(_ text: String) {
        let parts = text.split(separator: "+", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "PRIVATE", parts[1] == "KEY",
            let bytes = Data(base64Encoded: String(parts[4])),
            let kind = bytes.first.flatMap({ NoteKeyKind(rawValue: $0) }),
            let key = Self(name: String(parts[2]), kind: kind, seed: Array(bytes.dropFirst())),
            parts[3] == key.verifier.idText
        else { return nil }
        self = key
    }

    /// The secret key as it is kept in a file.
    public var secretText: String {
        "PRIVATE+KEY+\(verifier.name)+\(verifier.idText)+"
            + Data([verifier.kind.rawValue] + seed).base64EncodedString()
    }

    /// Signs a text.
    ///
    /// - Parameter seconds: for a cosignature, when it is made, in seconds since the Unix epoch.
    public func sign(_ text: String, atSeconds seconds: UInt64) throws -> SignedNote.Signature {
        let bytes: [UInt8]
        switch verifier.kind {
        case .log:
            bytes = Array(try privateKey.signature(for: Array(text.utf8)))
        case .cosigner:
            let time = withUnsafeBytes(of: seconds.bigEndian) { Array($0) }
            bytes = time + Array(try privateKey.signature(for: Self.cosignedMessage(text, seconds: seconds)))
        }
        return SignedNote.Signature(name: verifier.name, keyID: verifier.keyID, bytes: bytes)
    }

    fileprivate static func cosignedMessage(_ text: String, seconds: UInt64) -> [UInt8] {
        Array("cosignature/v1\ntime \(seconds)\n\(text)".utf8)
    }
}
