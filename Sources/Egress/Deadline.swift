/// A deadline passed before an operation ended.
public struct DeadlinePassed: Error, Hashable, Sendable {
    /// Makes the error.
    public init() {}
}

/// Runs an operation, and cancels it at a deadline.
///
/// Returns only when the operation has: it has to heed cancellation.
///
/// - Parameters:
///   - deadline: when the operation is cancelled.
///   - operation: what is run.
/// - Throws: `DeadlinePassed` when the deadline came first, otherwise what the operation throws.
public func withDeadline<Value: Sendable>(
    _ deadline: ContinuousClock.Instant,
    _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try await Task.sleep(until: deadline, clock: .continuous)
            return nil
        }
        defer { group.cancelAll() }
        do {
            guard let first = try await group.next(), let value = first else { throw DeadlinePassed() }
            return value
        } catch {
            guard ContinuousClock.now < deadline else { throw DeadlinePassed() }
            throw error
        }
    }
}
