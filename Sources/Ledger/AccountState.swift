/// Who pays: plan, standing, and the two sums that every decision about money starts from.
public struct Account: Hashable, Sendable {
    /// The account.
    public let id: AccountID
    /// The plan.
    public var tier: Tier
    /// User or platform admin.
    public var role: Role
    /// Whether it may run anything yet.
    public var isApproved: Bool
    /// Whether it was closed; for good.
    public var isClosed = false
    /// Credits that are the account's: added less debited, expired and corrected. Those on hold are still posted.
    public var posted = Credits.zero
    /// Credits set aside by open holds; never above `posted`.
    public var held = Credits.zero
    /// The place of its last event in its stream.
    public var sequence: Int64 = 0
    /// The hash of its last event.
    public var headHash: Digest?
    /// When its last event was recorded.
    public var lastRecordedAt: Timestamp
    /// When it was opened.
    public let openedAt: Timestamp
    /// Posted credits below which an alert is raised; nil for none.
    public var alertThreshold: Credits?
    /// When the alert that stands was raised; nil while none does.
    public var alertRaisedAt: Timestamp?

    /// Credits a new hold may draw on, if no pot has expired.
    public var available: Credits { posted - held }

    /// Makes an account as its first event does.
    public init(id: AccountID, tier: Tier, role: Role, isApproved: Bool, openedAt: Timestamp) {
        self.id = id
        self.tier = tier
        self.role = role
        self.isApproved = isApproved
        self.openedAt = openedAt
        self.lastRecordedAt = openedAt
    }
}

/// Where credits came from.
public struct Pot: Hashable, Sendable {
    /// Plan allowance or top-up.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case plan
        case topUp = "top_up"
    }

    /// The pot.
    public let id: PotID
    /// Plan allowance or top-up.
    public let kind: Kind
    /// Credits it was filled with.
    public let added: Credits
    /// Credits left that no hold has drawn.
    public var remaining: Credits
    /// Credits that open holds have drawn from it.
    public var held = Credits.zero
    /// From when on what remains does not count; nil for never. A renewal ends the plan's pots early.
    public var expiresAt: Timestamp?
    /// When it was filled.
    public let addedAt: Timestamp
    /// What it was bought with; no two pots of an account say the same.
    public var reference: String?
    /// The period of the plan that it is the allowance of; no two pots of an account say the same.
    public var period: String?
    /// Credits that refunds of its payment were to take back so far, those that could not be had included.
    public var refunded = Credits.zero
    /// Credits that refunds of its payment could not take back, because they were spent.
    public var short = Credits.zero

    /// Makes a pot.
    public init(id: PotID, kind: Kind, added: Credits, remaining: Credits, expiresAt: Timestamp?, addedAt: Timestamp) {
        self.id = id
        self.kind = kind
        self.added = added
        self.remaining = remaining
        self.expiresAt = expiresAt
        self.addedAt = addedAt
    }

    /// Whether what remains no longer counts at a moment.
    public func isExpired(at moment: Timestamp) -> Bool { expiresAt.map { $0 <= moment } ?? false }

    /// The order in which pots are drawn: earliest expiry, then plan before top-up, then id.
    public static func drawsBefore(_ left: Pot, _ right: Pot) -> Bool {
        let leftExpiry = left.expiresAt?.microseconds ?? .max
        let rightExpiry = right.expiresAt?.microseconds ?? .max
        if leftExpiry != rightExpiry { return leftExpiry < rightExpiry }
        if left.kind != right.kind { return left.kind == .plan }
        return left.id < right.id
    }
}

/// Free runs of one model for one account.
public struct Grant: Hashable, Sendable {
    /// What the grant gives.
    public enum Allowance: Hashable, Sendable {
        /// A number of runs, ever.
        case runs(Int64)
        /// Any number of runs for so many seconds from the first one on.
        case window(seconds: Int64)
    }

