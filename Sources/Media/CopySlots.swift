import Synchronization

/// A bounded number of places for copies, and a bounded queue before them, first come, first served.
final class CopySlots: Sendable {
    private struct State {
        var free: Int
        var nextID: UInt64 = 0
        var waiting: [(id: UInt64, continuation: CheckedContinuation<Outcome, Never>)] = []
    }

    private enum Outcome {
        case taken
        case cancelled
        case full
    }

    private let state: Mutex<State>
    private let maximumWaiting: Int

    /// Makes so many places; 4,096 may wait, which is more than the runs that a service takes at a time.
    init(count: Int, maximumWaiting: Int = 4_096) {
        precondition(count > 0, "without a place nothing is ever copied")
        self.state = Mutex(State(free: count))
        self.maximumWaiting = maximumWaiting
    }

    /// Takes a place, waiting for one if need be.
    ///
    /// - Returns: whether a place was taken: not when the task is cancelled or too many wait.
    func take() async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let atOnce: Outcome? = state.withLock { state in
                    if Task.isCancelled { return .cancelled }
                    if state.free > 0 {
                        state.free -= 1
                        return .taken
                    }
                    guard state.waiting.count < maximumWaiting else { return .full }
                    state.waiting.append((id, continuation))
                    return nil
                }
                if let atOnce { continuation.resume(returning: atOnce) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
            }
            continuation?.resume(returning: .cancelled)
        }
        return outcome == .taken
    }

    /// Gives a place back, to whoever has waited longest.
    func give() {
        let next = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: .taken)
    }
}
