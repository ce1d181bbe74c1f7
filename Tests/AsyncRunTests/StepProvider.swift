import Ledger
import Registry
import RunTestSupport
import Runs
import Synchronization

/// A provider that is asked one step at a time, and answers each kind of step as it is told.
final class StepProvider: ModelProvider {
    struct Script: Sendable {
        var submit: @Sendable (DispatchRequest) async -> SubmitOutcome = {
            .accepted(ProviderTask(id: "job-\($0.executionID)"))
        }
        var poll: @Sendable (DispatchRequest, Int) async -> PollOutcome = { _, _ in .ended(.done) }
        /// From one poll of a run whose caller waits to the next, unless it hears of a hint.
        var pause = Duration.milliseconds(10)
        var cancel: @Sendable () async -> CancelOutcome = { .requested }
        var lookUp: @Sendable (DispatchRequest) async -> LookUpOutcome = { _ in .unknown }
    }

    private struct State {
        var script = Script()
        var calls: [String] = []
        var polls: [ExecutionID: Int] = [:]
        var callbackURLs: [String] = []
    }

    private let state = Mutex(State())

    /// What it was asked, in order: `submit`, `poll`, `cancel`, `lookUp`.
    var calls: [String] { state.withLock(\.calls) }
    /// Where it was told to call back.
    var callbackURLs: [String] { state.withLock(\.callbackURLs) }

    func count(_ call: String) -> Int { calls.count { $0 == call } }

    func follow(_ change: (inout Script) -> Void) { state.withLock { change(&$0.script) } }

    private func note(_ call: String) -> Script {
        state.withLock { state in
            state.calls.append(call)
            return state.script
        }
    }

    func run(
        _ request: DispatchRequest,
        submitted: @escaping @Sendable (_ task: ProviderTask) async -> Void
    ) async -> DispatchOutcome {
        switch await submit(request) {
        case .ended(let outcome): return outcome
        case .notAccepted(let failure, _, _): return .failed(failure)
        case .accepted(let task):
            await submitted(task)
            while true {
                if case .ended(let outcome) = await poll(request, task) { return outcome }
                let pause = state.withLock(\.script.pause)
                if let hint = request.hint {
                    await hint.wait(atMost: pause)
                } else {
                    try? await Task.sleep(for: pause)
                }
                guard !Task.isCancelled else { return .unresolved(.interrupted, providerRequestID: task.id) }
            }
        }
    }

    func submit(_ request: DispatchRequest) async -> SubmitOutcome {
        let script = note("submit")
        if let url = request.callbackURL { state.withLock { $0.callbackURLs.append(url) } }
        return await script.submit(request)
    }

    func poll(_ request: DispatchRequest, _ task: ProviderTask) async -> PollOutcome {
        let script = note("poll")
        let number = state.withLock { state in
            state.polls[request.executionID, default: 0] += 1
            return state.polls[request.executionID, default: 0]
        }
        return await script.poll(request, number)
    }

    func cancel(_ request: DispatchRequest, _ task: ProviderTask) async -> CancelOutcome {
        await note("cancel").cancel()
    }

    func lookUp(_ request: DispatchRequest) async -> LookUpOutcome { await note("lookUp").lookUp(request) }
}

/// Copies media as it is told.
final class ScriptedMedia: MediaKeeper {
    typealias Script = @Sendable (Int) throws(MediaFailure) -> JSONValue
    private let attempts = Mutex(0)
    private let script: Mutex<Script?>

    init(_ script: Script? = nil) { self.script = Mutex(script) }

    var count: Int { attempts.withLock { $0 } }

    func keep(
        _ result: JSONValue,
        of executionID: ExecutionID,
        deadline: ContinuousClock.Instant
    ) async throws(MediaFailure) -> JSONValue {
        let number = attempts.withLock { attempts in
            attempts += 1
            return attempts
        }
        guard let script = script.withLock({ $0 }) else { return result }
        return try script(number)
    }
}
