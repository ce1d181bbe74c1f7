/// What the ledger decides on a command: the events that record it, and the answer for whoever asked.
public struct Decision: Hashable, Sendable {
    /// What to append, in order; empty when the command was carried out before or names nothing known.
    public var events: [EventContent]
    /// The answer.
    public let verdict: Verdict
    /// Whether an expired hold, if the account has one that was not loaded, could turn the refusal around.
    public var mayDependOnExpiredHolds = false
}

/// The answer to a command.
public enum Verdict: Hashable, Sendable {
    /// The hold stands; the run may be dispatched.
    case admitted(Admission)
    /// The same admission was decided before; it must not be dispatched again.
    case alreadyAdmitted(Execution)
    /// The run has ended, or is known to be unresolved.
    case settled(Settlement)
    /// A wish to cancel stands; the run is as it is now.
    case cancelRequested(Execution)
    /// An administrative command is done.
    case done
    /// A workflow's document is saved; the workflow is as it is now.
    case saved(Workflow)
    /// The same command was carried out before, and nothing was added now.
    case alreadyDone
    /// Credits with this reference, or for this period, are there already: in this pot. Nothing was added now.
    case alreadyAdded(PotID)
    /// A refunded payment's credits were taken back, but for those that were spent.
    case takenBack(Credits, short: Credits)
    /// The same request was there before under its idempotency key; nothing was added now.
    case repeated(IdempotencyClaim)
    /// It was refused, and nothing changed but the record of the refusal.
    case refused(Refusal, window: WindowStatus?)
}

/// An admitted run.
public struct Admission: Hashable, Sendable {
    /// The run.
    public let executionID: ExecutionID
    /// The hold that pays for it.
    public let holdID: HoldID
    /// The grant that pays for it; nil when credits do.
    public let grantID: GrantID?
    /// When it was admitted.
    public let admittedAt: Timestamp
    /// The window that counted it; nil for a plan without a limit.
    public let window: WindowStatus?
}

/// How a run ended for the account.
public struct Settlement: Hashable, Sendable {
    /// The run, as it is now.
    public let execution: Execution
    /// Whether an earlier command had ended it; then nothing was added now.
    public let isRepeat: Bool
}

/// A window after a request, as its headers tell it.
public struct WindowStatus: Hashable, Sendable {
    /// Requests the minute may count.
    public let limit: Int64
    /// Requests counted, this one included if it was.
    public let count: Int64
    /// The number of the clock minute since the Unix epoch.
    public let minute: Int64
    /// When the decision was made.
    public let decidedAt: Timestamp

    /// Makes the status of a window.
    public init(limit: Int64, count: Int64, minute: Int64, decidedAt: Timestamp) {
        self.limit = limit
        self.count = count
        self.minute = minute
        self.decidedAt = decidedAt
    }

    /// Requests the minute can still count.
    public var remaining: Int64 { max(0, limit - count) }
    /// When the next minute begins, in seconds since the Unix epoch.
    public var resetSeconds: Int64 { (minute + 1) * 60 }
    /// Whole seconds until then, at least 1.
    public var retryAfterSeconds: Int64 {
        max(1, resetSeconds - decidedAt.microseconds / 1_000_000)
    }
}

/// Why a command was refused, with the numbers the decision used.
public enum Refusal: Hashable, Sendable {
    // A run, in the order of decisions (design, section 6).
    case unauthorized
    case accountNotApproved
    case invalidSlug
    case idempotencyMismatch
    case capabilityDenied(required: Capability)
    case rateLimited(tier: Tier)
    case invalidBody
    case invalidInputs
    case modelNotFound
    case workflowNotFound
    case invalidWorkflow
    case modelTierRequired(required: Tier, tier: Tier)
    case asyncNotSupported
    case grantExhausted(GrantNumbers)
    case insufficientCredits(required: Credits, available: Credits)
    // Anything else.
    case accountUnknown
    case accountExists
    case accountClosed
    case accountInUse
    case accountOpen
    case keysNotAllowed(tier: Tier)
    case capabilityAboveCeiling(Capability, tier: Tier)
    case capabilityCountInvalid
    case nameInvalid
    case keyExists
    case keyUnknown
    case potExists
    case potUnknown
    case amountInvalid
    case adjustmentTooLarge(available: Credits)
    case expiryInPast
    case expiryInvalid
    case reasonInvalid
    case referenceInvalid
    case referenceUnknown
    case periodInvalid
    case invoiceInvalid
    case refundInvalid
    case allowanceMissing(tier: Tier)
    case thresholdInvalid
    case topUpRulesInvalid
    case topUpNotDue(AutoTopUp.Obstacle)
    case topUpUnknown
    case grantExists
    case grantUnknown
    case grantInvalid
    case executionUnknown
    case executionNotCancellable(Execution.Status)
    case holdNotExpired
    case workflowSlugTaken
    case workflowChanged
    case workflowLimitReached

