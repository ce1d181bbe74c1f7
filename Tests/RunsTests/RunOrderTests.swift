import Ledger
import RunTestSupport
import Runs
import Testing

@Suite("the order of a run")
struct RunOrderTests {
    @Test("a run is held, then dispatched, then settled, then answered, and each step waits for the one before")
    func order() async throws {
        let (hold, work, outcome) = (Gate(), Gate(), Gate())
        let trace = Trace()
        let bench = try RunBench { _, _ in
            trace.note("dispatched")
            await work.pass()
            return .done
        }
        bench.ledger.after { command in
            await (command.name == "admit" ? hold : outcome).pass()
            trace.note("\(command.name) is durable")
        }
        async let answer = bench.run()
        // The hold is in the ledger, but nobody knows yet whether it is durable.
        await hold.waitForArrivals()
        await settle()
        #expect(trace.all == [])
        hold.open()
        await work.waitForArrivals()
        await settle()
        #expect(bench.runCommands == ["admit"])
        #expect(bench.available == Credits(decimal: "998.5"))
        work.open()
        await outcome.waitForArrivals()
        await settle()
        // The run is known to be done, but its caller is not told before everyone can be.
        #expect(bench.service.underWayCount == 1)
        trace.note("let on")
        outcome.open()
        #expect(await answer.summary == "succeeded for 1.5")
        #expect(trace.all == ["admit is durable", "dispatched", "let on", "settle is durable"])
        #expect(bench.runCommands == ["admit", "settle"])
        #expect(bench.service.underWayCount == 0)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let code: String
        var slug = "echo"
        var body = #"{"inputs":{"prompt":"hi"}}"#
        var isAsync = false
        var credits = "1000"
        var testDescription: String { "\(code) \(body.prefix(30))" }
    }

    @Test(
        "nothing is dispatched that the ledger refused",
        arguments: [
            Refusal(code: "INVALID_SLUG", slug: "No Slug"),
            Refusal(code: "INVALID_BODY", body: "[]"),
            Refusal(code: "INVALID_INPUTS", body: "{}"),
            Refusal(code: "INVALID_INPUTS", body: #"{"inputs":{"prompt":"hi","n":9}}"#),
            Refusal(code: "MODEL_NOT_FOUND", slug: "nothing"),
            Refusal(code: "MODEL_TIER_REQUIRED", slug: "studio"),
            Refusal(code: "ASYNC_NOT_SUPPORTED", isAsync: true),
            Refusal(code: "INSUFFICIENT_CREDITS", credits: "1.499999"),
        ]
    )
    func refused(_ refusal: Refusal) async throws {
        let bench = try RunBench(credits: refusal.credits)
        let answer = await bench.run(refusal.slug, refusal.body, isAsync: refusal.isAsync)
        #expect(answer.summary == "refused \(refusal.code)")
        #expect(bench.provider.requests.isEmpty)
        #expect(bench.runCommands == ["admit"])
        #expect(bench.available == Credits(decimal: refusal.credits))
    }

    @Test(
        "nothing is dispatched when the ledger gave no verdict",
        arguments: [
            (LedgerFailure.overloaded, "overloaded"),
            (.unavailable(mayHaveHappened: false, reason: "it is down"), "unavailable"),
        ]
    )
    func noVerdict(_ failure: LedgerFailure, _ summary: String) async throws {
        let bench = try RunBench()
        bench.ledger.before { _ throws(LedgerFailure) in throw failure }
        #expect(await bench.run().summary == summary)
        await settle()
        #expect(bench.provider.requests.isEmpty)
        #expect(bench.runCommands == [])
    }

    @Test("a run that was admitted before is not dispatched, and its hold is given back")
    func alreadyAdmitted() async throws {
        let bench = try RunBench()
        // The ledger carries the same command out twice, as after a commit whose reply was lost.
        bench.ledger.before { [ledger = bench.ledger] command throws(LedgerFailure) in
            guard command.name == "admit" else { return }
            ledger.carryOut(command)
        }
        #expect(await bench.run().summary == "unavailable")
        await eventually { bench.state.holds.isEmpty }
        #expect(bench.provider.requests.isEmpty)
        #expect(bench.available == Credits(whole: 1_000))
        #expect(bench.executions.map(\.errorCode) == ["NEVER_DISPATCHED"])
    }

    @Test("an admission that may have happened is not dispatched, and its hold is given back")
    func unknownAdmission() async throws {
        let bench = try RunBench()
        bench.ledger.after { command throws(LedgerFailure) in
            if command.name == "admit" { throw .unavailable(mayHaveHappened: true, reason: "the reply was lost") }
        }
        #expect(await bench.run().summary == "unavailable")
        await eventually { bench.state.holds.isEmpty }
        #expect(bench.provider.requests.isEmpty)
        #expect(bench.available == Credits(whole: 1_000))
        #expect(bench.executions.map(\.errorCode) == ["NEVER_DISPATCHED"])
    }

    @Test("the release of an admission that may have happened is tried until the ledger can be reached")
    func unknownAdmissionRetried() async throws {
        let bench = try RunBench()
        let attempts = Gate()
        attempts.open()
        bench.ledger.before { command throws(LedgerFailure) in
            guard command.name == "settle" else { return }
            await attempts.pass()
            if attempts.arrivals <= 2 { throw .unavailable(mayHaveHappened: false, reason: "still down") }
        }
        bench.ledger.after { command throws(LedgerFailure) in
            if command.name == "admit" { throw .unavailable(mayHaveHappened: true, reason: "the reply was lost") }
        }
        // The caller is not kept waiting for it.
        #expect(await bench.run().summary == "unavailable")
        await eventually { bench.state.holds.isEmpty }
        #expect(attempts.arrivals == 3)
        #expect(bench.observer.all == ["delayed", "delayed"])
    }
}
