internal import Ledger
internal import Registry
internal import Runs
internal import Synchronization

/// How a provider is doing, as this process sees it.
public struct ProviderHealth: Hashable, Sendable {
    /// The circuit breaker.
    public enum Breaker: String, Hashable, Sendable, CaseIterable {
        /// Runs are submitted.
        case closed
        /// Too much has failed: nothing is submitted for a while.
        case open
        /// One run tries whether it works again.
        case halfOpen
    }

    /// The provider's name.
    public let name: String
    /// Runs that hold one of its slots.
    public let underWayCount: Int
    /// Runs that wait for a slot.
    public let waitingCount: Int
    /// Slots there are.
    public let concurrency: Int
    /// Whole retries that the budget has left.
    public let retriesLeft: Int
    /// The circuit breaker.
    public let breaker: Breaker
}

/// The gates of all providers, and whoever waits at them.
final class ProviderGates: Sendable {
    private struct Guarded {
        var gate: ProviderGate
        var waiters: [ExecutionID: CheckedContinuation<ProviderGate.Entry, Never>] = [:]
    }

    private let guarded = Mutex<[String: Guarded]>([:])

    /// Every provider that was asked for something, by name.
    var health: [ProviderHealth] {
        guarded.withLock { all in
            all.map { name, guarded in
                let breaker: ProviderHealth.Breaker =
                    switch guarded.gate.breaker {
                    case .closed: .closed
                    case .open: .open
                    case .halfOpen: .halfOpen
                    }
                return ProviderHealth(
                    name: name,
                    underWayCount: guarded.gate.underWayCount,
                    waitingCount: guarded.gate.waitingCount,
                    concurrency: guarded.gate.limits.concurrency,
                    retriesLeft: guarded.gate.retriesLeft,
                    breaker: breaker
                )
            }
        }.sorted { $0.name < $1.name }
    }

    /// Asks for a slot.
    ///
    /// - Parameters:
    ///   - request: the run.
    ///   - canWait: whether it may wait for one until its deadline.
    ///   - isRetry: whether it was submitted before.
    /// - Returns: `go` or `refused`.
    func enter(_ request: DispatchRequest, canWait: Bool, isRetry: Bool) async -> ProviderGate.Entry {
        let timer = Mutex<Task<Void, Never>?>(nil)
        let entry = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let entry = change(request) { guarded in
                    let entry = guarded.gate.enter(
                        request.executionID,
                        until: Self.leaseEnd(request),
                        canWait: canWait,
                        isRetry: isRetry,
                        now: .now
                    )
                    if entry == .wait { guarded.waiters[request.executionID] = continuation }
                    return entry
                }
                guard entry == .wait else {
                    continuation.resume(returning: entry)
                    return
                }
                timer.withLock {
                    $0 = Task {
                        try? await Task.sleep(until: request.deadline, clock: .continuous)
                        self.giveUp(request)
                    }
                }
                // A cancellation that came before there was anyone to give up.
                if Task.isCancelled { giveUp(request) }
            }
        } onCancel: {
            giveUp(request)
        }
        timer.withLock { $0?.cancel() }
        return entry
    }

    /// Says that accepted work is still under way.
    func keep(_ request: DispatchRequest) {
        change(request) { $0.gate.keep(request.executionID, until: Self.leaseEnd(request)) }
    }

    /// Gives a slot back.
    func leave(_ request: DispatchRequest) {
        wake(request) { $0.leave(request.executionID, now: .now) }
    }

    /// Notes whether the provider works.
    func note(_ isSuccess: Bool, by request: DispatchRequest) {
        wake(request) { $0.note(isSuccess, by: request.executionID, now: .now) }
    }

    /// Takes one retry from the provider's budget, if there is one.
    func spendRetry(_ request: DispatchRequest) -> Bool { change(request) { $0.gate.spendRetry() } }

    /// Work that nobody asks about any more holds its slot no longer than this.
    private static func leaseEnd(_ request: DispatchRequest) -> ContinuousClock.Instant {
        max(request.deadline, .now + .seconds(120))
    }

    private func giveUp(_ request: DispatchRequest) {
        let waiter = change(request) { guarded in
            guarded.gate.giveUp(request.executionID)
            return guarded.waiters.removeValue(forKey: request.executionID)
        }
        waiter?.resume(returning: .refused(.gaveUp))
    }

    private func wake(_ request: DispatchRequest, _ event: (inout ProviderGate) -> ProviderGate.Woken) {
        let resumed = change(request) { guarded in
            let woken = event(&guarded.gate)
            let admitted = woken.admitted.map { (guarded.waiters.removeValue(forKey: $0), ProviderGate.Entry.go) }
            let seconds = Duration.seconds(guarded.gate.limits.breakerOpenSeconds)
            return admitted
                + woken.refused.map { (guarded.waiters.removeValue(forKey: $0), .refused(.open(seconds))) }
        }
        for (waiter, entry) in resumed { waiter?.resume(returning: entry) }
    }

    @discardableResult
    private func change<Outcome>(_ request: DispatchRequest, _ body: (inout Guarded) -> Outcome) -> Outcome {
        let provider = request.model.provider
        return guarded.withLock { all in
            var one = all[provider.name] ?? Guarded(gate: ProviderGate(limits: provider.limits))
            one.gate.limits = provider.limits
            defer { all[provider.name] = one }
            return body(&one)
        }
    }
}