    /// The constant that names the refusal on the wire and in the log.
    public var code: String {
        switch self {
        case .unauthorized: "UNAUTHORIZED"
        case .accountNotApproved: "ACCOUNT_NOT_APPROVED"
        case .invalidSlug: "INVALID_SLUG"
        case .idempotencyMismatch: "IDEMPOTENCY_MISMATCH"
        case .capabilityDenied: "CAPABILITY_DENIED"
        case .rateLimited: "RATE_LIMIT_EXCEEDED"
        case .invalidBody: "INVALID_BODY"
        case .invalidInputs: "INVALID_INPUTS"
        case .modelNotFound: "MODEL_NOT_FOUND"
        case .workflowNotFound: "WORKFLOW_NOT_FOUND"
        case .invalidWorkflow: "INVALID_WORKFLOW"
        case .modelTierRequired: "MODEL_TIER_REQUIRED"
        case .asyncNotSupported: "ASYNC_NOT_SUPPORTED"
        case .grantExhausted: "grant_exhausted"
        case .insufficientCredits: "INSUFFICIENT_CREDITS"
        case .accountUnknown: "ACCOUNT_NOT_FOUND"
        case .accountExists: "ACCOUNT_EXISTS"
        case .accountClosed: "ACCOUNT_CLOSED"
        case .accountInUse: "ACCOUNT_IN_USE"
        case .accountOpen: "ACCOUNT_OPEN"
        case .keysNotAllowed: "API_KEY_ACCESS_DENIED"
        case .capabilityAboveCeiling: "CAPABILITY_ABOVE_CEILING"
        case .capabilityCountInvalid: "INVALID_CAPABILITY"
        case .nameInvalid: "INVALID_NAME"
        case .keyExists: "KEY_EXISTS"
        case .keyUnknown: "KEY_NOT_FOUND"
        case .potExists: "POT_EXISTS"
        case .potUnknown: "POT_NOT_FOUND"
        case .amountInvalid: "INVALID_AMOUNT"
        case .adjustmentTooLarge: "ADJUSTMENT_TOO_LARGE"
        case .expiryInPast: "EXPIRY_IN_PAST"
        case .expiryInvalid: "INVALID_EXPIRY"
        case .reasonInvalid: "INVALID_REASON"
        case .referenceInvalid: "INVALID_REFERENCE"
        case .referenceUnknown: "REFERENCE_NOT_FOUND"
        case .periodInvalid: "INVALID_PERIOD"
        case .invoiceInvalid: "INVALID_INVOICE"
        case .refundInvalid: "INVALID_REFUND"
        case .allowanceMissing: "ALLOWANCE_REQUIRED"
        case .thresholdInvalid: "INVALID_THRESHOLD"
        case .topUpRulesInvalid: "INVALID_TOP_UP"
        case .topUpNotDue: "TOP_UP_NOT_DUE"
        case .topUpUnknown: "TOP_UP_NOT_FOUND"
        case .grantExists: "GRANT_EXISTS"
        case .grantUnknown: "GRANT_NOT_FOUND"
        case .grantInvalid: "INVALID_GRANT"
        case .executionUnknown: "EXECUTION_NOT_FOUND"
        case .executionNotCancellable: "EXECUTION_NOT_CANCELLABLE"
        case .holdNotExpired: "HOLD_NOT_EXPIRED"
        case .workflowSlugTaken: "WORKFLOW_SLUG_TAKEN"
        case .workflowChanged: "WORKFLOW_CHANGED"
        case .workflowLimitReached: "WORKFLOW_LIMIT_REACHED"
        }
    }
}

/// A spent grant, as a refusal shows it.
public enum GrantNumbers: Hashable, Sendable {
    /// So many runs were given, and so many are used or on hold.
    case runs(granted: Int64, used: Int64)
    /// The first run opened it, and it has closed since; nil when it was never opened.
    case window(opensAt: Timestamp?, closesAt: Timestamp?)
}
