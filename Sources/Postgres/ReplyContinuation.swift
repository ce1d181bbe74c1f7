#if DEBUG
    /// In debug builds a missing or second resume is reported.
    typealias ReplyContinuation<Value: Sendable> = CheckedContinuation<Value, Never>

    func withReply<Value: Sendable>(_ body: (ReplyContinuation<Value>) -> Void) async -> Value {
        await withCheckedContinuation { body($0) }
    }
#else
    /// Unsafe, because the state machines hand every ticket back exactly once: `PipelineStateMachine` when a unit ends,
    /// `SessionPoolStateMachine` when a wait ends.
    typealias ReplyContinuation<Value: Sendable> = UnsafeContinuation<Value, Never>

    func withReply<Value: Sendable>(_ body: (ReplyContinuation<Value>) -> Void) async -> Value {
        await withUnsafeContinuation { body($0) }
    }
#endif
