public import Ledger

/// What an account had as of a moment, as was known then and as is known now.
///
/// *Then* counts every event recorded by the moment. *Now* also counts what was recorded later and counts from before:
/// late facts by their `effective_at`, and corrections from when the events that they correct count.
public struct BalanceAsOf: Hashable, Sendable {
    /// The journal of the account.
    public let journal: JournalID
    /// The last event by then that moved credits, by position; nil when nothing had moved.
    public let position: Int64?
    /// The same event, by sequence.
    public let sequence: Int64?
    /// The moment: that of the event asked for, or the one asked for; nil for now, and before the first event.
    public let moment: Timestamp?
    /// Credits posted, as was known then.
    public let balance: Credits
    /// Credits on hold then.
    public let held: Credits
    /// Credits posted then, as is known now. Below zero when credits were spent that turned out not to be there.
    public let balanceKnownNow: Credits
    /// The sequences of the events that make the difference.
    public let lateEvents: [Int64]

    /// What is known now, less what was known then.
    public var difference: Credits { balanceKnownNow - balance }
}

/// A number that can be asked about.
public enum WhySubject: Hashable, Sendable {
    /// Credits posted.
    case balance
    /// Credits on hold.
    case held
    /// Credits posted and not on hold.
    case available
    /// What is left of a pot for runs.
    case pot(PotID)
    /// What is left of a grant: runs, or seconds.
    case grant(GrantID)
    /// What a run was charged.
    case charge(ExecutionID)
    /// A refusal, by its event.
    case refusal(sequence: Int64)
    /// A refusal, by the id of its request or of its run.
    case refusedRequest(Identifier128)

    /// The word for it in SQL, on the command line and in the API.
    public var name: String {
        switch self {
        case .balance: "balance"
        case .held: "held"
        case .available: "available"
        case .pot: "pot"
        case .grant: "grant"
        case .charge: "charge"
        case .refusal, .refusedRequest: "refusal"
        }
    }

    /// What it is asked about; nil for the account itself.
    public var reference: String? {
        switch self {
        case .balance, .held, .available: nil
        case .pot(let id): id.description
        case .grant(let id): id.description
        case .charge(let id): id.description
        case .refusal(let sequence): String(sequence)
        case .refusedRequest(let id): RequestID(id).description
        }
    }

    /// Reads a word and a reference.
    ///
    /// - Throws: what is wrong with which of the two.
    public init(name: String, reference: String?) throws(WhySubjectError) {
        func needed(_ message: String) -> WhySubjectError { WhySubjectError(field: "of", message: message) }
        func id<ID: LedgerIdentifier>(_ type: ID.Type) throws(WhySubjectError) -> ID {
            guard let id = reference.flatMap({ ID(text: $0) }) else {
                throw needed("an id in the form 8-4-4-4-12 is needed")
            }
            return id
        }
        switch name {
        case "balance", "held", "available":
            guard reference == nil else { throw needed("\(name) is the account's; it takes no id") }
            self = name == "balance" ? .balance : name == "held" ? .held : .available
        case "pot": self = .pot(try id(PotID.self))
        case "grant": self = .grant(try id(GrantID.self))
        case "charge": self = .charge(try id(ExecutionID.self))
        case "refusal":
            if let sequence = reference.flatMap({ Int64($0) }), (1...CanonicalJSON.largestInteger).contains(sequence) {
                self = .refusal(sequence: sequence)
            } else if let request = reference.flatMap({ RequestID(text: $0) }) {
                self = .refusedRequest(request.value)
            } else {
                throw needed("the sequence of the event, or the id of the request or of the run, is needed")
            }
        default:
            throw WhySubjectError(
                field: "number",
                message: "one of balance, held, available, pot, grant, charge and refusal is needed"
            )
        }
    }
}

/// A question that can't be asked.
public struct WhySubjectError: Error, Hashable, Sendable {
    /// `number` or `of`.
    public let field: String
    /// What is needed.
    public let message: String
}

/// Why a number is what it is.
public struct Explanation: Hashable, Sendable {
    /// What a number counts.
    public enum Unit: String, Hashable, Sendable, CaseIterable {
        /// Micro-credits; shown as credits.
        case credits
        /// Runs of a grant.
        case runs
        /// Seconds of a time grant.
        case seconds
        /// Requests in a minute.
        case requests
    }

    /// An event of the list.
    public struct Line: Hashable, Sendable {
        /// Its place in the account's stream.
        public let sequence: Int64
        /// Its place in the journal.
        public let position: Int64
        /// When it was recorded.
        public let recordedAt: Timestamp
        /// What happened.
        public let type: EventType
        /// What it adds to the number, in the number's unit (micro-credits for credits); nil for an event that decided by
        /// what it says.
        public let change: Int64?
        /// The rule by which it came about, in a few words.
        public let rule: String
        /// The version of the price rule it used.
        public let priceVersion: String?
        /// The model.
        public let model: String?
        /// The run.
        public let executionID: ExecutionID?
        /// The pot; of a hold or its end, see the event's draws.
        public let potID: PotID?
        /// The grant.
        public let grantID: GrantID?
    }

    /// What was asked about.
    public let subject: WhySubject
    /// What the number counts.
    public let unit: Unit
    /// The events, in order; none when nothing led to the number.
    public let lines: [Line]

    /// The number: the sum of the lines, in its unit (micro-credits for credits).
    public var number: Int64 { lines.reduce(0) { $0 + ($1.change ?? 0) } }
}
