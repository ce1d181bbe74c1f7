import Ledger
import Registry
import TestSupport
import Testing

@Suite("hanging up and shutting down", .serialized, .timeLimit(.minutes(3)))
struct ShutdownTests {
    @Test("a client that closes the socket in mid-run has its run settled and charged")
    func hangUp() async throws {
        try await Stack.with { stack in
            let service = try await stack.startService()
            let customer = try await stack.openAccount(credits: 10)
            try await stack.script(["latencyMilliseconds": 700])
            let caller = Task { await stack.send(Call(customer: customer), to: service.url) }
            try await eventually("the run is dispatched") { try await stack.simulatorCount("total") == 1 }
            caller.cancel()
            #expect(await caller.value.summary == "lost")
            #expect(try await stack.state(of: customer).account?.held == Credits(whole: 1))
            try await eventually("the run is charged") {
                try await stack.state(of: customer).account?.posted == Credits(whole: 9)
            }
            #expect(try await stack.state(of: customer).account?.held == .zero)
        }
    }

    @Test("SIGTERM during 50 slow runs: all are answered, and the exit code is 0")
    func graceful() async throws {
        try await Stack.with { stack in
            let service = try await stack.startService()
            let customer = try await stack.openAccount(credits: 100)
            try await stack.script(["latencyMilliseconds": 2_000])
            async let replies = stack.sendAtOnce(Call(customer: customer), times: 50, to: [service])
            try await eventually("all are dispatched") { try await stack.simulatorCount("total") == 50 }
            #expect(await service.process.stop(timeout: .seconds(120)) == .exited(code: 0))
            #expect(tally(await replies) == ["200": 50])
            #expect(try await stack.state(of: customer).account?.posted == Credits(whole: 50))
            // Nothing listens any more.
            #expect(await stack.send(Call(customer: customer), to: service.url).summary == "lost")
        }
    }

    @Test("the last use of a key is kept by the service that stops, in one write for all its requests")
    func keyUse() async throws {
        try await Stack.with { stack in
            let service = try await stack.startService()
            let customer = try await stack.openAccount(credits: 100)
            let start = SystemSeconds.now
            #expect(tally(await stack.sendAtOnce(Call(customer: customer), times: 20, to: [service])) == ["200": 20])
            #expect(await service.process.stop(timeout: .seconds(60)) == .exited(code: 0))
            let uses = try await stack.rows(
                "SELECT key_id, floor(extract(epoch FROM last_used_at)) FROM ledger.api_key_uses"
            )
            #expect(uses.map { $0[0] } == [customer.keyID.description])
            #expect(try #require(uses.first.flatMap { Int64($0[1]) }) >= Int64(start))
        }
    }

    @Test("runs that do not end within the grace are answered and recorded as unresolved, hung up or not")
    func grace() async throws {
        try await Stack.with { stack in
            let service = try await stack.startService(environment: ["RUNLEDGER_SHUTDOWN_GRACE_SECONDS": "1"])
            let customer = try await stack.openAccount(credits: 100)
            let call = Call(customer: customer, prompt: "[[fault:hang]]")
            async let replies = stack.sendAtOnce(call, times: 5, to: [service])
            let caller = Task { await stack.send(call, to: service.url) }
            try await eventually("all are dispatched") { try await stack.simulatorCount("total") == 6 }
            caller.cancel()
            _ = await caller.value
            let start = ContinuousClock.now
            #expect(await service.process.stop(timeout: .seconds(120)) == .exited(code: 0))
            #expect(start.duration(to: .now) < .seconds(9))
            let answers = await replies
            #expect(tally(answers) == ["500 EXECUTION_FAILED": 5])
            #expect(answers.allSatisfy { $0.answer?.body["unresolved"] == true })
            let statuses = try await stack.rows("SELECT status, count(*) FROM ledger.executions GROUP BY 1")
            #expect(statuses == [["unresolved", "6"]])
            #expect(try await stack.state(of: customer).account?.held == Credits(whole: 6))
        }
    }
}
