/// What someone wants of an account. Given twice under the same id, it changes nothing the second time.
public struct Command: Hashable, Sendable {
    /// The command.
    public let id: CommandID
    /// Whose account it is about.
    public let accountID: AccountID
    /// The HTTP request behind it.
    public let requestID: RequestID?
    /// Who gives it, as each of its events will say; nil for what an account's own keys ask for.
    public let actor: Actor?
    /// What is wanted.
    public let action: Action
    /// The request as its idempotency key makes it known again; nil when it came without one.
    public let idempotency: IdempotentRequest?
    /// The trace that the request belongs to.
    public let traceID: TraceID?

    /// Makes a command.
    public init(
        id: CommandID,
        accountID: AccountID,
        requestID: RequestID? = nil,
        actor: Actor? = nil,
        action: Action,
        idempotency: IdempotentRequest? = nil,
        traceID: TraceID? = nil
    ) {
        self.id = id
        self.accountID = accountID
        self.requestID = requestID
        self.actor = actor
        self.action = action
        self.idempotency = idempotency
        self.traceID = traceID
    }

    /// What can be wanted.
    public enum Action: Hashable, Sendable {
        case openAccount(OpenAccount)
        case changeTier(Tier)
        case changeRole(Role)
        case setApproval(Bool)
        case closeAccount
        case issueKey(IssueKey)
        case revokeKey(KeyID)
        case addCredits(AddCredits)
        case adjustCredits(AdjustCredits)
        case renewPlan(RenewPlan)
        case refundPayment(RefundPayment)
        case setAlertThreshold(Credits?)
        case setTopUpRules(AutoTopUp.Rules?)
        case startTopUp(PotID)
        case endTopUp(EndTopUp)
        case issueGrant(IssueGrant)
        case revokeGrant(GrantID)
        case admitRun(AdmitRun)
        case recordSubmission(RecordSubmission)
        case settleRun(SettleRun)
        case requestCancel(RequestCancel)
        /// With what the nodes have cost where the hold is a workflow's run; nil for the run of a model.
        case expireHold(HoldID, nodesCost: SettleRun.NodesCost? = nil)
        case saveWorkflow(SaveWorkflow)
        case deleteWorkflow(DeleteWorkflow)
        case closePeriod(ClosePeriod)
        case recordInvoice(RecordInvoice)
        case resolveSuspense(ResolveSuspense)
        case eraseAccount(EraseAccount)
    }
}

/// Opens an account.
public struct OpenAccount: Hashable, Sendable {
    /// The plan it starts on.
    public let tier: Tier
    /// User or platform admin.
    public let role: Role
    /// Whether it may run at once.
    public let isApproved: Bool
    /// Makes the wish.
    public init(tier: Tier, role: Role = .user, isApproved: Bool = true) {
        self.tier = tier
        self.role = role
        self.isApproved = isApproved
    }
}

/// Issues a key whose secret only its owner has seen.
public struct IssueKey: Hashable, Sendable {
    /// The key.
    public let keyID: KeyID
    /// A label, 1 to 100 bytes. A store puts a ``PrivateText`` in its place.
    public let name: String
    /// SHA-256 of the whole key.
    public let secretDigest: Digest
    /// What it may do.
    public let capabilities: [Capability]
    /// Makes the wish.
    public init(keyID: KeyID, name: String, secretDigest: Digest, capabilities: [Capability]) {
        self.keyID = keyID
        self.name = name
        self.secretDigest = secretDigest
        self.capabilities = capabilities
    }
}

/// Fills a new pot.
public struct AddCredits: Hashable, Sendable {
    /// The new pot.
    public let potID: PotID
    /// Plan allowance or top-up.
    public let kind: Pot.Kind
    /// Credits; above zero.
    public let amount: Credits
    /// When what is left expires; nil for never.
    public let expiresAt: Timestamp?
    /// What it was bought with, such as an invoice number; 1 to 200 bytes, not for personal data. An account has each
    /// reference once: given again, it changes nothing.
    public let externalReference: String?
    /// Makes the wish.
    public init(potID: PotID, kind: Pot.Kind, amount: Credits, expiresAt: Timestamp?, externalReference: String?) {
        self.potID = potID
        self.kind = kind
        self.amount = amount
        self.expiresAt = expiresAt
        self.externalReference = externalReference
    }
}

/// Corrects what a pot holds, naming the reason and the event it corrects.
public struct AdjustCredits: Hashable, Sendable {
    /// The pot to correct.
    public let potID: PotID
    /// Credits to add, or to take when below zero; not zero.
    public let amount: Credits
    /// Why. A store puts a ``PrivateText`` in its place.
    public let reason: String
    /// The sequence, in the account's stream, of the event it corrects.
    public let correctsSequence: Int64?
    /// Makes the wish.
    public init(potID: PotID, amount: Credits, reason: String, correctsSequence: Int64?) {
        self.potID = potID
        self.amount = amount
        self.reason = reason
        self.correctsSequence = correctsSequence
    }
}

/// Gives free runs of a model.
public struct IssueGrant: Hashable, Sendable {
    /// The grant.
    public let grantID: GrantID
    /// The internal name of the model.
    public let model: String
    /// How much it gives.
    public let allowance: Grant.Allowance
    /// When it is spent whatever is left; nil for never.
    public let expiresAt: Timestamp?
    /// Makes the wish.
    public init(grantID: GrantID, model: String, allowance: Grant.Allowance, expiresAt: Timestamp?) {
        self.grantID = grantID
        self.model = model
        self.allowance = allowance
        self.expiresAt = expiresAt
    }
}
