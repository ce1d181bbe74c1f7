public import Ledger
import Synchronization

/// The traces of runs that go on after their callers were answered, while this process remembers them: what its workers do
/// for such a run belongs to the trace of the request that began it.
///
/// The latest so many are remembered. What is forgotten, or was begun by another process, goes on without a trace.
public final class RunTraces: Sendable {
    private let limit: Int
    private let state = Mutex((traces: [ExecutionID: TraceContext](), order: [ExecutionID](), next: 0))

    /// Makes a memory.
    ///
    /// - Parameter limit: how many runs are remembered.
    public init(limit: Int = 10_000) { self.limit = limit }

    /// Remembers a run's trace; nothing happens when there is none.
    public func remember(_ trace: TraceContext?, of execution: ExecutionID) {
        guard let trace else { return }
        state.withLock { state in
            guard state.traces.updateValue(trace, forKey: execution) == nil else { return }
            if state.order.count < limit {
                state.order.append(execution)
            } else {
                state.traces[state.order[state.next]] = nil
                state.order[state.next] = execution
                state.next = (state.next + 1) % limit
            }
        }
    }

    /// A run's trace; nil when it is not remembered.
    public subscript(execution: ExecutionID) -> TraceContext? { state.withLock { $0.traces[execution] } }
}
