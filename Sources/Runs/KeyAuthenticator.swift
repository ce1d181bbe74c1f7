public import Ledger
import Synchronization

/// Tells whose key a request carries, without a question to the ledger for a key it has seen.
///
/// What it remembers can't go stale: a key's account and digest never change, and a revocation is for good. Whether a key
/// still holds is decided by the ledger, under the journal's lock, at each admission.
public final class KeyAuthenticator: Sendable {
    /// Who asks.
    public struct Identity: Hashable, Sendable {
        /// Whose key it is.
        public let accountID: AccountID
        /// The key.
        public let keyID: KeyID
        /// Makes an identity.
        public init(accountID: AccountID, keyID: KeyID) {
            self.accountID = accountID
            self.keyID = keyID
        }
    }

    private struct Known {
        let accountID: AccountID
        let digest: Digest
        var isRevoked: Bool
    }

    private let ledger: any RunLedger
    private let capacity: Int
    private let uses: KeyUseLog?
    private let known = Mutex<[KeyID: Known]>([:])

    /// Makes an authenticator that remembers up to a number of keys.
    ///
    /// - Parameters:
    ///   - ledger: knows the keys.
    ///   - uses: is told of every key that was recognised; nil when nobody wants to know.
    ///   - capacity: keys to remember.
    public init(ledger: any RunLedger, uses: KeyUseLog? = nil, capacity: Int = 100_000) {
        self.ledger = ledger
        self.uses = uses
        self.capacity = capacity
    }

    /// Whose key this is; nil when it is missing, malformed, unknown or revoked.
    ///
    /// - Throws: when the key is not remembered and the ledger can't be asked.
    public func authenticate(_ header: String?) async throws(LedgerFailure) -> Identity? {
        guard let header, let secret = APIKeySecret(header) else { return nil }
        if let known = known.withLock({ $0[secret.keyID] }) { return identity(secret, known) }
        guard let found = try await ledger.findKey(secret.keyID) else { return nil }
        let record = Known(
            accountID: found.account,
            digest: found.key.secretDigest,
            isRevoked: found.key.revokedAt != nil
        )
        known.withLock { known in
            if known.count >= capacity { known.removeAll(keepingCapacity: true) }
            known[secret.keyID] = record
        }
        return identity(secret, record)
    }

    /// Whose key this is, as the ledger knows it now: for requests that no admission follows, so that a key that was
    /// revoked reads nothing more.
    ///
    /// - Throws: when the ledger can't be asked.
    public func authenticateNow(_ header: String?) async throws(LedgerFailure) -> Identity? {
        guard let identity = try await authenticate(header),
            let found = try await ledger.findKey(identity.keyID)
        else { return nil }
        guard found.key.revokedAt == nil else {
            noteRevoked(identity.keyID)
            return nil
        }
        return identity
    }

    /// Notes that the ledger has refused a key for good.
    public func noteRevoked(_ keyID: KeyID) {
        known.withLock { $0[keyID]?.isRevoked = true }
    }

    private func identity(_ secret: APIKeySecret, _ known: Known) -> Identity? {
        guard secret.matches(known.digest), !known.isRevoked else { return nil }
        uses?.note(secret.keyID)
        return Identity(accountID: known.accountID, keyID: secret.keyID)
    }
}
