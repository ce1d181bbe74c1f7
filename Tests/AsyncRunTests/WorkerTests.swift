import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import RunTestSupport
import Runs
import TestSupport
import Testing

/// Goal: every run that goes on without its caller ends as it should, whatever becomes of providers and processes.
/// Method: services on one ledger in PostgreSQL, each with its worker, over a provider that follows a script.
@Suite("Runs that go on without their caller", .gated, .database(LedgerDatabase.template(journals: 4)))
struct WorkerTests {
    @Test("a run is accepted with its hold, polled to its end, charged, and its inputs are gone")
    func endToEnd() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.poll = { _, number in number < 3 ? .pending(retryAfter: nil) : .ended(.done) } }
            let service = try bench.service()
            try await withWorker(service) {
                let accepted = try await bench.submit(service)
                #expect(accepted.providerRequestID == "job-\(accepted.executionID)")
                #expect(accepted.window?.count == 1)
                let run = try await bench.wait(for: .succeeded, of: accepted.executionID)
                #expect(run.isAsync)
                #expect(run.charged == Credits(whole: 3))
                let report = try #require(try await bench.report(run.id))
                #expect(report.result == #"{"text":["It is done."]}"#)
                #expect(bench.provider.calls == ["submit", "poll", "poll", "poll"])
                #expect(try await bench.available == Credits(whole: 997))
                #expect(try await count("SELECT count(*) FROM ledger.run_tasks") == 0)
            }
        }
    }

    @Test("a model whose provider is not polled can't run so")
    func notSupported() async throws {
        try await AsyncBench.with { bench in
            let service = try bench.service()
            guard case .refused(.asyncNotSupported, _, _) = await bench.run(service, "plain") else {
                Issue.record("a run that can't go on by itself was taken")
                return
            }
            #expect(bench.provider.calls.isEmpty)
        }
    }

    @Test("several processes share the work, and each run is sent once")
    func shared() async throws {
        try await AsyncBench.with(tier: .enterprise) { bench in
            bench.provider.follow { $0.poll = { _, number in number < 3 ? .pending(retryAfter: nil) : .ended(.done) } }
            let services = try (1...3).map { try bench.service(Int64($0), steps: 4) }
            try await withWorker(services[0]) {
                try await withWorker(services[1]) {
                    try await withWorker(services[2]) {
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            for number in 0..<60 {
                                group.addTask { _ = try await bench.submit(services[number % 3]) }
                            }
                            try await group.waitForAll()
                        }
                        try await eventually("every run has ended") {
                            try await count("SELECT count(*) FROM ledger.run_tasks") == 0
                        }
                    }
                }
            }
            #expect(bench.provider.count("submit") == 60)
            #expect(try await count("SELECT count(*) FROM ledger.executions WHERE status = 'succeeded'") == 60)
            #expect(try await bench.available == Credits(whole: 820))
        }
    }

    @Test("a run that its provider does not take goes back into the queue until it does")
    func notAccepted() async throws {
        try await AsyncBench.with { bench in
            let busy = DispatchFailure(message: "Busy", failureClass: .provider)
            let provider = bench.provider
            provider.follow {
                $0.submit = { request in
                    provider.count("submit") == 1
                        ? .notAccepted(busy, costsRetry: true, retryAfter: nil) : .accepted(ProviderTask(id: "job"))
                }
            }
            let service = try bench.service()
            try await withWorker(service) {
                let accepted = try await bench.submit(service)
                #expect(accepted.providerRequestID == nil)
                _ = try await bench.wait(for: .succeeded, of: accepted.executionID)
                #expect(bench.provider.count("submit") == 2)
            }
        }
    }

    @Test("a run that no provider takes before its deadline fails, and costs nothing")
    func neverTaken() async throws {
        try await AsyncBench.with { bench in
            let busy = DispatchFailure(message: "No room for it", failureClass: .provider)
            bench.provider.follow { $0.submit = { _ in .notAccepted(busy, costsRetry: false, retryAfter: nil) } }
            let service = try bench.service()
            try await withWorker(service) {
                let run = try await bench.wait(for: .failed, of: try await bench.submit(service, "brief").executionID)
                #expect(try await bench.report(run.id)?.errorMessage == "No room for it")
                #expect(try await bench.available == Credits(whole: 1_000))
            }
        }
    }

    @Test(
        "a run that its provider keeps refusing is sent as often as its definition allows, then fails and costs nothing"
    )
    func retriesSpent() async throws {
        try await AsyncBench.with { bench in
            let busy = DispatchFailure(message: "Rate limit", failureClass: .provider)
            bench.provider.follow { $0.submit = { _ in .notAccepted(busy, costsRetry: true, retryAfter: nil) } }
            let service = try bench.service()
            try await withWorker(service) {
                let run = try await bench.wait(for: .failed, of: try await bench.submit(service).executionID)
                #expect(try await bench.report(run.id)?.errorMessage == "Rate limit")
                // The first attempt, and three retries.
                #expect(bench.provider.count("submit") == 4)
                #expect(try await bench.available == Credits(whole: 1_000))
            }
        }
    }

    @Test("a process that dies while it polls is followed by another, which sends nothing")
    func resumed() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.poll = { _, _ in .pending(retryAfter: nil) } }
            let first = try bench.service(1)
            let id = try await withWorker(first) { try await bench.submit(first).executionID }
            try await eventually("the first process has let it go") {
                try await count("SELECT count(*) FROM ledger.run_tasks WHERE claimed_by IS NULL") == 1
            }
            bench.provider.follow { $0.poll = { _, _ in .ended(.done) } }
            let second = try bench.service(2)
            try await withWorker(second) { _ = try await bench.wait(for: .succeeded, of: id) }
            #expect(bench.provider.count("submit") == 1)
        }
    }

    @Test(
        "a run whose process died while it sent it is never sent again: what the provider knows of it decides",
        arguments: ["found", "absent"]
    )
    func ambiguous(found: String) async throws {
        try await AsyncBench.with { bench in
            let sending = Gate()
            bench.provider.follow { script in
                script.submit = { _ in
                    await sending.pass()
                    return .ended(.unresolved(.interrupted, providerRequestID: nil))
                }
                script.lookUp = { _ in found == "found" ? .found(ProviderTask(id: "found")) : .absent }
            }
            let first = try bench.service(1, claim: .seconds(2))
            let accepted = try await bench.submit(first)
            #expect(accepted.providerRequestID == nil)
            // The first process says nothing more: its claim runs out.
            let second = try bench.service(2)
            try await withWorker(second) {
                let run = try await bench.wait(for: found == "found" ? .succeeded : .failed, of: accepted.executionID)
                #expect(run.charged == (found == "found" ? Credits(whole: 3) : .zero))
                let events = try await bench.store.allEvents(of: bench.account).map(\.content.type)
                #expect(events.contains(.executionUnresolved))
            }
            sending.open()
            await first.drain(grace: .seconds(30))
            #expect(bench.provider.count("submit") == 1)
        }
    }

    @Test("a recovery frees the tasks of a process that was missing twice, before its claims run out")
    func freed() async throws {
        try await AsyncBench.with { bench in
            let sending = Gate()
            bench.provider.follow { script in
                script.submit = { _ in
                    await sending.pass()
                    return .ended(.unresolved(.interrupted, providerRequestID: nil))
                }
                script.lookUp = { _ in .found(ProviderTask(id: "found")) }
            }
            let first = try bench.service(1, claim: .seconds(3_000))
            let accepted = try await bench.submit(first)
            let second = try bench.service(2)
            let recovery = RunRecovery(for: second, clock: { SystemClock.now() }, observer: RecordingObserver())
            try await withWorker(second) {
                _ = try await recovery.look()
                _ = try await recovery.look()
                _ = try await bench.wait(for: .succeeded, of: accepted.executionID)
            }
            sending.open()
            await first.drain(grace: .seconds(30))
        }
    }

    @Test("a synchronous run whose process is interrupted is polled to its end by another")
    func synchronousResumed() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.poll = { _, _ in .pending(retryAfter: nil) } }
            let first = try bench.service(1)
            async let answer = bench.run(first, isAsync: false)
            try await eventually("it is polled") { bench.provider.count("poll") > 0 }
            await first.drain(grace: .zero)
            guard case .failed(let failure) = await answer else {
                Issue.record("an interrupted run was answered otherwise")
                return
            }
            #expect(failure.isUnresolved)
            bench.provider.follow { $0.poll = { _, _ in .ended(.done) } }
            let second = try bench.service(2)
            try await withWorker(second) {
                let run = try await bench.wait(for: .succeeded, of: failure.executionID)
                #expect(run.charged == Credits(whole: 3))
                #expect(!run.isAsync)
            }
            #expect(bench.provider.count("submit") == 1)
        }
    }

    @Test("a run that has not ended by its deadline is unresolved, polled on, and charged when it succeeds after all")
    func overdue() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.poll = { _, _ in .pending(retryAfter: nil) } }
            let service = try bench.service()
            try await withWorker(service) {
                let id = try await bench.submit(service, "brief").executionID
                _ = try await bench.wait(for: .unresolved, of: id)
                bench.provider.follow { $0.poll = { _, _ in .ended(.done) } }
                #expect(try await bench.wait(for: .succeeded, of: id).charged == Credits(whole: 3))
            }
        }
    }

    @Test("a copy of media that fails in passing is made again; the run is not")
    func mediaRetried() async throws {
        let media = ScriptedMedia { number throws(MediaFailure) in
            if number == 1 { throw MediaFailure(isTransient: true, reason: "503") }
            return ["images": ["https://media.example/1.png"]]
        }
        try await AsyncBench.with(media: media) { bench in
            let service = try bench.service()
            try await withWorker(service) {
                let run = try await bench.wait(for: .succeeded, of: try await bench.submit(service).executionID)
                let kept = #"{"images":["https://media.example/1.png"]}"#
                #expect(try await bench.report(run.id)?.result == kept)
                #expect(bench.provider.count("submit") == 1)
                #expect(bench.provider.count("poll") == 1)
                #expect(media.count == 2)
            }
        }
    }

    @Test("a result whose media can't be stored while its caller waits is stored later, and charged then")
    func mediaLater() async throws {
        let media = ScriptedMedia { number throws(MediaFailure) in
            if number == 1 { throw MediaFailure(isTransient: true, reason: "503") }
            return ["images": ["https://media.example/1.png"]]
        }
        try await AsyncBench.with(media: media) { bench in
            let service = try bench.service()
            try await withWorker(service) {
                guard case .failed(let failure) = await bench.run(service, isAsync: false) else {
                    Issue.record("the run was answered otherwise")
                    return
                }
                #expect(failure.isUnresolved)
                let run = try await bench.wait(for: .succeeded, of: failure.executionID)
                #expect(run.charged == Credits(whole: 3))
                #expect(try await bench.report(run.id)?.result == #"{"images":["https://media.example/1.png"]}"#)
                #expect(bench.provider.count("submit") == 1)
            }
        }
    }

    @Test(
        "media that can't be kept fail the run, whoever waits for it, and the customer pays nothing",
        arguments: [true, false]
    )
    func mediaRefused(isAsync: Bool) async throws {
        let media = ScriptedMedia { _ throws(MediaFailure) in
            throw MediaFailure(isTransient: false, reason: "too large")
        }
        try await AsyncBench.with(media: media) { bench in
            let service = try bench.service()
            try await withWorker(service) {
                let answer = await bench.run(service, isAsync: isAsync)
                let id = try #require(answer.executionID, "\(answer)")
                #expect(try await bench.wait(for: .failed, of: id).errorCode == "MEDIA_REFUSED")
                #expect(try await bench.available == Credits(whole: 1_000))
            }
        }
    }
}

extension RunAnswer {
    /// The run, if there is one.
    fileprivate var executionID: ExecutionID? {
        switch self {
        case .accepted(let accepted): accepted.executionID
        case .failed(let failure): failure.executionID
        case .succeeded(let success): success.executionID
        case .inFlight(let id): id
        case .recorded, .refused, .invalidWorkflow, .unavailable: nil
        }
    }
}
