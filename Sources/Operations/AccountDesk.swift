public import App
public import Ledger
import LedgerStore
public import Runs

/// What an operator does for accounts, one command of the ledger each.
///
/// Every method throws an ``OperationError``: `.negative` when the ledger refuses, with the field and the limit in its
/// message, and then nothing has changed.
public struct AccountDesk: Sendable {
    let store: LedgerStore
    let identifiers = IdentifierSource(clock: { SystemClock.now() })

    /// Works on a ledger.
    public init(_ connection: LedgerConnection) { self.store = connection.store }

    /// Opens an account and returns its id.
    public func openAccount(
        tier: Tier,
        role: Role = .user,
        isApproved: Bool = true
    ) async throws(OperationError) -> AccountID {
        let account = AccountID(identifiers.next())
        try await carryOut(.openAccount(OpenAccount(tier: tier, role: role, isApproved: isApproved)), for: account)
        return account
    }

    /// Fills a new pot and returns its id; the first one's when credits with the reference are there already.
    public func addCredits(
        _ amount: Credits,
        to account: AccountID,
        kind: Pot.Kind,
        expiresAt: Timestamp? = nil,
        reference: String? = nil
    ) async throws(OperationError) -> PotID {
        let addition = AddCredits(
            potID: PotID(identifiers.next()),
            kind: kind,
            amount: amount,
            expiresAt: expiresAt,
            externalReference: reference
        )
        let verdict = try await carryOut(.addCredits(addition), for: account)
        if case .alreadyAdded(let pot) = verdict { return pot }
        return addition.potID
    }

    /// Gives free runs of a model and returns the grant's id.
    public func issueGrant(
        of model: String,
        _ allowance: Grant.Allowance,
        to account: AccountID,
        expiresAt: Timestamp? = nil
    ) async throws(OperationError) -> GrantID {
        let grant = IssueGrant(
            grantID: GrantID(identifiers.next()),
            model: model,
            allowance: allowance,
            expiresAt: expiresAt
        )
        try await carryOut(.issueGrant(grant), for: account)
        return grant.grantID
    }

    /// Issues a key; the secret in the answer is nowhere else.
    public func issueKey(
        to account: AccountID,
        name: String,
        capabilities: [Capability]
    ) async throws(OperationError) -> APIKeySecret {
        let secret = APIKeySecret(keyID: KeyID(identifiers.next(in: store.journal(of: account))))
        let key = IssueKey(
            keyID: secret.keyID,
            name: name,
            secretDigest: secret.digest,
            capabilities: capabilities
        )
        try await carryOut(.issueKey(key), for: account)
        return secret
    }

    /// Revokes a key, whosever it is.
    ///
    /// - Returns: whose key it is, and whether it had been revoked before.
    public func revokeKey(_ key: KeyID) async throws(OperationError) -> (account: AccountID, wasRevoked: Bool) {
        guard let record = try await find(key) else {
            throw OperationError(
                .negative,
                "There is no key \(key).",
                advice: "`runledger key list ACCOUNT` lists keys by id."
            )
        }
        let verdict = try await carryOut(.revokeKey(key), for: record.accountID)
        return (record.accountID, verdict == .alreadyDone)
    }

    /// Whether a key as its owner holds it is one of the ledger's that still works; whose, and what it may do, if it is.
    public func owner(
        of secret: APIKeySecret
    ) async throws(OperationError) -> (account: AccountID, capabilities: [Capability])? {
        guard let record = try await find(secret.keyID), record.key.revokedAt == nil,
            secret.matches(record.key.secretDigest)
        else { return nil }
        return (record.accountID, record.key.capabilities)
    }

    /// An account as it stands.
    public func state(of account: AccountID) async throws(OperationError) -> LedgerState {
        let state: LedgerState?
        do throws(LedgerStoreError) {
            state = try await store.state(of: account)
        } catch {
            throw OperationError(error)
        }
        guard let state else { throw .unknownAccount(account) }
        return state
    }

    /// The keys of an account, the latest first, with when they were last used.
    public func keys(of account: AccountID) async throws(OperationError) -> [KeyListing] {
        guard let keys = try await asking({ () throws(LedgerFailure) in try await store.keys(of: account) }) else {
            throw .unknownAccount(account)
        }
        return keys
    }

