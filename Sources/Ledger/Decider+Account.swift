/// Rules for what operators do to an account.
extension Decider {
    mutating func open(_ opening: OpenAccount) -> Decision {
        guard state.account == nil else { return refuse(.accountExists) }
        var event = content(.accountOpened)
        event.detail = .object([
            .init("approved", .boolean(opening.isApproved)),
            .init("role", .string(opening.role.rawValue)),
            .init("tier", .string(opening.tier.rawValue)),
        ])
        emit(event)
        return finish(.done)
    }

    mutating func change(_ account: Account, to tier: Tier) -> Decision {
        var event = content(.accountTierChanged)
        event.detail = .object([
            .init("from", .string(account.tier.rawValue)), .init("to", .string(tier.rawValue)),
        ])
        emit(event)
        return finish(.done)
    }

    mutating func change(_ account: Account, to role: Role) -> Decision {
        var event = content(.accountRoleChanged)
        event.detail = .object([
            .init("from", .string(account.role.rawValue)), .init("to", .string(role.rawValue)),
        ])
        emit(event)
        return finish(.done)
    }

    mutating func approve(_ isApproved: Bool) -> Decision {
        var event = content(.accountApproved)
        event.detail = .object([.init("approved", .boolean(isApproved))])
        emit(event)
        return finish(.done)
    }

    mutating func close() -> Decision {
        expireHolds(now: moment)
        let grantsInUse = state.grants.values.contains { $0.held > 0 }
        // A payment that is on its way must find the account open.
        guard state.topUp?.attempt == nil else { return refuse(.accountInUse) }
        guard state.account?.held == .zero, !grantsInUse else {
            var decision = refuse(.accountInUse)
            decision.mayDependOnExpiredHolds = true
            return decision
        }
        emit(content(.accountClosed))
        return finish(.done)
    }

    mutating func issue(_ key: IssueKey, for account: Account) -> Decision {
        guard state.keys[key.keyID] == nil else { return refuse(.keyExists) }
        guard TierPolicy.allowsKeys(tier: account.tier, role: account.role) else {
            return refuse(.keysNotAllowed(tier: account.tier))
        }
        guard TierPolicy.capabilityCounts.contains(key.capabilities.count) else {
            return refuse(.capabilityCountInvalid)
        }
        for capability in key.capabilities
        where !TierPolicy.ceilingAllows(capability, tier: account.tier, role: account.role) {
            return refuse(.capabilityAboveCeiling(capability, tier: account.tier))
        }
        guard IssueKey.isName(key.name) else { return refuse(.nameInvalid) }
        var event = content(.keyIssued)
        event.keyID = key.keyID
        event.detail = .object([
            .init("capabilities", .array(key.capabilities.map { .string($0.text) })),
            .init("digest", .string(key.secretDigest.description)),
            .init("name", .string(key.name)),
        ])
        emit(event)
        return finish(.done)
    }

    mutating func revoke(_ keyID: KeyID) -> Decision {
        guard let key = state.keys[keyID] else { return refuse(.keyUnknown) }
        guard key.revokedAt == nil else { return finish(.alreadyDone) }
        var event = content(.keyRevoked)
        event.keyID = keyID
        emit(event)
        return finish(.done)
    }

    mutating func add(_ addition: AddCredits) -> Decision {
        guard state.pots[addition.potID] == nil else { return refuse(.potExists) }
        if let reference = addition.externalReference {
            guard Self.isReference(reference) else { return refuse(.referenceInvalid) }
            if let pot = state.pot(boughtWith: reference) { return finish(.alreadyAdded(pot.id)) }
        }
        guard addition.amount.isPositive, state.account?.posted.adding(addition.amount) != nil else {
            return refuse(.amountInvalid)
        }
        if let refusal = refusal(ofExpiry: addition.expiresAt) { return refuse(refusal) }
        var event = content(.creditsAdded)
        event.potID = addition.potID
        event.amount = addition.amount
        var members = [CanonicalJSON.Member("kind", .string(addition.kind.rawValue))]
        if let expiresAt = addition.expiresAt { members.append(.init("expires", .integer(expiresAt.microseconds))) }
        if let reference = addition.externalReference { members.append(.init("reference", .string(reference))) }
        event.detail = .sorted(members)
        emit(event)
        return finish(.done)
    }

    /// Whether a text can say what credits were bought with. No column can hold a NUL.
    static func isReference(_ text: String) -> Bool {
        (1...200).contains(text.utf8.count) && !text.utf8.contains(0)
    }

    /// Why something can't expire then; nil when it can.
    func refusal(ofExpiry expiresAt: Timestamp?) -> Refusal? {
        guard let expiresAt else { return nil }
        if expiresAt <= moment { return .expiryInPast }
        return expiresAt.microseconds > CanonicalJSON.largestInteger ? .expiryInvalid : nil
    }

    mutating func adjust(_ adjustment: AdjustCredits) -> Decision {
        guard state.pots[adjustment.potID] != nil else { return refuse(.potUnknown) }
        guard AdjustCredits.isReason(adjustment.reason) else { return refuse(.reasonInvalid) }
        if let corrected = adjustment.correctsSequence, !(1...CanonicalJSON.largestInteger).contains(corrected) {
            return refuse(.reasonInvalid)
        }
        guard adjustment.amount != .zero, state.account?.posted.adding(adjustment.amount) != nil else {
            return refuse(.amountInvalid)
        }
        expirePots()
        let remaining = state.pots[adjustment.potID]?.remaining ?? .zero
        guard !(remaining + adjustment.amount).isNegative else {
            return refuse(.adjustmentTooLarge(available: remaining))
        }
        var event = content(.creditsAdjusted)
        event.potID = adjustment.potID
        event.amount = adjustment.amount
        var members = [CanonicalJSON.Member("reason", .string(adjustment.reason))]
        if let sequence = adjustment.correctsSequence { members.append(.init("corrects", .integer(sequence))) }
        event.detail = .sorted(members)
        emit(event)
        return finish(.done)
    }

    mutating func issue(_ grant: IssueGrant, for account: Account) -> Decision {
        guard state.grants[grant.grantID] == nil else { return refuse(.grantExists) }
        guard Slug.isValid(grant.model) else { return refuse(.grantInvalid) }
        if let refusal = refusal(ofExpiry: grant.expiresAt) { return refuse(refusal) }
        let allowance: CanonicalJSON.Member
        switch grant.allowance {
        case .runs(let runs):
            guard (1...1_000_000_000).contains(runs) else { return refuse(.grantInvalid) }
            allowance = .init("runs", .integer(runs))
        case .window(let seconds):
            guard (1...315_360_000).contains(seconds) else { return refuse(.grantInvalid) }
            allowance = .init("seconds", .integer(seconds))
        }
        var event = content(.grantIssued)
        event.grantID = grant.grantID
        event.model = grant.model
        var members = [allowance, .init("tier", .string(account.tier.rawValue))]
        if let expiresAt = grant.expiresAt { members.append(.init("expires", .integer(expiresAt.microseconds))) }
        event.detail = .sorted(members)
        emit(event)
        return finish(.done)
    }

    mutating func revoke(_ grantID: GrantID) -> Decision {
        guard let grant = state.grants[grantID] else { return refuse(.grantUnknown) }
        guard !grant.isRevoked else { return finish(.alreadyDone) }
        var event = content(.grantRevoked)
        event.grantID = grantID
        event.model = grant.model
        emit(event)
        return finish(.done)
    }
}
