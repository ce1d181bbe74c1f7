public import Ledger

/// A run that a provider may bill, as we have booked it.
public struct Charge: Hashable, Sendable {
    /// What earlier invoices have made of it.
    public enum Standing: Hashable, Sendable {
        /// Nothing: it is owed.
        case owed
        /// An earlier invoice billed it.
        case billed
        /// An earlier invoice lacked it: it is an item of that one, in suspense.
        case suspended(SuspenseItem)
        /// An earlier invoice lacked it, and it was decided that it is not owed.
        case dropped
    }

    /// The journal of the run.
    public let journal: JournalID
    /// Whose run it is.
    public let accountID: AccountID
    /// The run.
    public let executionID: ExecutionID
    /// The provider's id of its request.
    public let requestID: String?
    /// The day on which it ended; of a run under way, the one on which it was admitted.
    public let day: Day
    /// The model.
    public let model: String
    /// The provider's name for the model; nil where it is not known.
    public let providerModel: String?
    /// What is booked as its cost, in micro-dollars; zero for runs that failed or are under way.
    public let booked: Int64
    /// What earlier invoices have made of it.
    public let standing: Standing

    /// Makes a charge.
    public init(
        journal: JournalID,
        accountID: AccountID,
        executionID: ExecutionID,
        requestID: String?,
        day: Day,
        model: String,
        providerModel: String? = nil,
        booked: Int64,
        standing: Standing = .owed
    ) {
        self.journal = journal
        self.accountID = accountID
        self.executionID = executionID
        self.requestID = requestID
        self.day = day
        self.model = model
        self.providerModel = providerModel
        self.booked = booked
        self.standing = standing
    }

    /// What an invoice that names it is compared with.
    var owed: Int64 {
        switch standing {
        case .owed, .suspended: booked
        case .billed, .dropped: 0
        }
    }
}

/// An item of an invoice that waits in suspense.
public struct SuspenseItem: Hashable, Comparable, Sendable {
    /// The import.
    public let importID: InvoiceImportID
    /// Its number there.
    public let number: Int
    /// Makes it.
    public init(importID: InvoiceImportID, number: Int) {
        self.importID = importID
        self.number = number
    }
    /// Orders by import and number.
    public static func < (left: SuspenseItem, right: SuspenseItem) -> Bool {
        (left.importID, left.number) < (right.importID, right.number)
    }
}
