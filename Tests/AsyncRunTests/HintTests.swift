import HTTPTypes
import HummingbirdTesting
import Ledger
import LedgerTestSupport
import RunTestSupport
import Runs
import TestSupport
import Testing

/// Goal: a provider's callback is heard by whoever polls, whichever process took it.
/// Method: two services on one ledger in PostgreSQL, of which one polls for a caller that waits, and the other is called back.
@Suite("Callbacks that another process takes", .gated, .database(LedgerDatabase.template(journals: 4)))
struct HintTests {
    @Test("the process whose caller waits polls when it renews its claims, and the other leaves the run to it")
    func elsewhere() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { script in
                // Left alone, it would be polled again in ten minutes.
                script.pause = .seconds(600)
                script.poll = { _, number in number < 2 ? .pending(retryAfter: nil) : .ended(.done) }
            }
            // Renewed every two seconds.
            let first = try bench.service(1, claim: .seconds(6), publicURL: "https://runs.example")
            let second = try bench.service(2, publicURL: "https://runs.example")
            try await withWorker(first) {
                try await withWorker(second) {
                    async let waited = bench.run(first, isAsync: false)
                    try await eventually("it was polled once") { bench.provider.count("poll") == 1 }
                    let mine = "SELECT count(*) FROM ledger.run_tasks WHERE claimed_by = 1"
                    #expect(try await count(mine) == 1)
                    let url = try #require(bench.provider.callbackURLs.first)
                    let path = String(url.dropFirst("https://runs.example".count))
                    let start = ContinuousClock.now
                    #expect(try await bench.answer(second, path, .post, body: "{}").status == .accepted)
                    guard case .succeeded(let success) = await waited else {
                        Issue.record("the caller was answered otherwise")
                        return
                    }
                    #expect(start.duration(to: .now) < .seconds(120))
                    #expect(try await bench.execution(success.executionID).charged == Credits(whole: 3))
                    #expect(try await count("SELECT count(*) FROM ledger.run_tasks") == 0)
                }
            }
            #expect(bench.provider.calls == ["submit", "poll", "poll"])
        }
    }
}
