public import Ledger
import Synchronization

/// A clock that stands still until a test moves it.
public final class TestClock: Sendable {
    // Some minute's first microsecond, in 2027.
    private let moment = Mutex(Timestamp(microseconds: 1_800_000_000_000_000))

    /// Starts at the same moment for every test, when a minute begins.
    public init() {}

    /// The moment it stands at.
    public var now: Timestamp { moment.withLock { $0 } }

    /// Moves it on.
    public func advance(seconds: Int64) { advance(microseconds: seconds * 1_000_000) }

    /// Moves it on.
    public func advance(microseconds: Int64) {
        moment.withLock { $0 = Timestamp(microseconds: $0.microseconds + microseconds) }
    }
}
