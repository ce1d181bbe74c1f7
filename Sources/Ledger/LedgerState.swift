/// What is known of one account: the fold of its events, or the part of it that a batch of commands needs.
///
/// The writer loads a part, rebuild and verify fold all of it; the rules can't tell the difference, because a command
/// only ever looks at what the writer loads for it.
public struct LedgerState: Sendable {
    /// The account; nil before it is opened.
    public var account: Account?
    /// Pots by id. A part holds at least those with credits left or on hold.
    public var pots: [PotID: Pot] = [:]
    /// Grants by id. A part holds all of the account.
    public var grants: [GrantID: Grant] = [:]
    /// Open holds by id. A part holds those of the commands' runs.
    public var holds: [HoldID: Hold] = [:]
    /// The latest window of each route.
    public var windows: [Route: RateWindow] = [:]
    /// Runs by id. A part holds those the commands name.
    public var executions: [ExecutionID: Execution] = [:]
    /// Keys by id. A part holds those the commands name.
    public var keys: [KeyID: APIKey] = [:]
    /// Administrative commands already carried out, with the journal position of their first event.
    public var commands: Set<CommandID> = []
    /// How the account is topped up by itself; nil when it never was to be. A part holds it if a command is about it.
    public var topUp: AutoTopUp?
    /// Workflows by slug, deleted ones too. A part holds all of the account if a command is about one.
    public var workflows: [String: Workflow] = [:]
    /// Nodes of workflows by the workflow's run. A part holds those that its commands have added.
    public var nodeRuns: [ExecutionID: Set<NodeRun>] = [:]
    /// Whose the slugs are that commands want for new workflows: taken in the transaction that decides. Of the whole
    /// platform, not of the account, and so kept beside the events.
    public var slugOwners: [String: AccountID] = [:]
    /// What first requests under idempotency keys have led to, by key. A part holds those that the commands name. Kept
    /// beside the events, so that two states are equal whatever they hold here.
    public var claims: [Digest: IdempotencyClaim] = [:]
    /// What has been changed since the state was loaded.
    public var changes = Changes()

    /// Nothing known: the state before the first event.
    public init() {}

    /// Which rows of the projections a batch has changed.
    public struct Changes: Hashable, Sendable {
        /// Pots filled, drawn, or given back to.
        public var pots: Set<PotID> = []
        /// Grants issued, opened, used or revoked.
        public var grants: Set<GrantID> = []
        /// Holds opened, lessened or ended.
        public var holds: Set<HoldID> = []
        /// Windows that counted.
        public var windows: Set<Route> = []
        /// Runs admitted, moved or ended.
        public var executions: Set<ExecutionID> = []
        /// Keys issued or revoked.
        public var keys: Set<KeyID> = []
        /// Administrative commands carried out.
        public var commands: Set<CommandID> = []
        /// Workflows saved or deleted.
        public var workflows: Set<String> = []
        /// Runs of workflows that nodes were added to.
        public var nodeRuns: Set<ExecutionID> = []
        /// Whether the rules or the state of topping up have changed.
        public var topUp = false
        /// Nothing changed.
        public init() {}
    }
}

extension LedgerState: Equatable {
    /// Whether two states know the same, whatever changed since they were loaded.
    public static func == (left: LedgerState, right: LedgerState) -> Bool {
        left.account == right.account && left.pots == right.pots && left.grants == right.grants
            && left.holds == right.holds && left.windows == right.windows && left.executions == right.executions
            && left.keys == right.keys && left.commands == right.commands && left.topUp == right.topUp
            && left.workflows == right.workflows && left.nodeRuns == right.nodeRuns
    }
}
