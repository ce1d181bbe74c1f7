internal import Registry
internal import Synchronization

/// What the simulated providers were asked to do and did: exact under any number of concurrent requests.
final class SimulatorBooks: Sendable {
    /// What became of a request for work.
    enum Outcome: String, Sendable {
        /// Nothing was accepted.
        case refused
        /// Accepted, and not at an end.
        case accepted
        /// Done: a real provider would charge for it.
        case completed
        /// Accepted, and ended without a result.
        case failed
        /// Accepted, and stopped by the caller.
        case cancelled
    }

    /// One request for work.
    struct Run: Sendable {
        let order: SimulatorOrder
        /// The vendor's id.
        let id: String
        /// Its place in the order of arrival, from 0.
        let number: Int
        let fault: SimulatorFault?
        let script: SimulatorScript
        /// How long each answer about it takes.
        let latencyMilliseconds: Int
        var progress: TaskProgress
        var pollCount = 0
        var callbackCount = 0
        var downloadCount = 0
        /// Whether its record was deleted by the caller.
        var isDeleted = false

        func outcome(at now: Int64) -> Outcome {
            if let fault, fault.isRefusal { return .refused }
            return switch progress.state(at: now) {
            case .queued, .running: .accepted
            case .succeeded: .completed
            case .failed, .expired: .failed
            case .cancelled: .cancelled
            }
        }

        /// How large each of its pieces of media is.
        var mediaBytes: Int {
            order.prompt.marker("bytes").flatMap(Int.init).map { max(0, min($0, 1 << 31)) } ?? script.mediaBytes
        }
    }

    private struct State {
        var runs: [Run] = []
        var tasks: [String: Int] = [:]
        var byClientRequestID: [String: [Int]] = [:]
        var pollCount = 0
        var bookedCount: UInt64 = 0
        var skippedMilliseconds: Int64 = 0
        var sources: [SimulatorScript.Scope: FaultSource] = [SimulatorScript.Scope(): FaultSource(.fast)]
    }

    private let clock: SimulatorClock
    private let nonce: UInt64
    private let state = Mutex(State())

    init(script: SimulatorScript, clock: SimulatorClock, nonce: UInt64 = .random(in: 0...UInt64.max)) {
        self.clock = clock
        self.nonce = nonce
        setScript(script, for: SimulatorScript.Scope())
    }

    /// The time that tasks go by, in milliseconds since 1970.
    var now: Int64 { clock.milliseconds() + state.withLock { $0.skippedMilliseconds } }

    /// The time without what was skipped, as receivers of callbacks have it.
    var timeOfDay: Int64 { clock.milliseconds() }

    /// Lets time pass at once: tasks are where they would be so much later. Callbacks keep to the time of day.
    func skip(milliseconds: Int64) { state.withLock { $0.skippedMilliseconds += milliseconds } }

    /// Replaces the script of some runs; one for all takes the place of every other.
    func setScript(_ script: SimulatorScript, for scope: SimulatorScript.Scope) {
        state.withLock { state in
            if scope == SimulatorScript.Scope() { state.sources = [:] }
            state.sources[scope] = FaultSource(script)
        }
    }

    /// Books a request for work and decides what happens to it.
    ///
    /// - Parameter makeID: the vendor's form of an id, from a number that no other run has.
    func book(_ order: SimulatorOrder, makeID: (UInt64) -> String) -> Run {
        let now = now
        return state.withLock { state in
            let scope = Self.scope(of: order, in: state.sources)
            let wanted = order.markedFault ?? state.sources[scope]?.draw()
            let drawn = wanted.map { order.substitutes[$0] ?? $0 }
            let script = state.sources[scope]?.script ?? .fast
            let jitter = state.sources[scope]?.jitterMilliseconds() ?? 0
            var milliseconds = order.isTask ? script.jobMilliseconds : 0
            if order.isTask, drawn == .slow { milliseconds += script.slowMilliseconds }
            state.bookedCount += 1
            let run = Run(
                order: order,
                id: makeID(scrambled(state.bookedCount &+ nonce)),
                number: state.runs.count,
                fault: drawn,
                script: script,
                latencyMilliseconds: script.latencyMilliseconds + jitter,
                progress: TaskProgress(
                    acceptedAt: now,
                    durationMilliseconds: Int64(milliseconds),
                    ending: drawn?.ending ?? .succeeds
                )
            )
            state.tasks[run.id] = run.number
            if !order.clientRequestID.isEmpty {
                state.byClientRequestID[order.provider + ":" + order.clientRequestID, default: []].append(run.number)
            }
            state.runs.append(run)
            return run
        }
    }

    private static func scope(
        of order: SimulatorOrder,
        in sources: [SimulatorScript.Scope: FaultSource]
    ) -> SimulatorScript.Scope {
        let scopes = [
            SimulatorScript.Scope(provider: order.provider, model: order.model),
            SimulatorScript.Scope(model: order.model), SimulatorScript.Scope(provider: order.provider),
        ]
        return scopes.first { sources[$0] != nil } ?? SimulatorScript.Scope()
    }

    /// A task that was accepted by a vendor; nil for an id that was never given out.
    func task(_ id: String, provider: String) -> Run? {
        state.withLock { state in Self.index(id, provider, state).map { state.runs[$0] } }
    }

    /// Counts a poll for a task; nil for an id that was never given out.
    func poll(_ id: String, provider: String) -> Run? {
        state.withLock { state in
            state.pollCount += 1
            guard let index = Self.index(id, provider, state) else { return nil }
            state.runs[index].pollCount += 1
            return state.runs[index]
        }
    }

    /// The latest task that a vendor accepted under the caller's own id.
    func task(clientRequestID: String, provider: String) -> Run? {
        state.withLock { state in
            state.byClientRequestID[provider + ":" + clientRequestID]?
                .last { !(state.runs[$0].fault?.isRefusal ?? false) }
                .map { state.runs[$0] }
        }
    }

    /// Changes a task in place.
    func change<Outcome: Sendable>(
        _ id: String,
        provider: String,
        _ body: (inout Run, _ now: Int64) -> Outcome
    ) -> (outcome: Outcome, run: Run)? {
        let now = now
        return state.withLock { state in
            guard let index = Self.index(id, provider, state) else { return nil }
            let outcome = body(&state.runs[index], now)
            return (outcome, state.runs[index])
        }
    }

    /// Counts a download of a run's media; nil when no run has it.
    func download(_ id: String) -> Run? {
        state.withLock { state in
            guard let index = state.tasks[id], !(state.runs[index].fault?.isRefusal ?? false) else { return nil }
            state.runs[index].downloadCount += 1
            return state.runs[index]
        }
    }

    private static func index(_ id: String, _ provider: String, _ state: borrowing State) -> Int? {
        guard let index = state.tasks[id], state.runs[index].order.provider == provider,
            !state.runs[index].isDeleted, !(state.runs[index].fault?.isRefusal ?? false)
        else { return nil }
        return index
    }

    /// Forgets every run; the scripts stay.
    func reset() {
        state.withLock { state in
            state.runs = []
            state.tasks = [:]
            state.byClientRequestID = [:]
            state.pollCount = 0
        }
    }

    /// Every run in the order of arrival, and how often any was asked about.
    func all() -> (runs: [Run], pollCount: Int) { state.withLock { ($0.runs, $0.pollCount) } }
}

/// Spreads numbers that lie close together, one to one (the finaliser of SplitMix64).
func scrambled(_ number: UInt64) -> UInt64 {
    var mixed = number &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
}
