public import Ledger
public import LedgerStore
public import Runs

extension LedgerStore: RunTaskStore {
    /// Claims due tasks.
    public func claimTasks(
        limit: Int,
        by instance: Int64,
        until: Timestamp
    ) async throws(LedgerFailure) -> [RunTask] {
        do throws(LedgerStoreError) {
            return try await claimTasks(limit: limit, instance: instance, until: until)
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Puts a task as it is after a step.
    public func putTask(
        _ task: RunTask,
        by instance: Int64,
        callbackDigest: Digest?,
        nextActionAt: Timestamp,
        isLetGo: Bool
    ) async throws(LedgerFailure) -> RunTask.Cancel? {
        do throws(LedgerStoreError) {
            return try await putTask(
                task,
                instance: instance,
                callbackDigest: callbackDigest,
                nextActionAt: nextActionAt,
                isLetGo: isLetGo
            )
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Prolongs this process's claims.
    public func renewTasks(
        _ executions: [ExecutionID],
        by instance: Int64,
        until: Timestamp
    ) async throws(LedgerFailure) -> [ExecutionID] {
        do throws(LedgerStoreError) {
            return try await renewTasks(executions, instance: instance, until: until)
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// The processes that have tasks.
    public func taskHolders() async throws(LedgerFailure) -> Set<Int64> {
        do throws(LedgerStoreError) {
            return try await readTaskHolders()
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Makes the tasks of processes that are gone due.
    public func freeTasks(of instances: Set<Int64>) async throws(LedgerFailure) -> Int {
        do throws(LedgerStoreError) {
            return try await freeTasks(instances: instances)
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// The model of the task whose callback's token has this digest.
    public func modelOfCallback(_ execution: ExecutionID, _ digest: Digest) async throws(LedgerFailure) -> String? {
        do throws(LedgerStoreError) {
            return try await callbackModel(execution, digest)
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Makes a task due now, if the digest is that of its callback's token.
    public func hintTask(_ execution: ExecutionID, _ digest: Digest) async throws(LedgerFailure) -> Bool {
        do throws(LedgerStoreError) {
            return try await hint(execution, digest)
        } catch {
            throw LedgerFailure(error)
        }
    }
}

extension LedgerStore: ExecutionReader {
    /// A run as its account and the key that asks see it.
    public func glance(
        at execution: ExecutionID,
        account: AccountID,
        key: KeyID
    ) async throws(LedgerFailure) -> ExecutionGlance {
        do throws(LedgerStoreError) {
            let found = try await readGlance(at: execution, account: account, key: key)
            return ExecutionGlance(
                account: found.account,
                key: found.key,
                execution: found.execution,
                report: found.report
            )
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Counts a read in the current clock minute.
    public func countRead(
        of account: AccountID,
        limit: Int64
    ) async throws(LedgerFailure) -> (window: WindowStatus, fits: Bool) {
        do throws(LedgerStoreError) {
            return try await countReadInMinute(of: account, limit: limit)
        } catch {
            throw LedgerFailure(error)
        }
    }
}

extension LedgerStore: AnswerStore {
    /// The answer that an account's request under a key was given.
    public func recordedAnswer(
        of account: AccountID,
        key: Digest
    ) async throws(LedgerFailure) -> RecordedAnswer? {
        do throws(LedgerStoreError) {
            return try await readAnswer(of: account, key: key)
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Keeps the answer to a run, unless one is kept already.
    public func keepAnswer(
        _ answer: RecordedAnswer,
        of account: AccountID,
        key: Digest,
        execution: ExecutionID
    ) async throws(LedgerFailure) -> RecordedAnswer? {
        do throws(LedgerStoreError) {
            return try await pinAnswer(answer, of: account, key: key, execution: execution)
        } catch {
            throw LedgerFailure(error)
        }
    }
}
