/// `evolve`: what an event changes. The writer, rebuild, verify, replay and the test oracle all use this one fold.
extension LedgerState {
    /// The state after one more event of the account, as a pure function.
    public static func evolve(_ state: LedgerState, _ event: Event) throws(FoldError) -> LedgerState {
        var next = state
        try next.apply(event.content)
        next.advance(to: event)
        return next
    }

    /// Moves the head of the account's stream to an event whose content was applied.
    public mutating func advance(to event: Event) {
        account?.sequence = event.sequence
        account?.headHash = event.hash
        account?.lastRecordedAt = event.content.recordedAt
    }

    /// Changes what the content of an event changes.
    ///
    /// Throws when the content can't follow from the state, which only a damaged log can make happen; the state is then
    /// of no further use.
    public mutating func apply(_ content: EventContent) throws(FoldError) {
        if content.type == .accountOpened {
            try applyOpening(content)
            return
        }
        guard account != nil else { throw FoldError("\(content.type.rawValue) before account.opened") }
        switch content.type {
        case .accountOpened, .accountTierChanged, .accountRoleChanged, .accountApproved, .accountClosed:
            try applyAccount(content)
        case .keyIssued, .keyRevoked: try applyKey(content)
        case .creditsAdded, .creditsExpired, .creditsAdjusted, .creditsShort: try applyPot(content)
        case .alertSet, .alertRaised, .alertCleared: applyAlert(content)
        case .accountErased:
            guard account?.isClosed == true, content.erasure != nil else {
                throw FoldError("account.erased of an open account, or without what was found")
            }
        case .periodClosed:
            guard content.closedPeriod != nil else { throw FoldError("period.closed without its month and totals") }
        case .invoiceImported, .invoiceCompared, .suspenseResolved:
            if let fault = content.invoiceFault { throw FoldError(fault) }
        case .topUpSet, .topUpStarted, .topUpPaid, .topUpFailed: try applyTopUp(content)
        case .grantIssued, .grantOpened, .grantRevoked: try applyGrant(content)
        case .workflowSaved, .workflowDeleted: try applyWorkflow(content)
        case .creditsHeld, .grantHeld, .workflowStarted: try applyHold(content)
        case .creditsDebited, .creditsReleased, .grantConsumed, .grantReleased: try applyEndOfHold(content)
        case .rateLimitCounted: try applyWindow(content)
        case .costAbsorbed, .executionSubmitted, .executionSucceeded, .executionFailed, .executionUnresolved,
            .executionCancelRequested, .executionCancelled:
            try applyExecution(content)
        case .requestReceived, .capabilityGranted, .capabilityDenied, .rateLimitExceeded, .requestRefused,
            .creditsRefused, .grantRefused:
            break
        }
        account?.lastRecordedAt = content.recordedAt
        if content.type.isAdministrative, content.executionID == nil, commands.insert(content.commandID).inserted {
            changes.commands.insert(content.commandID)
        }
    }

    private mutating func applyOpening(_ content: EventContent) throws(FoldError) {
        guard account == nil else { throw FoldError("a second account.opened") }
        guard let tier = content.text("tier").flatMap(Tier.init(rawValue:)),
            let role = content.text("role").flatMap(Role.init(rawValue:)),
            let isApproved = content.detail?["approved"]?.booleanValue
        else { throw FoldError("account.opened without tier, role and approved") }
        account = Account(
            id: content.accountID,
            tier: tier,
            role: role,
            isApproved: isApproved,
            openedAt: content.recordedAt
        )
        commands.insert(content.commandID)
        changes.commands.insert(content.commandID)
    }

    private mutating func applyAccount(_ content: EventContent) throws(FoldError) {
        switch content.type {
        case .accountTierChanged:
            guard let tier = content.text("to").flatMap(Tier.init(rawValue:)) else {
                throw FoldError("account.tier_changed without the new tier")
            }
            account?.tier = tier
        case .accountRoleChanged:
            guard let role = content.text("to").flatMap(Role.init(rawValue:)) else {
                throw FoldError("account.role_changed without the new role")
            }
            account?.role = role
        case .accountApproved:
            guard let isApproved = content.detail?["approved"]?.booleanValue else {
                throw FoldError("account.approved without the flag")
            }
            account?.isApproved = isApproved
        default: account?.isClosed = true
        }
    }

    private mutating func applyKey(_ content: EventContent) throws(FoldError) {
        guard let keyID = content.keyID else { throw FoldError("\(content.type.rawValue) without a key") }
        changes.keys.insert(keyID)
        if content.type == .keyRevoked {
            guard keys[keyID] != nil else { throw FoldError("key.revoked of an unknown key") }
            keys[keyID]?.revokedAt = content.recordedAt
            return
        }
        guard let digest = content.text("digest").flatMap({ Digest(hexadecimal: $0) }),
            let name = content.text("name"),
            let texts = content.detail?["capabilities"]?.elements?.map(\.stringValue)
        else { throw FoldError("key.issued without digest, name and capabilities") }
        keys[keyID] = APIKey(
            id: keyID,
            name: name,
            secretDigest: digest,
            capabilities: texts.compactMap { $0 }.compactMap { Capability($0) },
            issuedAt: content.recordedAt
        )
    }

