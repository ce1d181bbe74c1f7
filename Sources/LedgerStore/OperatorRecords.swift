public import Ledger

/// What an operator may do.
public enum OperatorRole: String, Hashable, Sendable, CaseIterable {
    /// Everything.
    case admin
    /// To read, to import invoices and to decide on their differences.
    case finance
    /// To read, to approve accounts, and to give grants.
    case support
}

/// An operator without the token.
public struct OperatorRecord: Hashable, Sendable {
    /// The name; events of what the operator does say `operator:` and it.
    public let name: String
    /// What the operator may do.
    public let role: OperatorRole
    /// Since when.
    public let createdAt: Timestamp
    /// Makes a record.
    public init(name: String, role: OperatorRole, createdAt: Timestamp) {
        self.name = name
        self.role = role
        self.createdAt = createdAt
    }
}

/// Something that an operator changed and that is no account's.
public struct OperatorLogEntry: Hashable, Sendable {
    /// When.
    public let recordedAt: Timestamp
    /// Who, as in events.
    public let actor: String
    /// What was done, such as `model.disabled`.
    public let action: String
    /// What it was done to.
    public let subject: String
    /// What else there is to say.
    public let detail: String?
    /// Makes an entry.
    public init(recordedAt: Timestamp, actor: String, action: String, subject: String, detail: String? = nil) {
        self.recordedAt = recordedAt
        self.actor = actor
        self.action = action
        self.subject = subject
        self.detail = detail
    }
}

/// That a model was switched off, or on again.
public struct ModelSwitch: Hashable, Sendable {
    /// The model's internal name.
    public let model: String
    /// Whether it is on.
    public let isEnabled: Bool
    /// Since when.
    public let changedAt: Timestamp
    /// Who switched it, as in events.
    public let changedBy: String
    /// Makes a switch.
    public init(model: String, isEnabled: Bool, changedAt: Timestamp, changedBy: String) {
        self.model = model
        self.isEnabled = isEnabled
        self.changedAt = changedAt
        self.changedBy = changedBy
    }
}

/// An event of the payment provider, and what became of it.
public struct PaymentEventRecord: Hashable, Sendable {
    /// What became of it.
    public enum Outcome: String, Hashable, Sendable {
        /// It changed an account, or had done so before.
        case applied
        /// It is nothing to act upon.
        case ignored
        /// It should have changed an account, and could not.
        case refused
    }

    /// The provider's id of it.
    public let id: String
    /// The provider's type.
    public let type: String
    /// When it came.
    public let receivedAt: Timestamp
    /// Whose it is.
    public let accountID: AccountID?
    /// What became of it.
    public let outcome: Outcome
    /// The same in a few words.
    public let detail: String
    /// Makes a record.
    public init(
        id: String,
        type: String,
        receivedAt: Timestamp,
        accountID: AccountID?,
        outcome: Outcome,
        detail: String
    ) {
        self.id = id
        self.type = type
        self.receivedAt = receivedAt
        self.accountID = accountID
        self.outcome = outcome
        self.detail = detail
    }
}
