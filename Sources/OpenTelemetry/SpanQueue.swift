import Synchronization

/// Spans that have ended and wait to be exported: bounded. What finds it full is dropped and counted, so that neither a
/// collector that is gone nor a flood of spans holds up or feeds on what is traced.
public final class SpanQueue: Sendable {
    private let limit: Int
    private let state = Mutex((spans: [EndedSpan](), dropped: 0))

    /// Makes a queue.
    ///
    /// - Parameter limit: spans that wait at most.
    public init(limit: Int) { self.limit = limit }

    func offer(_ span: EndedSpan) {
        state.withLock { state in
            if state.spans.count < limit { state.spans.append(span) } else { state.dropped += 1 }
        }
    }

    /// Takes the spans that have waited longest, and how many were dropped since the last time.
    func take(_ count: Int) -> (spans: [EndedSpan], dropped: Int) {
        state.withLock { state in
            let taken = Array(state.spans.prefix(count))
            state.spans.removeFirst(taken.count)
            defer { state.dropped = 0 }
            return (taken, state.dropped)
        }
    }

    /// Spans that wait.
    public var count: Int { state.withLock(\.spans.count) }
}