    /// The grant.
    public let id: GrantID
    /// The internal name of the model.
    public let model: String
    /// What it gives.
    public let allowance: Allowance
    /// The plan it was given under; once spent it blocks the model until the account is above this plan.
    public let tier: Tier
    /// From when on it is spent whatever is left; nil for never.
    public let expiresAt: Timestamp?
    /// Runs used up.
    public var used: Int64 = 0
    /// Runs set aside by open holds.
    public var held: Int64 = 0
    /// When the first run opened a time grant.
    public var openedAt: Timestamp?
    /// When an opened time grant closes.
    public var closesAt: Timestamp?
    /// Whether it was taken back.
    public var isRevoked = false

    /// Makes a grant as issued.
    public init(id: GrantID, model: String, allowance: Allowance, tier: Tier, expiresAt: Timestamp?) {
        self.id = id
        self.model = model
        self.allowance = allowance
        self.tier = tier
        self.expiresAt = expiresAt
    }

    /// Whether one more run fits at a moment.
    public func isLive(at moment: Timestamp) -> Bool {
        if isRevoked { return false }
        if let expiresAt, expiresAt <= moment { return false }
        switch allowance {
        case .runs(let granted): return used + held < granted
        case .window: return closesAt.map { moment < $0 } ?? true
        }
    }
}

/// What an open hold took from one pot.
public struct Draw: Hashable, Sendable {
    /// The pot.
    public let potID: PotID
    /// The credits.
    public var amount: Credits
    /// Makes a draw.
    public init(potID: PotID, amount: Credits) {
        self.potID = potID
        self.amount = amount
    }
}

/// Credits, or one grant run, set aside for an execution. It exists while it is open.
public struct Hold: Hashable, Sendable {
    /// The hold.
    public let id: HoldID
    /// The run it pays for.
    public let executionID: ExecutionID
    /// Credits still set aside; zero for a grant run.
    public var amount: Credits
    /// The grant whose run is set aside; nil when credits are.
    public let grantID: GrantID?
    /// What it drew from which pot, in the order it drew.
    public var draws: [Draw]
    /// When the definition's policy ends it if nobody has learned the truth.
    public let expiresAt: Timestamp
    /// What happens then.
    public let policy: UnresolvedPolicy

    /// Makes an open hold.
    public init(
        id: HoldID,
        executionID: ExecutionID,
        amount: Credits,
        grantID: GrantID?,
        draws: [Draw],
        expiresAt: Timestamp,
        policy: UnresolvedPolicy
    ) {
        self.id = id
        self.executionID = executionID
        self.amount = amount
        self.grantID = grantID
        self.draws = draws
        self.expiresAt = expiresAt
        self.policy = policy
    }
}

/// What becomes of a hold whose run was never resolved.
public enum UnresolvedPolicy: String, Hashable, Sendable, CaseIterable {
    /// The customer gets everything back.
    case release
    /// The customer pays the quote.
    case charge
}

/// Requests counted for an account's route in the latest clock minute that counted any.
public struct RateWindow: Hashable, Sendable {
    /// The number of the clock minute since the Unix epoch.
    public var minute: Int64
    /// Requests counted in it.
    public var count: Int64
    /// Makes a window.
    public init(minute: Int64, count: Int64) {
        self.minute = minute
        self.count = count
    }
}

/// An API key without its secret.
public struct APIKey: Hashable, Sendable {
    /// The key.
    public let id: KeyID
    /// A label chosen by its owner.
    public let name: String
    /// SHA-256 of the whole key as it was shown once.
    public let secretDigest: Digest
    /// What it may do; fixed when issued.
    public let capabilities: [Capability]
    /// When it was issued.
    public let issuedAt: Timestamp
    /// When it was revoked.
    public var revokedAt: Timestamp?

    /// Makes a key as issued.
    public init(id: KeyID, name: String, secretDigest: Digest, capabilities: [Capability], issuedAt: Timestamp) {
        self.id = id
        self.name = name
        self.secretDigest = secretDigest
        self.capabilities = capabilities
        self.issuedAt = issuedAt
    }
}
