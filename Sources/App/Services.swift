import CoreMetrics
import Ledger
import LedgerStore
import Logging
import Runs
import ServiceLifecycle
import Synchronization

/// Keeps the ledger open until everything above it has stopped.
struct LedgerService: Service {
    let connection: LedgerConnection
    let lease: InstanceLease

    func run() async throws {
        try? await gracefulShutdown()
        await connection.close()
        await lease.stop()
    }
}

/// Serves requests. Once it is told to stop, takes no more connections, gives runs the grace to end, then interrupts those
/// that have not, so that their callers are answered and the ledger knows.
struct ServingService: Service {
    let server: any Service
    let runs: RunService
    let grace: Duration
    let logger: Logger

    func run() async throws {
        let toldToStop = Mutex<ContinuousClock.Instant?>(nil)
        try await withGracefulShutdownHandler {
            // Cancelled when the server has answered everyone.
            async let _: Void = interruptAfterGrace()
            try await server.run()
        } onGracefulShutdown: {
            toldToStop.withLock { $0 = .now }
            let count = runs.underWayCount
            if count > 0 { logger.info("runs are being finished", metadata: ["runs": "\(count)"]) }
        }
        // Runs whose callers have hung up are left.
        let elapsed = toldToStop.withLock { $0 }?.duration(to: .now) ?? .zero
        await runs.drain(grace: max(.zero, grace - elapsed))
    }

    private func interruptAfterGrace() async {
        guard (try? await gracefulShutdown()) != nil, (try? await Task.sleep(for: grace)) != nil else { return }
        await runs.drain(grace: .zero)
    }
}

/// Does something again and again, with a pause after each time, until the service is told to stop.
func repeatUntilShutdown(pausing pause: Duration, _ step: @escaping @Sendable () async -> Void) async {
    await cancelWhenGracefulShutdown {
        while !Task.isCancelled {
            await step()
            try? await Task.sleep(for: pause)
        }
    }
}

/// Looks for what dead processes left behind, and for what has run out.
struct RecoveryService: Service {
    let recovery: RunRecovery
    let lease: InstanceLease
    let interval: Duration
    let logger: Logger

    func run() async throws {
        await repeatUntilShutdown(pausing: interval) { await look() }
    }

    private func look() async {
        await lease.renew()
        do throws(LedgerFailure) {
            let found = try await recovery.look()
            if found.abandoned + found.expired > 0 {
                logger.notice(
                    "recovered",
                    metadata: ["unresolved": "\(found.abandoned)", "expired": "\(found.expired)"]
                )
            }
        } catch {
            logger.warning("the ledger can't be searched for abandoned runs", metadata: ["error": "\(error)"])
        }
    }
}

/// Goes on with the tasks of open runs. Once it is told to stop, claims no more, and finishes the steps under way.
struct WorkerService: Service {
    let worker: RunWorker?
    let grace: Duration

    func run() async throws {
        await cancelWhenGracefulShutdown { await worker?.run(grace: grace) }
    }
}

/// Has the last uses of keys kept, every few seconds and when it is told to stop.
struct KeyUseService: Service {
    let uses: KeyUseLog
    let interval: Duration
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                if !Task.isCancelled { await flush() }
            }
        }
        await flush()
    }

    private func flush() async {
        do throws(LedgerFailure) {
            try await uses.flush()
        } catch {
            logger.warning("the last uses of keys can't be kept now", metadata: ["error": "\(error)"])
        }
    }
}

/// Deletes results and answers that have been kept for long enough.
struct TidyService: Service {
    let store: LedgerStore
    let resultDays: Int
    let idempotencyDays: Int
    let logger: Logger

    func run() async throws {
        await repeatUntilShutdown(pausing: .seconds(600)) { await tidy() }
    }

    private func tidy() async {
        do throws(LedgerStoreError) {
            let deleted = try await purge(olderThanDays: resultDays, store.purgeResults)
            if deleted > 0 { logger.info("results were deleted", metadata: ["results": "\(deleted)"]) }
            try await store.trimDocuments()
            let forgotten = try await purge(olderThanDays: idempotencyDays, store.purgeClaims)
            if forgotten > 0 { logger.info("idempotency keys were forgotten", metadata: ["keys": "\(forgotten)"]) }
        } catch {
            logger.warning("results can't be deleted now", metadata: ["error": "\(error)"])
        }
    }

    /// Deletes a bounded number at a time, until none is left that is as old. Returns how many were.
    private func purge(
        olderThanDays days: Int,
        _ some: (Timestamp) async throws(LedgerStoreError) -> Int
    ) async throws(LedgerStoreError) -> Int {
        let moment = SystemClock.now().adding(seconds: -Int64(days) * 86_400)
        var count = 0
        while !Task.isCancelled {
            let deleted = try await some(moment)
            count += deleted
            guard deleted > 0 else { break }
        }
        return count
    }
}

/// Tells the log and the metrics what an operator should know of runs.
struct RunLog: RunObserver {
    let logger: Logger
    let metrics: ServiceMetrics

    func settlementDelayed(_ execution: ExecutionID, _ failure: LedgerFailure) {
        metrics.settlementsDelayed.increment()
        logger.warning(
            "an outcome can't be recorded yet",
            metadata: ["execution": "\(execution)", "error": "\(failure)"]
        )
    }

    func settlementRefused(_ execution: ExecutionID) {
        logger.warning("an outcome belongs to no run of the ledger", metadata: ["execution": "\(execution)"])
    }

    func foundAbandoned(_ execution: ExecutionID) {
        metrics.runsAbandoned.increment()
        logger.notice("a run was left behind by a process that ended", metadata: ["execution": "\(execution)"])
    }

    func workDelayed(_ failure: LedgerFailure) {
        logger.warning("the ledger can't be asked for work that is due", metadata: ["error": "\(failure)"])
    }

    func expired(_ execution: ExecutionID) {
        metrics.holdsExpired.increment()
        logger.notice("a hold ran out", metadata: ["execution": "\(execution)"])
    }
}
