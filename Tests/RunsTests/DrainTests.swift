import Ledger
import RunTestSupport
import Runs
import Testing

@Suite("draining")
struct DrainTests {
    /// Works until it is cancelled, as an adapter does that waits for its provider.
    private static let endless: ScriptedProvider.Script = { _, _ in
        try? await Task.sleep(for: .seconds(600))
        return .unresolved(.interrupted, providerRequestID: nil)
    }

    @Test("it waits for runs that end in time")
    func waits() async throws {
        let work = Gate()
        let bench = try RunBench { _, _ in
            await work.pass()
            return Task.isCancelled ? .unresolved(.interrupted, providerRequestID: nil) : .done
        }
        async let answer = bench.run()
        await work.waitForArrivals()
        let trace = Trace()
        async let drained: Void = {
            await bench.service.drain(grace: .seconds(60))
            trace.note("drained")
        }()
        await settle()
        #expect(trace.all == [])
        work.open()
        await drained
        #expect(await answer.summary == "succeeded for 1.5")
        #expect(bench.service.underWayCount == 0)
    }

    @Test("runs that do not end in time are recorded as unresolved, and their holds stand")
    func interrupts() async throws {
        let bench = try RunBench(provider: Self.endless)
        async let answers = [bench.run(), bench.run(), bench.run()]
        await eventually { bench.provider.requests.count == 1 }
        let start = ContinuousClock.now
        async let first: Void = bench.service.drain(grace: .milliseconds(50))
        await first
        #expect(start.duration(to: .now) < .seconds(10))
        // The first was interrupted; the other two came afterwards.
        #expect(await answers.map(\.summary) == ["unresolved", "overloaded", "overloaded"])
        #expect(bench.executions.map(\.status) == [.unresolved])
        #expect(bench.state.holds.count == 1)
        #expect(bench.service.underWayCount == 0)
    }

    @Test("once it is over, a run is refused before the ledger or a provider hears of it")
    func refusesAfterwards() async throws {
        let bench = try RunBench()
        await bench.service.drain(grace: .seconds(60))
        #expect(await bench.run().summary == "overloaded")
        #expect(bench.runCommands == [])
        #expect(bench.provider.requests.isEmpty)
    }

    @Test("it ends though the ledger can't be reached")
    func withoutLedger() async throws {
        let bench = try RunBench(provider: Self.endless)
        bench.ledger.before { command throws(LedgerFailure) in
            if command.name == "settle" { throw .unavailable(mayHaveHappened: false, reason: "it is down") }
        }
        async let answer = bench.run()
        await eventually { bench.provider.requests.count == 1 }
        await bench.service.drain(grace: .milliseconds(20))
        #expect(await answer.summary == "unresolved")
        // The next process finds it.
        #expect(bench.executions.map(\.status) == [.admitted])
    }

    @Test("it waits for the release of an admission that may have happened")
    func release() async throws {
        let bench = try RunBench()
        let settlement = Gate()
        bench.ledger.before { command in
            if command.name == "settle" { await settlement.pass() }
        }
        bench.ledger.after { command throws(LedgerFailure) in
            if command.name == "admit" { throw .unavailable(mayHaveHappened: true, reason: "the reply was lost") }
        }
        #expect(await bench.run().summary == "unavailable")
        await settlement.waitForArrivals()
        async let drained: Void = bench.service.drain(grace: .seconds(60))
        await settle()
        settlement.open()
        await drained
        #expect(bench.state.holds.isEmpty)
    }

    @Test("a cancelled drain interrupts at once")
    func cancelled() async throws {
        let bench = try RunBench(provider: Self.endless)
        async let answer = bench.run()
        await eventually { bench.provider.requests.count == 1 }
        let start = ContinuousClock.now
        let drain = Task { await bench.service.drain(grace: .seconds(60)) }
        drain.cancel()
        await drain.value
        #expect(start.duration(to: .now) < .seconds(10))
        #expect(await answer.summary == "unresolved")
        #expect(bench.executions.map(\.status) == [.unresolved])
    }
}
