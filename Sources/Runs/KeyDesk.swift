public import Ledger

/// Who knows the keys of accounts.
public protocol KeyDirectory: Sendable {
    /// The keys of an account, the latest first; nil when there is no such account.
    func keys(of account: AccountID) async throws(LedgerFailure) -> [KeyListing]?
}

/// A key as it is listed: without its secret, which nobody has.
public struct KeyListing: Hashable, Sendable {
    /// The key.
    public let key: APIKey
    /// When it was last used, a few seconds late; nil for never.
    public let lastUsedAt: Timestamp?

    /// Makes a listing.
    public init(key: APIKey, lastUsedAt: Timestamp?) {
        self.key = key
        self.lastUsedAt = lastUsedAt
    }
}

/// A key that was issued just now: the only time that its secret is known.
public struct IssuedKey: Sendable {
    /// The key as its owner sends it.
    public let secret: APIKeySecret
    /// Its label.
    public let name: String
    /// What it may do.
    public let capabilities: [Capability]
}

/// Issues, lists and revokes keys, for whoever is no key: an operator, or an owner who is signed in.
public struct KeyDesk: Sendable {
    private let ledger: any RunLedger
    private let directory: any KeyDirectory
    private let identifiers: IdentifierSource

    /// Makes a desk.
    ///
    /// - Parameters:
    ///   - ledger: decides and records.
    ///   - directory: knows the keys.
    ///   - clock: the wall clock, for ids.
    public init(ledger: any RunLedger, directory: any KeyDirectory, clock: @escaping @Sendable () -> Timestamp) {
        self.ledger = ledger
        self.directory = directory
        self.identifiers = IdentifierSource(clock: clock)
    }

    /// Issues a key.
    ///
    /// - Parameters:
    ///   - account: whose key it will be.
    ///   - name: a label, 1 to 100 bytes; not for personal data.
    ///   - capabilities: what it may do, 1 to 100 of them; what is listed twice counts once.
    ///   - request: the HTTP request behind it.
    /// - Returns: refused with `accountUnknown`, `accountClosed`, `keysNotAllowed`, `capabilityCountInvalid`,
    ///   `capabilityAboveCeiling` or `nameInvalid`; then there is no key.
    public func issue(
        to account: AccountID,
        name: String,
        capabilities: [Capability],
        request: RequestID? = nil
    ) async -> DeskAnswer<IssuedKey> {
        var seen = Set<Capability>()
        let distinct = capabilities.filter { seen.insert($0).inserted }
        let secret = APIKeySecret(keyID: KeyID(identifiers.next(in: ledger.journal(of: account))))
        let key = IssueKey(
            keyID: secret.keyID,
            name: name,
            secretDigest: secret.digest,
            capabilities: distinct
        )
        let issued = IssuedKey(secret: secret, name: name, capabilities: distinct)
        return await carryOut(.issueKey(key), for: account, request) { issued }
    }

    /// The keys of an account, the latest first, those that were revoked too.
    ///
    /// - Returns: refused with `accountUnknown`.
    public func list(of account: AccountID) async -> DeskAnswer<[KeyListing]> {
        do throws(LedgerFailure) {
            guard let keys = try await directory.keys(of: account) else {
                return .refused(.accountUnknown, window: nil)
            }
            return .done(keys, window: nil)
        } catch {
            return .unavailable(error)
        }
    }

    /// Revokes a key: once this returns, no service admits anything for it. Repeating it is harmless.
    ///
    /// - Parameters:
    ///   - key: the key.
    ///   - account: whose key it must be; nil for anybody's.
    ///   - request: the HTTP request behind it.
    /// - Returns: refused with `keyUnknown`, also for another account's key, or `accountClosed`.
    public func revoke(
        _ key: KeyID,
        of account: AccountID? = nil,
        request: RequestID? = nil
    ) async -> DeskAnswer<Void> {
        do throws(LedgerFailure) {
            guard let found = try await ledger.findKey(key), account == nil || found.account == account else {
                return .refused(.keyUnknown, window: nil)
            }
            if found.key.revokedAt != nil { return .done((), window: nil) }
            return await carryOut(.revokeKey(key), for: found.account, request) {}
        } catch {
            return .unavailable(error)
        }
    }

    private func carryOut<Value>(
        _ action: Command.Action,
        for account: AccountID,
        _ request: RequestID?,
        done: () -> Value
    ) async -> DeskAnswer<Value> {
        let command = Command(id: identifiers.command(), accountID: account, requestID: request, action: action)
        do throws(LedgerFailure) {
            switch try await ledger.decide(command) {
            case .refused(let refusal, _): return .refused(refusal, window: nil)
            default: return .done(done(), window: nil)
            }
        } catch {
            return .unavailable(error)
        }
    }
}
