public import Ledger
import Synchronization

/// Finds what dead processes left behind, and what has run out.
///
/// A run whose process is gone and that has no task is recorded as unresolved: its hold stands until the truth is learned
/// or the definition's policy applies. One that has a task is gone on with by another process. A hold that has expired is
/// ended by its policy.
public final class RunRecovery: Sendable {
    private let ledger: any RunLedger
    private let tasks: (any RunTaskStore)?
    private let workflows: (any WorkflowStore)?
    private let alarm: Alarm
    private let identifiers: IdentifierSource
    private let clock: @Sendable () -> Timestamp
    private let instance: Int64
    private let observer: any RunObserver
    /// Instances that were not alive at the last look; one missing twice is gone.
    private let missing = Mutex<Set<Int64>>([])
    /// The same for those that have tasks, and for those that have reports to send.
    private let missingHolders = Mutex<Set<Int64>>([])
    private let missingReporters = Mutex<Set<Int64>>([])
    private let reports: (any ReportClaims)?

    /// Makes a recovery for a use case.
    ///
    /// - Parameter reports: knows which processes are sending reports of runs' ends; nil when none are sent.
    public init(
        for service: RunService,
        reports: (any ReportClaims)? = nil,
        clock: @escaping @Sendable () -> Timestamp,
        observer: any RunObserver
    ) {
        self.ledger = service.ledger
        self.tasks = service.tasks
        self.workflows = service.workflows
        self.alarm = service.alarm
        self.identifiers = service.identifiers
        self.instance = service.instance
        self.reports = reports
        self.clock = clock
        self.observer = observer
    }

    /// Looks once.
    ///
    /// Tasks and reports of a process that is gone are freed for others, before their claims run out.
    ///
    /// - Returns: how many runs were recorded as unresolved, and how many holds were ended.
    public func look() async throws(LedgerFailure) -> (abandoned: Int, expired: Int) {
        try await freeTasks()
        try await freeReports()
        let abandoned = try await recordAbandoned()
        return (abandoned, try await endExpired())
    }

    private func freeTasks() async throws(LedgerFailure) {
        guard let tasks else { return }
        let certain = try await gone(among: try await tasks.taskHolders(), missingHolders)
        guard !certain.isEmpty, try await tasks.freeTasks(of: certain) > 0 else { return }
        alarm.ring()
    }

    private func freeReports() async throws(LedgerFailure) {
        guard let reports else { return }
        let certain = try await gone(among: try await reports.holders(), missingReporters)
        if !certain.isEmpty { try await reports.free(certain, at: clock()) }
    }

    /// The holders of something that were not alive at this look, nor at the one before.
    private func gone(
        among holders: Set<Int64>,
        _ missing: borrowing Mutex<Set<Int64>>
    ) async throws(LedgerFailure) -> Set<Int64> {
        let others = holders.subtracting([instance])
        let gone = others.isEmpty ? [] : others.subtracting(try await ledger.liveInstances())
        return missing.withLock { missing in
            defer { missing = gone }
            return missing.intersection(gone)
        }
    }

    private func recordAbandoned() async throws(LedgerFailure) -> Int {
        let open = try await ledger.openExecutions().filter { $0.execution.status != .unresolved }
        guard !open.isEmpty else {
            missing.withLock { $0 = [] }
            return 0
        }
        let live = try await ledger.liveInstances().union([instance])
        let gone = Set(open.map(\.execution.instance)).subtracting(live)
        let certain = missing.withLock { missing in
            defer { missing = gone }
            return missing.intersection(gone)
        }
        var count = 0
        for (account, execution) in open where certain.contains(execution.instance) {
            let settlement = SettleRun(
                executionID: execution.id,
                outcome: .unresolved(reason: "process_ended"),
                providerRequestID: execution.providerRequestID
            )
            let command = Command(id: identifiers.command(), accountID: account, action: .settleRun(settlement))
            if case .settled(let settled) = try await ledger.decide(command), !settled.isRepeat {
                observer.foundAbandoned(execution.id)
                count += 1
            }
        }
        return count
    }

    private func endExpired() async throws(LedgerFailure) -> Int {
        var count = 0
        for (account, hold, execution) in try await ledger.expiredHolds(by: clock()) {
            var cost: SettleRun.NodesCost?
            if execution.workflowSlug != nil {
                cost = try await nodesCost(of: execution.id, account)
                if cost == nil { continue }
            }
            let command = Command(
                id: identifiers.command(),
                accountID: account,
                action: .expireHold(hold.id, nodesCost: cost)
            )
            if try await ledger.decide(command) == .done {
                observer.expired(hold.executionID)
                count += 1
            }
        }
        return count
    }

    /// What the nodes of a workflow have cost that is given up; nil while one has not ended, whose hold expires before
    /// the workflow's and is ended first.
    private func nodesCost(of run: ExecutionID, _ account: AccountID) async throws(LedgerFailure) -> SettleRun
        .NodesCost?
    {
        let nodes = try await workflows?.nodes(of: run, account: account) ?? []
        guard nodes.allSatisfy(\.execution.status.isEnd) else { return nil }
        return WorkflowEnd(nodes: nodes).nodesCost
    }
}

/// Which processes are sending reports of runs' ends.
public protocol ReportClaims: Sendable {
    /// The processes that have reports to send, alive or not.
    func holders() async throws(LedgerFailure) -> Set<Int64>

    /// Makes the reports of processes that are gone due at a moment.
    func free(_ instances: Set<Int64>, at now: Timestamp) async throws(LedgerFailure)
}
