import HTTPTypes
import HummingbirdTesting
import Ledger
import LedgerStore
import LedgerTestSupport
import NIOCore
import RunTestSupport
import Runs
import TestSupport
import Testing

/// Cancelling a run in each of its states, from the API to the provider.
@Suite("Cancelling runs", .gated, .database(LedgerDatabase.template(journals: 4)))
struct CancelTests {
    private static func cancel(_ bench: AsyncBench, _ service: RunService, _ id: ExecutionID) async throws -> String {
        let response = try await bench.answer(service, "/api/executions/\(id)/cancel", .post)
        let body = String(buffer: response.body)
        let status = body.firstMatch(of: /"(?:executionS|s)tatus":"(\w+)"/).map { String($0.1) } ?? "none"
        return "\(response.status.code) \(status)"
    }

    @Test("a run that waits for room is cancelled at once, and never sent")
    func queued() async throws {
        try await AsyncBench.with { bench in
            let sending = Gate()
            bench.provider.follow {
                $0.submit = { request in
                    await sending.pass()
                    return .accepted(ProviderTask(id: "job-\(request.executionID)"))
                }
            }
            let service = try bench.service(steps: 1)
            try await withWorker(service) {
                let first = try await bench.submit(service).executionID
                let second = try await bench.submit(service).executionID
                #expect(try await Self.cancel(bench, service, second) == "200 cancelled")
                #expect(try await Self.cancel(bench, service, second) == "200 cancelled")
                sending.open()
                _ = try await bench.wait(for: .succeeded, of: first)
                #expect(bench.provider.count("submit") == 1)
                #expect(try await bench.available == Credits(whole: 997))
            }
        }
    }

    @Test("work that the provider gives up is cancelled and costs nothing")
    func givenUp() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { script in
                script.poll = { _, _ in .pending(retryAfter: nil) }
                script.cancel = { .cancelled }
            }
            let service = try bench.service()
            try await withWorker(service) {
                let id = try await bench.submit(service).executionID
                #expect(try await Self.cancel(bench, service, id) == "202 cancel_requested")
                #expect(try await bench.wait(for: .cancelled, of: id).charged == .zero)
                #expect(bench.provider.count("cancel") == 1)
                #expect(try await bench.available == Credits(whole: 1_000))
                #expect(try await Self.cancel(bench, service, id) == "200 cancelled")
            }
        }
    }

    @Test(
        "a result that arrives after the wish is delivered and charged",
        arguments: [CancelOutcome.notPossible, .requested]
    )
    func tooLate(outcome: CancelOutcome) async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { script in
                script.poll = { _, _ in .pending(retryAfter: nil) }
                script.cancel = { outcome }
            }
            let service = try bench.service()
            try await withWorker(service) {
                let id = try await bench.submit(service).executionID
                #expect(try await Self.cancel(bench, service, id) == "202 cancel_requested")
                #expect(try await Self.cancel(bench, service, id) == "202 cancel_requested")
                try await eventually("the provider was asked") { bench.provider.count("cancel") == 1 }
                bench.provider.follow { $0.poll = { _, _ in .ended(.done) } }
                #expect(try await bench.wait(for: .succeeded, of: id).charged == Credits(whole: 3))
                #expect(try await Self.cancel(bench, service, id) == "409 completed")
                #expect(bench.provider.count("cancel") == 1)
            }
        }
    }

    @Test("a run that is being sent is cancelled with the provider as soon as it is accepted")
    func whileSending() async throws {
        try await AsyncBench.with { bench in
            let sending = Gate()
            bench.provider.follow { script in
                script.submit = { _ in
                    await sending.pass()
                    return .accepted(ProviderTask(id: "job"))
                }
                script.poll = { _, _ in .pending(retryAfter: nil) }
                script.cancel = { .cancelled }
            }
            let service = try bench.service()
            try await withWorker(service) {
                let id = try await bench.submit(service).executionID
                #expect(try await Self.cancel(bench, service, id) == "202 cancel_requested")
                sending.open()
                _ = try await bench.wait(for: .cancelled, of: id)
                #expect(bench.provider.calls.filter { $0 != "poll" } == ["submit", "cancel"])
            }
        }
    }
}
