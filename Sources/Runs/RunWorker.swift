import Ledger
import Synchronization

/// Goes on with the tasks of open runs, whichever process took them: claims what is due, does one step of each, and lets
/// it go again. Every process has one; they share the work.
public final class RunWorker: Sendable {
    private let service: RunService
    private let runner: TaskRunner
    private let interval: Duration
    private let observer: any RunObserver
    private let alarm: Alarm
    /// The most tasks that are claimed at once.
    private static let batch = 64
    /// After this long without a due task, looks become rarer.
    private static let patience = Duration.seconds(5)
    /// From one look to the next when nothing was due for a while: an idle process asks the ledger for little.
    private static let idleInterval = Duration.seconds(1)

    /// Makes a worker for a use case whose runs have tasks; nil for one whose runs have none.
    ///
    /// - Parameters:
    ///   - service: the use case.
    ///   - interval: from one look for due tasks to the next.
    public init?(for service: RunService, interval: Duration = .milliseconds(250)) {
        guard let runner = service.runner else { return nil }
        self.service = service
        self.runner = runner
        self.interval = interval
        self.observer = service.observer
        self.alarm = service.alarm
    }

    /// Works until it is cancelled, then finishes the steps under way, at most for a time.
    ///
    /// - Parameter grace: after which steps that wait for a provider are broken off; others go on with their tasks.
    public func run(grace: Duration) async {
        let steps = StepBag()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in await renewClaims() }
            var lastWork = ContinuousClock.now
            while !Task.isCancelled {
                if await claimDue(steps) { lastWork = .now }
                let isIdle = lastWork.duration(to: .now) > Self.patience
                // Rung when a task is made here, or made due by a callback.
                if await alarm.wait(atMost: isIdle ? max(interval, Self.idleInterval) : interval) { lastWork = .now }
            }
            group.cancelAll()
        }
        await steps.finish(grace: grace, runner: runner)
    }

    private func renewClaims() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: runner.limits.claim / 3)
            _ = try? await runner.renew()
        }
    }

    /// Begins the steps of due tasks, as far as there is room; says whether any was due.
    private func claimDue(_ steps: StepBag) async -> Bool {
        var worked = false
        while !Task.isCancelled {
            let room = min(runner.room, Self.batch)
            // Work waits for room.
            guard room > 0 else { return true }
            do throws(LedgerFailure) {
                let due = try await runner.claim(room)
                for task in due { start(task, steps) }
                if !due.isEmpty { worked = true }
                if due.count < room { return worked }
            } catch {
                observer.workDelayed(error)
                return worked
            }
        }
        return worked
    }

    private func start(_ task: RunTask, _ steps: StepBag) {
        // Without room the claim runs out, and somebody else has the task.
        guard runner.takeRoom() else { return }
        steps.add { [runner, service] in
            if WorkflowName.slug(in: task.facts.model) == nil {
                await runner.advance(task)
            } else {
                await service.resume(task)
            }
            runner.giveRoom()
        }
    }
}

/// Steps under way, so that they can be waited for.
final class StepBag: Sendable {
    private struct State {
        var number = 0
        var steps: [Int: Task<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.steps.count } }

    func add(_ work: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            state.number += 1
            let number = state.number
            state.steps[number] = Task {
                await work()
                self.state.withLock { $0.steps[number] = nil }
            }
        }
    }

    /// Waits for every step; after the grace they are cancelled, and record what they can.
    func finish(grace: Duration, runner: TaskRunner?) async {
        let end = ContinuousClock.now.advanced(by: grace)
        while count > 0, ContinuousClock.now < end {
            // Not cancellable: whoever stops has been cancelled already.
            await Task { try? await Task.sleep(for: .milliseconds(20)) }.value
        }
        runner?.stop()
        let left = state.withLock { Array($0.steps.values) }
        for step in left { step.cancel() }
        for step in left { await step.value }
    }
}
