import ProviderSimulator
import Synchronization

/// A clock that only a test moves.
final class ManualClock: Sendable {
    private let state = Mutex<Int64>(1_700_000_000_000)

    var clock: SimulatorClock { SimulatorClock { self.now } }

    /// Milliseconds since 1970.
    var now: Int64 { state.withLock { $0 } }

    func advance(milliseconds: Int64) { state.withLock { $0 += milliseconds } }
}
