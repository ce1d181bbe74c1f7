import Ledger

/// Whether a question may be answered.
enum ReadAdmittance {
    /// It may; the window has counted it, if the plan has a limit.
    case admitted(Account, WindowStatus?)
    /// It may not.
    case refused(Refusal, WindowStatus?)
}

extension ExecutionReader {
    /// Admits a read that is about no run.
    ///
    /// - Parameters:
    ///   - identity: who asks.
    ///   - journal: the journal of the account that asks.
    ///   - required: what the key must be allowed to do; nil when any key may ask.
    func admitRead(
        for identity: KeyAuthenticator.Identity,
        in journal: JournalID,
        requiring required: Capability?
    ) async throws(LedgerFailure) -> ReadAdmittance {
        let glance = try await glance(at: .none(in: journal), account: identity.accountID, key: identity.keyID)
        return try await admitRead(by: glance.account, with: glance.key, requiring: required)
    }

    /// Key, capability, limiter: the order of decisions on a run, as far as it applies (design, section 6).
    ///
    /// - Parameters:
    ///   - account: the account that asks; nil when it is unknown.
    ///   - key: the key that asks; nil when it is unknown.
    ///   - required: what the key must be allowed to do; nil when any key may ask.
    func admitRead(
        by account: Account?,
        with key: APIKey?,
        requiring required: Capability?
    ) async throws(LedgerFailure) -> ReadAdmittance {
        guard let account, !account.isClosed, let key, key.revokedAt == nil else {
            return .refused(.unauthorized, nil)
        }
        if let required {
            guard required.covering(in: key.capabilities) != nil,
                TierPolicy.ceilingAllows(required, tier: account.tier, role: account.role)
            else { return .refused(.capabilityDenied(required: required), nil) }
        }
        guard let limit = TierPolicy.requestsPerMinute(tier: account.tier, role: account.role) else {
            return .admitted(account, nil)
        }
        let (window, fits) = try await countRead(of: account.id, limit: limit)
        return fits ? .admitted(account, window) : .refused(.rateLimited(tier: account.tier), window)
    }
}
