public import Ledger
public import Registry

/// Where the tasks of open runs are, for every process that works on them.
///
/// A task is had by one process at a time, which claims it for a while; whoever finds a claim that has run out may take
/// the task over. What a process writes after it has lost its claim changes nothing.
public protocol RunTaskStore: Sendable {
    /// Claims due tasks, the longest due first, each for this process alone.
    ///
    /// - Parameters:
    ///   - limit: how many at most.
    ///   - instance: the process.
    ///   - until: when the claims run out unless they are renewed.
    func claimTasks(limit: Int, by instance: Int64, until: Timestamp) async throws(LedgerFailure) -> [RunTask]

    /// Puts a task as it is after a step.
    ///
    /// - Parameters:
    ///   - task: as it is now, under the claim that it was read with.
    ///   - instance: the process that has it.
    ///   - callbackDigest: of a new token for the provider's callback; nil when the token stays.
    ///   - nextActionAt: when it is due; for one that is not let go, when the claim runs out.
    ///   - isLetGo: whether anybody may have it next.
    /// - Returns: how far a wish to cancel has come meanwhile; nil when the process no longer has the task.
    func putTask(
        _ task: RunTask,
        by instance: Int64,
        callbackDigest: Digest?,
        nextActionAt: Timestamp,
        isLetGo: Bool
    ) async throws(LedgerFailure) -> RunTask.Cancel?

    /// Prolongs this process's claims.
    ///
    /// - Returns: those that somebody has a hint for.
    func renewTasks(
        _ executions: [ExecutionID],
        by instance: Int64,
        until: Timestamp
    ) async throws(LedgerFailure) -> [ExecutionID]

    /// The processes that have tasks, alive or not.
    func taskHolders() async throws(LedgerFailure) -> Set<Int64>

    /// Makes the tasks of processes that are gone due, and says how many there were.
    func freeTasks(of instances: Set<Int64>) async throws(LedgerFailure) -> Int

    /// The model of the task whose callback's token has this digest; nil when there is no such task.
    func modelOfCallback(_ execution: ExecutionID, _ digest: Digest) async throws(LedgerFailure) -> String?

    /// Makes the task due now, if the digest is that of its callback's token.
    ///
    /// - Returns: whether it was.
    func hintTask(_ execution: ExecutionID, _ digest: Digest) async throws(LedgerFailure) -> Bool
}

/// Definitions that were in use before this process began.
public protocol DefinitionArchive: Sendable {
    /// A recorded version of a model; nil when there is none that can be used.
    func definition(of model: String, version: Int32) async throws(LedgerFailure) -> ModelDefinition?
}

/// What whoever asks about a run needs of a ledger.
public protocol ExecutionReader: Sendable {
    /// A run as its account and the key that asks see it, read at one moment.
    func glance(
        at execution: ExecutionID,
        account: AccountID,
        key: KeyID
    ) async throws(LedgerFailure) -> ExecutionGlance

    /// Counts a read in the current clock minute.
    ///
    /// - Parameters:
    ///   - account: who reads.
    ///   - limit: reads that the minute may count.
    func countRead(of account: AccountID, limit: Int64) async throws(LedgerFailure) -> (
        window: WindowStatus, fits: Bool
    )
}

/// What is known to whoever asks about a run.
public struct ExecutionGlance: Hashable, Sendable {
    /// The account that asks; nil when it is unknown.
    public let account: Account?
    /// The key that asks; nil when it is unknown or not the account's.
    public let key: APIKey?
    /// The run; nil when it is unknown or not the account's.
    public let execution: Execution?
    /// How it ended, for as long as that is kept.
    public let report: RunReport?

    /// Makes a glance.
    public init(account: Account?, key: APIKey?, execution: Execution?, report: RunReport?) {
        self.account = account
        self.key = key
        self.execution = execution
        self.report = report
    }
}

/// Who knows where the ends of runs are reported to.
public protocol WebhookDirectory: Sendable {
    /// Where the end of an asynchronous run is reported to, by the webhook that was in force when it was admitted.
    ///
    /// - Parameters:
    ///   - execution: the run.
    ///   - key: whose run it is.
    ///   - admittedAt: when it was admitted.
    ///   - time: how long the answer may take; `unknown` after that.
    func destination(
        of execution: ExecutionID,
        key: KeyID,
        admittedAt: Timestamp,
        within time: Duration
    ) async -> ReportDestination
}

/// Where the end of a run is reported to, and how far that has come.
public enum ReportDestination: Hashable, Sendable {
    /// The ledger has not said so in time.
    case unknown
    /// To nobody.
    case none
    /// To an address; the report is nil before there is one.
    case url(String, report: Report?)

    /// What has become of a report.
    public struct Report: Hashable, Sendable {
        /// `waiting`, `delivered`, `failed` or `disabled`.
        public let state: String
        /// Attempts that have begun.
        public let attempts: Int
        /// When it is tried again; nil while it is being sent, and once it has ended.
        public let nextAttemptAt: Timestamp?

        /// Makes a report.
        public init(state: String, attempts: Int, nextAttemptAt: Timestamp?) {
            self.state = state
            self.attempts = attempts
            self.nextAttemptAt = nextAttemptAt
        }
    }
}

/// Nobody is told of the end of a run.
public struct NoWebhooks: WebhookDirectory {
    /// Makes the empty directory.
    public init() {}
    /// To nobody.
    public func destination(
        of execution: ExecutionID,
        key: KeyID,
        admittedAt: Timestamp,
        within time: Duration
    ) async -> ReportDestination { .none }
}

/// Leaves media where the provider has put them.
public struct PassThroughMedia: MediaKeeper {
    /// Makes the keeper.
    public init() {}
    /// The result as it is.
    public func keep(
        _ result: JSONValue,
        of executionID: ExecutionID,
        deadline: ContinuousClock.Instant
    ) async throws(MediaFailure) -> JSONValue { result }
}
