public import Ledger

/// Who knows the keys of accounts.
public protocol KeyDirectory: Sendable {
    /// The keys of an account, the latest first; nil when there is no such account.
    func keys(of account: AccountID) async throws(LedgerFailure) -> [KeyListing]?
    /// The answer that an account's request under an idempotency key was given; nil when none is known.
    func recordedAnswer(of account: AccountID, key: Digest) async throws(LedgerFailure) -> RecordedAnswer?
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

/// What came of a wish for a key.
public enum KeyIssue: Sendable {
    /// It was issued.
    case issued(IssuedKey)
    /// The same request was made before under its idempotency key, and was given this answer.
    case repeated(RecordedAnswer)
}

/// Who has a key issued or revoked.
public struct KeyCall: Sendable {
    /// The HTTP request behind it.
    public let request: RequestID?
    /// Who makes it, as events say it; nil for the command line.
    public let actor: Actor?
    /// What makes the request known again, with the answer that it is given then; nil for a request without a key.
    public let idempotency: (@Sendable (IssuedKey) -> IdempotentRequest)?

    /// Makes a call.
    public init(
        request: RequestID? = nil,
        actor: Actor? = nil,
        idempotency: (@Sendable (IssuedKey) -> IdempotentRequest)? = nil
    ) {
        self.request = request
        self.actor = actor
        self.idempotency = idempotency
    }
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
    ///   - call: who has it issued.
    /// - Returns: refused with `accountUnknown`, `accountClosed`, `keysNotAllowed`, `capabilityCountInvalid`,
    ///   `capabilityAboveCeiling`, `nameInvalid` or `idempotencyMismatch`; then there is no key.
    public func issue(
        to account: AccountID,
        name: String,
        capabilities: [Capability],
        _ call: KeyCall = KeyCall()
    ) async -> DeskAnswer<KeyIssue> {
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
        let keyed = call.idempotency?(issued)
        do throws(LedgerFailure) {
            switch try await decide(.issueKey(key), for: account, call, keyed) {
            case .refused(let refusal, _): return .refused(refusal, window: nil)
            case .repeated(let claim):
                guard let answer = try await directory.recordedAnswer(of: account, key: claim.key) else {
                    // Its time was up between the two questions.
                    throw .unavailable(mayHaveHappened: false, reason: "the answer was deleted just now")
                }
                return .done(.repeated(answer), window: nil)
            default: return .done(.issued(issued), window: nil)
            }
        } catch {
            return .unavailable(error)
        }
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
    ///   - call: who has it revoked.
    /// - Returns: refused with `keyUnknown`, also for another account's key, or `accountClosed`.
    public func revoke(
        _ key: KeyID,
        of account: AccountID? = nil,
        _ call: KeyCall = KeyCall()
    ) async -> DeskAnswer<Void> {
        do throws(LedgerFailure) {
            guard let found = try await ledger.findKey(key), account == nil || found.account == account else {
                return .refused(.keyUnknown, window: nil)
            }
            if found.key.revokedAt != nil { return .done((), window: nil) }
            if case .refused(let refusal, _) = try await decide(.revokeKey(key), for: found.account, call) {
                return .refused(refusal, window: nil)
            }
            return .done((), window: nil)
        } catch {
            return .unavailable(error)
        }
    }

    private func decide(
        _ action: Command.Action,
        for account: AccountID,
        _ call: KeyCall,
        _ keyed: IdempotentRequest? = nil
    ) async throws(LedgerFailure) -> Verdict {
        try await ledger.decide(
            Command(
                id: identifiers.command(),
                accountID: account,
                requestID: call.request,
                actor: call.actor,
                action: action,
                idempotency: keyed
            )
        )
    }
}
