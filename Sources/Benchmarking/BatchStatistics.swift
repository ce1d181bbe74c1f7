public import LedgerStore
import Synchronization

/// Counts the batches of a benchmark.
public final class BatchStatistics: BatchObserver {
    /// What was counted.
    public struct Totals: Sendable {
        /// Batches committed.
        public var batches = 0
        /// Commands in them.
        public var commands = 0
        /// Events they appended.
        public var events = 0
        /// Commands in the largest.
        public var largest = 0
        /// Nothing counted.
        public init() {}
        /// Commands in a batch on average.
        public var meanCommands: Double { batches == 0 ? 0 : Double(commands) / Double(batches) }
    }

    private let counted = Mutex(Totals())

    /// Nothing counted yet.
    public init() {}

    /// A batch was committed.
    public func committed(journal: Int16, commands: Int, events: Int, duration: Duration) {
        counted.withLock { totals in
            totals.batches += 1
            totals.commands += commands
            totals.events += events
            totals.largest = max(totals.largest, commands)
        }
    }

    /// What was counted so far; the count starts anew.
    public func take() -> Totals {
        counted.withLock { totals in
            defer { totals = Totals() }
            return totals
        }
    }
}
