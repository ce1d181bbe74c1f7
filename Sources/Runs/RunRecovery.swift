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
    private let alarm: Alarm
    private let identifiers: IdentifierSource
    private let clock: @Sendable () -> Timestamp
    private let instance: Int64
    private let observer: any RunObserver
    /// Instances that were not alive at the last look; one missing twice is gone.
    private let missing = Mutex<Set<Int64>>([])
    /// The same for those that have tasks.
    private let missingHolders = Mutex<Set<Int64>>([])

    /// Makes a recovery for a use case.
    public init(
        for service: RunService,
        clock: @escaping @Sendable () -> Timestamp,
        observer: any RunObserver
    ) {
        self.ledger = service.ledger
        self.tasks = service.tasks
        self.alarm = service.alarm
        self.identifiers = service.identifiers
        self.instance = service.instance
        self.clock = clock
        self.observer = observer
    }

    /// Looks once.
    ///
    /// Tasks of a process that is gone are freed for others, before their claims run out.
    ///
    /// - Returns: how many runs were recorded as unresolved, and how many holds were ended.
    public func look() async throws(LedgerFailure) -> (abandoned: Int, expired: Int) {
        try await freeTasks()
        let abandoned = try await recordAbandoned()
        return (abandoned, try await endExpired())
    }

    private func freeTasks() async throws(LedgerFailure) {
        guard let tasks else { return }
        let holders = try await tasks.taskHolders().subtracting([instance])
        let gone = holders.isEmpty ? [] : holders.subtracting(try await ledger.liveInstances())
        let certain = missingHolders.withLock { missing in
            defer { missing = gone }
            return missing.intersection(gone)
        }
        guard !certain.isEmpty, try await tasks.freeTasks(of: certain) > 0 else { return }
        alarm.ring()
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
        for (account, hold) in try await ledger.expiredHolds(by: clock()) {
            let command = Command(id: identifiers.command(), accountID: account, action: .expireHold(hold.id))
            if try await ledger.decide(command) == .done {
                observer.expired(hold.executionID)
                count += 1
            }
        }
        return count
    }
}
