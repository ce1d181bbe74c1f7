internal import Registry
internal import Synchronization

/// What a simulated provider was asked to do and did: exact under any number of concurrent requests.
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
    }

    /// One request for work.
    struct Run: Sendable {
        let clientRequestID: String
        let model: String
        let providerRequestID: String
        let outputCount: Int
        let isVideo: Bool
        let fault: SimulatorFault?
        /// When a job is at its end.
        let finishesAt: ContinuousClock.Instant
        var pollCount = 0

        func outcome(at now: ContinuousClock.Instant) -> Outcome {
            switch fault {
            case .refuse, .error500: .refused
            case .stall: .accepted
            case .fail: now < finishesAt ? .accepted : .failed
            default: now < finishesAt ? .accepted : .completed
            }
        }
    }

    private struct State {
        var runs: [Run] = []
        var jobs: [String: Int] = [:]
        var pollCount = 0
        var sources: [String: FaultSource] = ["*": FaultSource(.fast)]
    }

    private let state = Mutex(State())

    init(script: SimulatorScript) { setScript(script, model: "*") }

    /// Replaces the script of a model, or of all models without one.
    func setScript(_ script: SimulatorScript, model: String) {
        state.withLock { state in
            if model == "*" { state.sources = [:] }
            state.sources[model] = FaultSource(script)
        }
    }

    /// Books a request for work and decides what happens to it.
    func book(_ order: SimulatorOrder, isJob: Bool) -> (run: Run, script: SimulatorScript) {
        let now = ContinuousClock.now
        return state.withLock { state in
            let key = state.sources[order.model] == nil ? "*" : order.model
            let drawn = order.markedFault ?? state.sources[key]?.draw()
            let script = state.sources[key]?.script ?? .fast
            var milliseconds = isJob ? script.jobMilliseconds : 0
            if isJob, drawn == .slow { milliseconds += script.slowMilliseconds }
            let id = "\(isJob ? "task" : "req")_\(state.runs.count)_\(order.clientRequestID.prefix(36))"
            let run = Run(
                clientRequestID: order.clientRequestID,
                model: order.model,
                providerRequestID: id,
                outputCount: order.outputCount,
                isVideo: order.isVideo,
                fault: drawn,
                finishesAt: now + .milliseconds(milliseconds)
            )
            if isJob { state.jobs[id] = state.runs.count }
            state.runs.append(run)
            return (run, script)
        }
    }

    /// Counts a poll for a job; nil for an id that was never given out.
    func poll(_ id: String) -> Run? {
        state.withLock { state in
            state.pollCount += 1
            guard let index = state.jobs[id], state.runs[index].outcome(at: .now) != .refused else { return nil }
            state.runs[index].pollCount += 1
            return state.runs[index]
        }
    }

    /// The latency that a model's script asks for, in milliseconds.
    func latencyMilliseconds(model: String) -> Int {
        state.withLock { ($0.sources[model] ?? $0.sources["*"])?.script.latencyMilliseconds ?? 0 }
    }

    /// Forgets every run; the scripts stay.
    func reset() {
        state.withLock { state in
            state.runs = []
            state.jobs = [:]
            state.pollCount = 0
        }
    }

    /// How often each outcome came, and whether anything was asked for twice.
    func count() -> JSONValue {
        let (runs, pollCount) = state.withLock { ($0.runs, $0.pollCount) }
        return Self.count(runs, pollCount: pollCount)
    }

    /// The counts, and every run in the order of arrival.
    func list() -> JSONValue {
        let (runs, pollCount) = state.withLock { ($0.runs, $0.pollCount) }
        guard case .object(var members) = Self.count(runs, pollCount: pollCount) else { return .null }
        let now = ContinuousClock.now
        members["runs"] = .array(
            runs.map { run in
                [
                    "clientRequestId": .string(run.clientRequestID), "model": .string(run.model),
                    "providerRequestId": .string(run.providerRequestID),
                    "fault": run.fault.map { .string($0.rawValue) } ?? .null,
                    "outcome": .string(run.outcome(at: now).rawValue),
                ]
            }
        )
        return .object(members)
    }

    private static func count(_ runs: [Run], pollCount: Int) -> JSONValue {
        let now = ContinuousClock.now
        var outcomes: [Outcome: Int64] = [:]
        var clients: Set<String> = []
        for run in runs {
            outcomes[run.outcome(at: now), default: 0] += 1
            clients.insert(run.clientRequestID)
        }
        return [
            "total": .integer(Int64(runs.count)), "distinct": .integer(Int64(clients.count)),
            "refused": .integer(outcomes[.refused] ?? 0), "accepted": .integer(outcomes[.accepted] ?? 0),
            "completed": .integer(outcomes[.completed] ?? 0), "failed": .integer(outcomes[.failed] ?? 0),
            "polls": .integer(Int64(pollCount)),
        ]
    }
}

/// A request for work, whichever wire it came over.
struct SimulatorOrder: Sendable {
    let clientRequestID: String
    let model: String
    let prompt: String
    let outputCount: Int
    let isVideo: Bool

    /// The fault that the prompt asks for.
    var markedFault: SimulatorFault? { SimulatorFault(markedIn: prompt) }

    /// Reads an order; nil when the body has no model.
    init?(body: JSONValue, clientRequestID: String?) {
        guard let model = body["model"]?.stringValue else { return nil }
        let input = body["input"] ?? body
        let count = (input["n"] ?? input["num_images"])?.integerValue ?? 1
        self.model = model
        self.clientRequestID = clientRequestID ?? ""
        self.prompt = input["prompt"]?.stringValue ?? ""
        self.outputCount = Int(max(1, min(count, 100)))
        self.isVideo = input["duration"] != nil
    }
}
