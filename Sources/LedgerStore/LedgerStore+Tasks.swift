public import Ledger
import Postgres

/// Tasks of open runs, and what is kept of runs that have ended. Operational: none of it is derived from events.
extension LedgerStore {
    /// Claims due tasks of every journal for a process, in turns so that none starves; see `RunTaskStore`.
    ///
    /// - Parameters:
    ///   - limit: how many at most.
    ///   - instance: the process.
    ///   - until: when the claims run out.
    public func claimTasks(
        limit: Int,
        instance: Int64,
        until: Timestamp
    ) async throws(LedgerStoreError) -> [RunTask] {
        let now = clock()
        var claimed: [RunTask] = []
        let first = Int16.random(in: 0..<journalCount)
        for offset in 0..<journalCount where claimed.count < limit {
            let journal = JournalID((first + offset) % journalCount)
            let claim = ClaimTasks(
                journal: journal,
                now: now,
                limit: limit - claimed.count,
                instance: instance,
                until: until
            )
            for task in try await change(claim) {
                if let opened = try await opened(task) { claimed.append(opened) }
            }
        }
        return claimed
    }

    /// Puts a task as it is after a step, if the process still has it under the task's claim.
    ///
    /// - Returns: how far a wish to cancel has come meanwhile; nil when the process no longer has it.
    public func putTask(
        _ task: RunTask,
        instance: Int64,
        callbackDigest: Digest?,
        nextActionAt: Timestamp,
        isLetGo: Bool
    ) async throws(LedgerStoreError) -> RunTask.Cancel? {
        var task = task
        if let pending = task.pending {
            let key = try await dataKey(of: task.facts.accountID)
            task.pending = key.seal(pending, for: .pending(task.facts.executionID))
        }
        let put = PutTask(
            journal: task.facts.executionID.journal,
            task: task,
            instance: instance,
            callbackDigest: callbackDigest,
            nextActionAt: nextActionAt,
            isLetGo: isLetGo,
            now: clock()
        )
        return try await change(put).first
    }

    /// Prolongs a process's claims on tasks.
    ///
    /// - Returns: those that somebody has a hint for.
    @discardableResult
    public func renewTasks(
        _ executions: [ExecutionID],
        instance: Int64,
        until: Timestamp
    ) async throws(LedgerStoreError) -> [ExecutionID] {
        var hinted: [ExecutionID] = []
        for (journal, ids) in Dictionary(grouping: executions, by: \.journal) {
            let renewal = RenewTasks(journal: journal, executions: ids, instance: instance, until: until)
            hinted += try await change(renewal).filter(\.isHinted).map(\.execution)
        }
        return hinted
    }

    /// The processes that have tasks.
    public func readTaskHolders() async throws(LedgerStoreError) -> Set<Int64> {
        var holders: Set<Int64> = []
        for number in 0..<journalCount { holders.formUnion(try await ask(ReadTaskHolders(journal: JournalID(number)))) }
        return holders
    }

    /// Makes the tasks of processes that are gone due.
    ///
    /// - Returns: how many there were.
    public func freeTasks(instances: Set<Int64>) async throws(LedgerStoreError) -> Int {
        var count = 0
        for number in 0..<journalCount {
            let freeing = FreeTasks(journal: JournalID(number), instances: Array(instances), now: clock())
            count += try await change(freeing).count
        }
        return count
    }

    /// The model of the task whose callback's token has a digest; nil when there is none.
    public func callbackModel(_ execution: ExecutionID, _ digest: Digest) async throws(LedgerStoreError) -> String? {
        guard (0..<journalCount).contains(execution.journal.number) else { return nil }
        return try await ask(ReadCallback(execution: execution, digest: digest)).first
    }

    /// Makes a task due now, if a digest is that of its callback's token.
    ///
    /// - Returns: whether it was.
    public func hint(_ execution: ExecutionID, _ digest: Digest) async throws(LedgerStoreError) -> Bool {
        guard (0..<journalCount).contains(execution.journal.number) else { return false }
        return try await !change(HintTask(execution: execution, digest: digest, now: clock())).isEmpty
    }

    /// What is kept of how runs of a journal ended, by run.
    public func reports(
        of executions: [ExecutionID],
        in journal: JournalID
    ) async throws(LedgerStoreError) -> [ExecutionID: RunReport] {
        let rows = try await ask(LoadResults(journal: journal, executions: executions))
        var reports: [ExecutionID: RunReport] = [:]
        for row in rows { reports[row.executionID] = try await opened(row) }
        return reports
    }

