import Synchronization

/// Counts what failed, so that nobody tries tokens one after the other: after five failures of an address within a minute it
/// waits for the minute's end, and after a hundred of all addresses everybody does.
final class SignInThrottle: Sendable {
    static let failuresOfAddress = 5
    static let failuresOfAll = 100
    static let windowSeconds: Int64 = 60

    private struct Counts {
        var window: Int64 = 0
        var byAddress: [String: Int] = [:]
        var all = 0
    }

    private let counts = Mutex(Counts())

    /// Seconds to wait before the next attempt of an address; nil when it may try.
    func secondsToWait(of address: String, atSeconds now: Int64) -> Int64? {
        counts.withLock { counts in
            guard counts.window == now / Self.windowSeconds else { return nil }
            let isOver =
                counts.all >= Self.failuresOfAll
                || counts.byAddress[address, default: 0] >= Self.failuresOfAddress
            return isOver ? Self.windowSeconds - now % Self.windowSeconds : nil
        }
    }

    /// Counts an attempt that failed.
    func failed(_ address: String, atSeconds now: Int64) {
        counts.withLock { counts in
            if counts.window != now / Self.windowSeconds { counts = Counts(window: now / Self.windowSeconds) }
            counts.byAddress[address, default: 0] += 1
            counts.all += 1
        }
    }
}
