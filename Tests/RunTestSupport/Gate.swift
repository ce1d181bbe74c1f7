import Synchronization

/// A place where work stops until it is let on.
public final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrivals = 0
        var stopped: [CheckedContinuation<Void, Never>] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// A closed gate.
    public init() {}

    /// How many have come to the gate.
    public var arrivals: Int { state.withLock(\.arrivals) }

    /// Comes to the gate, and returns when it is open. A cancelled task waits like any other.
    public func pass() async {
        let watchers = state.withLock { state in
            state.arrivals += 1
            let arrivals = state.arrivals
            let reached = state.watchers.filter { $0.count <= arrivals }
            state.watchers.removeAll { $0.count <= arrivals }
            return reached
        }
        for watcher in watchers { watcher.continuation.resume() }
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.stopped.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    /// Returns once so many have come to the gate.
    public func waitForArrivals(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.arrivals < count { state.watchers.append((count, continuation)) }
                return state.arrivals >= count
            }
            if isReached { continuation.resume() }
        }
    }

    /// Lets everyone on, now and later.
    public func open() {
        let stopped = state.withLock { state in
            state.isOpen = true
            defer { state.stopped = [] }
            return state.stopped
        }
        for continuation in stopped { continuation.resume() }
    }
}

/// What happened, in the order in which it happened.
public final class Trace: Sendable {
    private let lines = Mutex<[String]>([])

    /// Nothing yet.
    public init() {}

    /// Everything noted so far.
    public var all: [String] { lines.withLock { $0 } }

    /// Notes something.
    public func note(_ line: String) { lines.withLock { $0.append(line) } }
}
