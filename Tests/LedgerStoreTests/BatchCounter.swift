import LedgerStore
import Synchronization

/// Counts the batches that a store commits.
final class BatchCounter: BatchObserver {
    private let state = Atomic<Int>(0)

    var count: Int { state.load(ordering: .relaxed) }

    func committed(journal: Int16, commands: Int, events: Int, duration: Duration) {
        state.add(1, ordering: .relaxed)
    }
}
