import Operations
import Synchronization
import UnixSignals

/// Somebody wants the program to end: Ctrl-C, or a signal.
public struct Interrupted: Error {}

/// Runs a body until it ends or a signal asks the program to end; then the body is cancelled and waited for.
///
/// - Throws: ``Interrupted`` after a signal, whatever the body made of its cancellation.
func untilInterrupted(_ body: @escaping @Sendable () async throws -> Void) async throws {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    let work = Task { try await body() }
    let isInterrupted = Mutex(false)
    let watch = Task {
        for await _ in signals {
            isInterrupted.withLock { $0 = true }
            work.cancel()
        }
    }
    let result = await work.result
    watch.cancel()
    if isInterrupted.withLock({ $0 }) { throw Interrupted() }
    try result.get()
}
