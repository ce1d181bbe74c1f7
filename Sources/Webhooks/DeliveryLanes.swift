import Ledger
import Runs
import Synchronization

/// Attempts under way in this process, bounded over all keys and for each, so that a receiver that is slow or dead keeps
/// its own key's deliveries waiting and nobody else's.
final class DeliveryLanes: Sendable {
    /// What may be claimed next.
    struct Lot: Hashable, Sendable {
        /// How many deliveries.
        let limit: Int
        /// Whose deliveries are to be left alone: keys for which so many more would be too many.
        let busyKeys: [KeyID]
    }

    private struct State {
        var total = 0
        var byKey: [KeyID: Int] = [:]
    }

    private let total: Int
    private let perKey: Int
    private let state = Mutex(State())
    private let alarm = Alarm()

    /// Makes lanes.
    ///
    /// - Parameters:
    ///   - total: attempts at a time.
    ///   - perKey: attempts of one key at a time.
    init(total: Int, perKey: Int) {
        precondition(perKey > 0 && total >= perKey, "a key has room, and all keys have no less")
        (self.total, self.perKey) = (total, perKey)
    }

    /// The largest lot that can't exceed a bound, whosever deliveries it turns out to have; nil when there is no room.
    var nextLot: Lot? {
        state.withLock { state in
            let room = min(total - state.total, perKey)
            guard room > 0 else { return nil }
            // Singly while many keys are at work, so that those with some room left are not passed over.
            let limit = state.byKey.isEmpty ? room : 1
            return Lot(limit: limit, busyKeys: state.byKey.filter { $0.value + limit > perKey }.map(\.key))
        }
    }

    /// Begins an attempt in a task of its own.
    func begin(_ key: KeyID, _ attempt: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            state.total += 1
            state.byKey[key, default: 0] += 1
        }
        Task {
            await attempt()
            end(key)
        }
    }

    private func end(_ key: KeyID) {
        state.withLock { state in
            state.total -= 1
            let left = state.byKey[key, default: 1] - 1
            state.byKey[key] = left > 0 ? left : nil
        }
        alarm.ring()
    }

    /// Returns when an attempt has ended, or after a time.
    func wait(atMost time: Duration) async { await alarm.wait(atMost: time) }

    /// Returns when no attempt is under way, also to one who has been cancelled.
    func finish() async {
        while state.withLock(\.total) > 0 {
            await Task { try? await Task.sleep(for: .milliseconds(5)) }.value
        }
    }
}
