/// An account's plan.
///
/// The order of the cases is the order of the plans: a model that requires `pro` runs on `business` too
/// (api-contract, sections 2 and 5).
public enum Tier: String, Hashable, Comparable, Sendable, CaseIterable {
    case free, creator, pro, business, enterprise

    /// The tier's place in the order of plans, 0 for the lowest.
    public var rank: Int {
        switch self {
        case .free: 0
        case .creator: 1
        case .pro: 2
        case .business: 3
        case .enterprise: 4
        }
    }

    /// Orders by plan.
    public static func < (left: Tier, right: Tier) -> Bool { left.rank < right.rank }
}

/// What the owner of an account is on the platform. An admin bypasses tier gates and rate limits.
public enum Role: String, Hashable, Sendable, CaseIterable {
    case user, admin
}
