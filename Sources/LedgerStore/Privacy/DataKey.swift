import Foundation
internal import Ledger

internal import struct Crypto.HKDF
internal import struct Crypto.HMAC
internal import struct Crypto.SHA256
internal import struct Crypto.SymmetricKey

/// What an account's personal data is sealed under. Destroying it erases them all, wherever copies are.
struct DataKey: Sendable {
    let account: AccountID
    /// Names the key in the certificate of its destruction, and leads nowhere.
    let fingerprint: Digest
    private let sealing: SymmetricKey
    private let committing: SymmetricKey

    /// Takes the 32 random bytes of an account's key.
    init(_ bytes: [UInt8], of account: AccountID) {
        self.account = account
        self.fingerprint = Digest(of: Array("runledger data key".utf8) + bytes)
        let root = SymmetricKey(data: bytes)
        func derived(_ purpose: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: root,
                info: Array("runledger \(purpose) 1".utf8),
                outputByteCount: 32
            )
        }
        self.sealing = derived("seal")
        self.committing = derived("commit")
    }

    /// A key that nobody keeps, for an account that has none: what is sealed under it is gone at once.
    static func passing(for account: AccountID) -> DataKey { DataKey(randomBytes(), of: account) }

    static func randomBytes() -> [UInt8] { SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) } }

    // MARK: Commitments

    /// What stands in an event for something that must not: whoever has both key and text can prove it, and nobody can
    /// guess the text once the key is gone.
    func commitment(to bytes: [UInt8]) -> Digest {
        var code = HMAC<SHA256>(key: committing)
        code.update(data: bytes)
        guard let digest = code.finalize().withUnsafeBytes({ Digest(raw: $0) }) else {
            preconditionFailure("SHA-256 gives 32 bytes")
        }
        return digest
    }

    /// What stands in an event for something that has a digest already.
    func commitment(to digest: Digest) -> Digest { commitment(to: digest.bytes) }

    // MARK: Sealing

    /// A text sealed for one place.
    func seal(_ text: String, for place: SealedPlace) -> String {
        let sealed = Sealing.seal(Array(text.utf8), sealing, place.name(in: account))
        return Self.textPrefix + Data(sealed).base64EncodedString()
    }

    /// Bytes sealed for one place.
    func seal(_ bytes: [UInt8], for place: SealedPlace) -> [UInt8] {
        Self.bytePrefix + Sealing.seal(bytes, sealing, place.name(in: account))
    }

    /// The text, if it was sealed for that place under this key; what was never sealed is itself.
    func open(_ text: String, for place: SealedPlace) -> String? {
        guard Self.isSealed(text) else { return text }
        guard let data = Data(base64Encoded: String(text.dropFirst(Self.textPrefix.count))),
            let bytes = Sealing.open(Array(data), sealing, place.name(in: account))
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The bytes, if they were sealed for that place under this key; what was never sealed is itself.
    func open(_ bytes: [UInt8], for place: SealedPlace) -> [UInt8]? {
        guard Self.isSealed(bytes) else { return bytes }
        return Sealing.open(Array(bytes.dropFirst(Self.bytePrefix.count)), sealing, place.name(in: account))
    }

    /// No JSON begins like this, and no address or URL.
    private static let textPrefix = "~1:"
    /// No answer begins with these, and a sealed one of an operator does once in 2⁷².
    private static let bytePrefix: [UInt8] = [0, 0x7E, 0x31, 0x3A, 0, 0x7E, 0x31, 0x3A, 0]

    static func isSealed(_ text: String) -> Bool { text.utf8.starts(with: textPrefix.utf8) }
    static func isSealed(_ bytes: [UInt8]) -> Bool { bytes.starts(with: bytePrefix) }
}

/// Where something sealed is kept: a table, a column and a row. Sealed data that is moved elsewhere does not open.
enum SealedPlace {
    case email
    case text(Digest)
    case inputs(ExecutionID)
    case pending(ExecutionID)
    case result(ExecutionID)
    case errorMessage(ExecutionID)
    case answer(Digest)
    case document(slug: String, version: Int32)
    case webhookURL(KeyID)
    case webhookSecret(KeyID)
    /// In `payment_methods` and in `payment_charges`, into which it is copied as it is.
    case paymentCustomer
    /// In both, too.
    case paymentMethod

    func name(in account: AccountID) -> String {
        let place =
            switch self {
            case .email: "account_contacts email"
            case .text(let commitment): "private_texts sealed \(commitment)"
            case .inputs(let execution): "run_tasks inputs \(execution)"
            case .pending(let execution): "run_tasks pending \(execution)"
            case .result(let execution): "execution_results result \(execution)"
            case .errorMessage(let execution): "execution_results error_message \(execution)"
            case .answer(let key): "idempotency body \(key)"
            case .document(let slug, let version): "workflow_documents document \(version) \(slug)"
            case .webhookURL(let key): "webhooks url \(key)"
            case .webhookSecret(let key): "webhooks secret \(key)"
            case .paymentCustomer: "payment_methods customer"
            case .paymentMethod: "payment_methods method"
            }
        return "\(account) \(place)"
    }
}