    private mutating func applyPot(_ content: EventContent) throws(FoldError) {
        guard let potID = content.potID, let amount = content.amount else {
            throw FoldError("\(content.type.rawValue) without pot and amount")
        }
        changes.pots.insert(potID)
        if content.type == .creditsAdded {
            guard let kind = content.text("kind").flatMap(Pot.Kind.init(rawValue:)), pots[potID] == nil else {
                throw FoldError("credits.added to a pot that exists or without its kind")
            }
            pots[potID] = Pot(
                id: potID,
                kind: kind,
                added: amount,
                remaining: amount,
                expiresAt: content.time("expires"),
                addedAt: content.recordedAt
            )
            pots[potID]?.reference = content.text("reference")
            pots[potID]?.period = content.text("period")
            account?.posted += amount
            return
        }
        try applyRefund(content, potID, amount)
        if content.type == .creditsShort { return }
        if content.text("by") == "renewal" { pots[potID]?.expiresAt = content.recordedAt }
        let change = content.type == .creditsExpired ? -amount : amount
        guard let pot = pots[potID], !(pot.remaining + change).isNegative else {
            throw FoldError("\(content.type.rawValue) takes more than pot \(potID) has left")
        }
        pots[potID]?.remaining += change
        account?.posted += change
    }

    /// What a refund takes back, or can't, counts for the pot that the payment filled.
    private mutating func applyRefund(
        _ content: EventContent,
        _ potID: PotID,
        _ amount: Credits
    ) throws(FoldError) {
        if content.type == .creditsShort {
            guard pots[potID] != nil else { throw FoldError("credits.short of an unknown pot") }
            pots[potID]?.refunded += amount
            pots[potID]?.short += amount
        } else if let text = content.text("refund") {
            guard let paid = PotID(text: text), pots[paid] != nil else {
                throw FoldError("a refund of credits that were never added")
            }
            pots[paid]?.refunded += -amount
            changes.pots.insert(paid)
        }
    }

    private mutating func applyGrant(_ content: EventContent) throws(FoldError) {
        guard let grantID = content.grantID else { throw FoldError("\(content.type.rawValue) without a grant") }
        changes.grants.insert(grantID)
        switch content.type {
        case .grantIssued:
            guard let model = content.model, let allowance = content.allowance,
                let tier = content.text("tier").flatMap(Tier.init(rawValue:)), grants[grantID] == nil
            else { throw FoldError("grant.issued twice or without model, allowance and tier") }
            grants[grantID] = Grant(
                id: grantID,
                model: model,
                allowance: allowance,
                tier: tier,
                expiresAt: content.time("expires")
            )
        case .grantOpened:
            guard grants[grantID] != nil, let closesAt = content.time("closes") else {
                throw FoldError("grant.opened of an unknown grant or without its end")
            }
            grants[grantID]?.openedAt = content.recordedAt
            grants[grantID]?.closesAt = closesAt
        default:
            guard grants[grantID] != nil else { throw FoldError("grant.revoked of an unknown grant") }
            grants[grantID]?.isRevoked = true
        }
    }

    private mutating func applyWindow(_ content: EventContent) throws(FoldError) {
        guard let route = content.text("route").flatMap(Route.init(rawValue:)),
            let minute = content.detail?["minute"]?.integerValue,
            let count = content.detail?["count"]?.integerValue
        else { throw FoldError("rate_limit.counted without route, minute and count") }
        windows[route] = RateWindow(minute: minute, count: count)
        changes.windows.insert(route)
    }
}

extension EventType {
    /// Whether events of this type record an administrative command, whose id is kept for as long as the account.
    public var isAdministrative: Bool {
        switch self {
        case .accountOpened, .accountTierChanged, .accountRoleChanged, .accountApproved, .accountClosed, .keyIssued,
            .keyRevoked, .creditsAdded, .creditsAdjusted, .creditsShort, .grantIssued, .grantRevoked, .alertSet,
            .topUpSet, .topUpStarted, .topUpPaid, .topUpFailed, .workflowSaved, .workflowDeleted, .periodClosed,
            .invoiceImported, .invoiceCompared, .suspenseResolved, .accountErased:
            true
        default: false
        }
    }
}

/// An event that can't follow from the events before it.
public struct FoldError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, for a person.
    public let description: String
    /// Makes the error.
    public init(_ description: String) { self.description = description }
}

extension EventContent {
    /// What the price of an admitted run looked at, as text by name.
    public var priced: [String: String] {
        guard case .object(let members)? = detail?["priced"] else { return [:] }
        return Dictionary(members.compactMap { member in member.value.stringValue.map { (member.key, $0) } }) { $1 }
    }

    /// What the provider of a run that succeeded reported to have delivered, by name.
    public var usage: [String: Int64] {
        guard case .object(let members)? = detail?["usage"] else { return [:] }
        return Dictionary(members.compactMap { member in member.value.integerValue.map { (member.key, $0) } }) { $1 }
    }

    func text(_ key: String) -> String? { detail?[key]?.stringValue }

    func time(_ key: String) -> Timestamp? {
        detail?[key]?.integerValue.map { Timestamp(microseconds: $0) }
    }

    /// How much a `grant.issued` gives.
    var allowance: Grant.Allowance? {
        if let runs = detail?["runs"]?.integerValue { return .runs(runs) }
        return detail?["seconds"]?.integerValue.map { .window(seconds: $0) }
    }

    /// What a hold drew, or what the end of one takes or gives back: pairs of pot and amount.
    var draws: [Draw]? { detail?["draws"]?.drawsValue }
}