    /// A page of an account's runs, the latest first.
    public func usage(of account: AccountID, _ query: UsageQuery) async throws(OperationError) -> UsagePage {
        _ = try await state(of: account)
        return try await asking { () throws(LedgerFailure) in try await store.usage(of: account, query) }
    }

    /// Keeps the address of an account's owner, or forgets it when it is nil. It enters no event.
    ///
    /// - Returns: whether anything was changed: there may be no address to forget.
    @discardableResult
    public func setEmail(_ email: String?, of account: AccountID) async throws(OperationError) -> Bool {
        _ = try await state(of: account)
        let isChanged: Bool
        do throws(LedgerStoreError) {
            isChanged = try await store.setContact(email, of: account)
        } catch {
            throw OperationError(error)
        }
        guard isChanged || email == nil else {
            throw OperationError(.negative, "Account \(account) was erased.", advice: "Nothing was changed.")
        }
        return isChanged
    }

    /// The address of an account's owner; nil when none is kept.
    public func email(of account: AccountID) async throws(OperationError) -> String? {
        do throws(LedgerStoreError) {
            return try await store.contact(of: account)
        } catch {
            throw OperationError(error)
        }
    }

    func asking<Value>(
        _ body: () async throws(LedgerFailure) -> Value
    ) async throws(OperationError) -> Value {
        do throws(LedgerFailure) {
            return try await body()
        } catch {
            throw OperationError(.unavailable, "The ledger can't be asked now: \(error)", advice: "Try again.")
        }
    }

    private func find(_ key: KeyID) async throws(OperationError) -> LedgerStore.KeyRecord? {
        do throws(LedgerStoreError) {
            return try await store.key(key)
        } catch {
            throw OperationError(error)
        }
    }

    @discardableResult
    private func carryOut(_ action: Command.Action, for account: AccountID) async throws(OperationError) -> Verdict {
        let verdict: Verdict
        do throws(LedgerStoreError) {
            verdict = try await store.submit(
                Command(id: identifiers.command(), accountID: account, actor: Self.actor, action: action)
            )
        } catch {
            throw OperationError(error)
        }
        if case .refused(let refusal, _) = verdict { throw OperationError(refusal, of: account) }
        return verdict
    }
}

extension OperationError {
    static func unknownAccount(_ account: AccountID) -> OperationError {
        OperationError(
            .negative,
            "There is no account \(account).",
            advice: "Open one with: runledger account open --tier business"
        )
    }

    /// A refusal of an operator's command, with the field and the limit.
    init(_ refusal: Refusal, of account: AccountID) {
        let message =
            switch refusal {
            case .accountUnknown: Self.unknownAccount(account).message
            case .accountClosed: "The account \(account) is closed."
            case .keysNotAllowed(let tier):
                "tier: an account on the \(tier.rawValue) plan can have no keys; keys start with the pro plan."
            case .capabilityAboveCeiling(let capability, let tier):
                "capability: a key of the \(tier.rawValue) plan can't hold \(capability)\(Self.hint(capability))."
            case .capabilityCountInvalid:
                "capability: a key holds 1 to \(TierPolicy.capabilityCounts.upperBound) of them."
            case .nameInvalid: "name: it must have 1 to 100 bytes."
            case .accountInUse: "The account has runs under way, or a payment; close it when they have ended."
            case .accountOpen: "The account \(account) is open; close it first: runledger account close \(account)"
            case .potUnknown: "pot: the account has no pot of this id."
            case .grantUnknown: "grant: the account has no grant of this id."
            case .adjustmentTooLarge(let available):
                "amount: \(available) credits of the pot are left that no run has on hold."
            case .allowanceMissing(let tier):
                "allowance: the \(tier.rawValue) plan has none of its own; say how much with --allowance."
            case .amountInvalid:
                "amount: it must be above 0, and the balance at most \(Credits(microcredits: .max)) credits."
            case .expiryInPast: "expires: that moment is not in the future."
            case .expiryInvalid: "expires: that moment is too far away."
            default: "The ledger refused it: \(refusal.code)."
            }
        let advice = refusal == .accountUnknown ? Self.unknownAccount(account).advice : "Nothing was changed."
        self.init(.negative, "\(message) (\(refusal.code))", advice: advice)
    }

    private static func hint(_ capability: Capability) -> String {
        if capability.text.hasSuffix("*") { return ": wildcards are for platform admins" }
        return capability.text.hasPrefix("model") || capability.text.hasPrefix("agent") ? "; the business plan can" : ""
    }
}
