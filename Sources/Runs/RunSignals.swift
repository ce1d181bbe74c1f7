public import Ledger
import Synchronization

/// Wakes whoever waits in this process for something that concerns a run: its end, or a provider's hint.
public final class RunSignals: Sendable {
    /// One who waits, from when it is made until nobody has it any more. What is signalled meanwhile is not missed.
    public final class Watcher: Sendable {
        private let alarm: Alarm
        private let signals: RunSignals
        private let execution: ExecutionID
        private let number: Int

        fileprivate init(_ signals: RunSignals, _ execution: ExecutionID, _ number: Int, _ alarm: Alarm) {
            self.signals = signals
            self.execution = execution
            self.number = number
            self.alarm = alarm
        }

        deinit { signals.forget(execution, number) }

        /// Returns at the next signal, one that came since the last wait included, or after a time.
        public func wait(atMost time: Duration) async { await alarm.wait(atMost: time) }
    }

    private struct State {
        var number = 0
        var watchers: [ExecutionID: [Int: Alarm]] = [:]
    }

    private let state = Mutex(State())

    /// Nobody waits.
    public init() {}

    /// Watches a run from now on.
    public func watch(_ execution: ExecutionID) -> Watcher {
        let alarm = Alarm()
        let number = state.withLock { state in
            state.number += 1
            state.watchers[execution, default: [:]][state.number] = alarm
            return state.number
        }
        return Watcher(self, execution, number, alarm)
    }

    private func forget(_ execution: ExecutionID, _ number: Int) {
        state.withLock { state in
            state.watchers[execution]?[number] = nil
            if state.watchers[execution]?.isEmpty == true { state.watchers[execution] = nil }
        }
    }

    /// Wakes everyone who watches a run.
    public func signal(_ execution: ExecutionID) {
        let alarms = state.withLock { $0.watchers[execution].map { Array($0.values) } ?? [] }
        for alarm in alarms { alarm.ring() }
    }
}

/// Rung to wake one who waits, or who comes to wait later.
public final class Alarm: Sendable {
    private struct State {
        var isRung = false
        var sleeper: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// Nobody waits.
    public init() {}

    /// Wakes the one who waits, or the next who comes to.
    public func ring() {
        state.withLock { state in
            if let sleeper = state.sleeper { sleeper.yield() } else { state.isRung = true }
            state.sleeper = nil
        }
    }

    /// Returns when it is rung, or after a time.
    ///
    /// - Returns: whether it was rung.
    @discardableResult
    public func wait(atMost time: Duration) async -> Bool {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { state in
            if state.isRung { continuation.yield() } else { state.sleeper = continuation }
            state.isRung = false
        }
        return await stream.first(within: time)
    }
}

extension AsyncStream<Void> {
    /// Returns at the first element, or after a time.
    ///
    /// - Returns: whether an element came.
    @discardableResult
    func first(within time: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in self { return true }
                return false
            }
            group.addTask {
                try? await Task.sleep(for: time)
                return false
            }
            let came = await group.next() ?? false
            group.cancelAll()
            return came
        }
    }
}
