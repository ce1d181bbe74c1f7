/// A class of routes that share one per-minute window of an account.
public enum Route: String, Hashable, Sendable, CaseIterable {
    case modelRun = "model.run"
    case workflowRun = "workflow.run"
    case read = "read"
}

/// What each plan allows a key to hold and to do in a minute (api-contract, section 2).
public enum TierPolicy {
    /// Requests a clock minute may count for one route; nil for no limit.
    ///
    /// Free and Creator accounts hold no keys, so their limit is 0: a key left over from a higher plan runs nothing.
    public static func requestsPerMinute(tier: Tier, role: Role) -> Int64? {
        if role == .admin { return nil }
        return switch tier {
        case .free, .creator: 0
        case .pro: 100
        case .business: 1_000
        case .enterprise: nil
        }
    }

    /// How many capabilities a key may hold.
    public static let capabilityCounts = 1...100

    /// What a plan gives anew with each renewal (api-contract, section 5); nil for one whose contract says it, and for
    /// the free plan, which gives once.
    public static func allowance(of tier: Tier) -> Credits? {
        switch tier {
        case .free, .enterprise: nil
        case .creator: Credits(whole: 1_700)
        case .pro: Credits(whole: 5_000)
        case .business: Credits(whole: 11_329)
        }
    }

    /// Whether a plan may have keys at all.
    public static func allowsKeys(tier: Tier, role: Role) -> Bool { role == .admin || tier >= .pro }

    /// Whether a key of this plan may hold a capability.
    public static func ceilingAllows(_ capability: Capability, tier: Tier, role: Role) -> Bool {
        if role == .admin { return true }
        if capability.text.hasSuffix("*") { return false }
        let resource = capability.text.prefix { $0 != ":" }
        return switch resource {
        case "execution": true
        case "workflow", "webhook": tier >= .pro
        case "model", "agent": tier >= .business
        default: false
        }
    }
}