    /// A task with its inputs as they were; nil when they can't be opened: its run then ends by its policy, and the others
    /// go on.
    private func opened(_ task: RunTask) async throws(LedgerStoreError) -> RunTask? {
        let key = try await findDataKey(of: task.facts.accountID)
        let execution = task.facts.executionID
        guard let inputs = key.open(task.facts.inputs, for: .inputs(execution)) else { return nil }
        var opened = task.with(inputs: inputs)
        opened.pending = task.pending.flatMap { key.open($0, for: .pending(execution)) }
        return opened
    }

    /// What is kept of a run's end, as it was.
    private func opened(_ row: ResultRow) async throws(LedgerStoreError) -> RunReport {
        try await findDataKey(of: row.accountID).open(row.report, of: row.executionID)
    }

    /// Deletes what is kept of runs that were admitted before a moment, at most 1,000 a journal.
    ///
    /// - Returns: how many there were.
    public func purgeResults(before moment: Timestamp) async throws(LedgerStoreError) -> Int {
        let milliseconds = UInt64(clamping: moment.microseconds / 1_000)
        // The least id of that moment: those before it begin with an earlier time.
        let first = ExecutionID(Identifier128(high: milliseconds << 16, low: 0))
        var count = 0
        for number in 0..<journalCount {
            count += try await change(PurgeResults(journal: JournalID(number), first: first, limit: 1_000)).count
        }
        return count
    }

    /// An account, one of its keys, and one of its runs with what is kept of its end, as they stand at one moment.
    ///
    /// - Returns: nil for what is unknown or not the account's.
    public func readGlance(
        at execution: ExecutionID,
        account: AccountID,
        key: KeyID
    ) async throws(LedgerStoreError) -> (account: Account?, key: APIKey?, execution: Execution?, report: RunReport?) {
        let journal = journal(of: account)
        var unit = PipelineBatch()
        unit.begin(.repeatableReadOnly)
        unit.append(LoadAccounts(journal: journal, accounts: [account]))
        unit.append(LoadKeys(journal: journal, keys: [key]))
        unit.append(LoadHolds(journal: journal, holds: [ProjectionRow(account, HoldID(execution.value))]))
        unit.append(LoadEndedExecutions(journal: journal, executions: [ProjectionRow(account, execution)]))
        unit.append(LoadResults(journal: journal, executions: [execution]))
        unit.commit()
        let results = try await ask(unit)
        var glance: (account: Account?, key: APIKey?, execution: Execution?, report: RunReport?)
        let kept: ResultRow?
        do throws(PostgresError) {
            kept = try results[5].decode(as: LoadResults.self).first { $0.accountID == account }
            let keys = try results[2].decode(as: LoadKeys.self)
            let open = try results[3].decode(as: LoadHolds.self).first
            let ended = try results[4].decode(as: LoadEndedExecutions.self).first
            glance = (
                account: try results[1].decode(as: LoadAccounts.self).first,
                key: keys.first { $0.account == account }?.value,
                execution: open?.run.value.execution ?? ended?.value,
                report: nil
            )
        } catch {
            throw LedgerStoreError(.damaged, outcome: .rolledBack, error.description)
        }
        if let kept { glance.report = try await opened(kept) }
        return glance
    }

    /// Counts a read of an account in the clock minute.
    ///
    /// - Returns: the minute's window, and whether the read fits in it.
    public func countReadInMinute(
        of account: AccountID,
        limit: Int64
    ) async throws(LedgerStoreError) -> (window: WindowStatus, fits: Bool) {
        let now = clock()
        guard limit > 0 else {
            return (WindowStatus(limit: limit, count: 0, minute: now.minute, decidedAt: now), false)
        }
        let counting = CountRead(
            journal: journal(of: account),
            account: account,
            minute: now.minute,
            limit: limit
        )
        let count = try await change(counting).first
        let window = WindowStatus(limit: limit, count: count ?? limit, minute: now.minute, decidedAt: now)
        return (window, count != nil)
    }

    /// Has one statement that changes something carried out; it is not sent again, whatever became of it.
    func change<S: PostgresStatement>(_ statement: S) async throws(LedgerStoreError) -> [S.Row] {
        do throws(PostgresError) {
            return try await client.query(statement)
        } catch {
            throw LedgerStoreError(error)
        }
    }
}
