import Foundation
import Ledger
import Registry
import Runs
import Testing

@testable import Providers

/// The gate before a provider: pure, with a time of its own.
@Suite("provider gate")
struct GateTests {
    private static let start = ContinuousClock.now

    private static func id(_ number: UInt64) -> ExecutionID { ExecutionID(Identifier128(high: 1, low: number)) }

    private static func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private static func gate(_ change: (inout ProviderLimits) -> Void = { _ in }) -> ProviderGate {
        var limits = ProviderLimits()
        limits.concurrency = 2
        limits.queue = 2
        limits.breakerWindow = 4
        limits.breakerFailurePercent = 50
        change(&limits)
        return ProviderGate(limits: limits)
    }

    private static func enter(
        _ gate: inout ProviderGate,
        _ number: UInt64,
        canWait: Bool = true,
        now: Int = 0
    ) -> ProviderGate.Entry {
        gate.enter(id(number), until: at(1_000), canWait: canWait, isRetry: false, now: at(now))
    }

    private static func leave(_ gate: inout ProviderGate, _ number: UInt64, now: Int) -> ProviderGate.Woken {
        gate.leave(id(number), now: at(now))
    }

    private static func note(
        _ gate: inout ProviderGate,
        _ isSuccess: Bool,
        by number: UInt64,
        now: Int
    ) -> ProviderGate.Woken {
        gate.note(isSuccess, by: id(number), now: at(now))
    }

    private static func spend(_ gate: inout ProviderGate) -> Bool { gate.spendRetry() }

    @Test("there are so many slots, then so many places to wait, in order; then no more")
    func slots() {
        var gate = Self.gate()
        let entries = (1...5).map { Self.enter(&gate, $0) }
        #expect(entries == [.go, .go, .wait, .wait, .refused(.saturated)])
        #expect(Self.enter(&gate, 6, canWait: false) == .refused(.saturated))
        #expect(Self.leave(&gate, 2, now: 1).admitted == [Self.id(3)])
        gate.giveUp(Self.id(4))
        #expect(Self.leave(&gate, 1, now: 1) == ProviderGate.Woken())
        #expect(gate.underWayCount == 1 && gate.waitingCount == 0)
    }

    @Test("a slot that nobody gives back is free again after its time; work that is kept has one beyond the limit")
    func leases() {
        var gate = Self.gate()
        for number in 1...2 { _ = Self.enter(&gate, UInt64(number)) }
        gate.keep(Self.id(3), until: Self.at(2_000))
        #expect(gate.underWayCount == 3)
        #expect(Self.enter(&gate, 4, canWait: false, now: 999) == .refused(.saturated))
        #expect(Self.enter(&gate, 4, canWait: false, now: 1_000) == .go)
    }

    @Test("too many failures open the breaker; after a while one run tries, and decides for all")
    func breaker() {
        var gate = Self.gate()
        for number in 1...2 { _ = Self.enter(&gate, UInt64(number)) }
        _ = Self.enter(&gate, 3)
        #expect(Self.note(&gate, true, by: 1, now: 1) == ProviderGate.Woken())
        #expect(gate.breaker == .closed)
        #expect(Self.note(&gate, false, by: 1, now: 1).refused == [Self.id(3)])
        #expect(gate.breaker == .open(until: Self.at(31)))
        #expect(Self.enter(&gate, 4, now: 11) == .refused(.open(.seconds(20))))
        // What was under way before says nothing any more.
        _ = Self.note(&gate, true, by: 2, now: 12)
        #expect(gate.breaker == .open(until: Self.at(31)))
        #expect(Self.enter(&gate, 5, now: 31) == .go)
        #expect(Self.enter(&gate, 6, now: 31) == .refused(.open(.seconds(1))))
        _ = Self.note(&gate, false, by: 5, now: 32)
        #expect(gate.breaker == .open(until: Self.at(62)))
        _ = Self.leave(&gate, 5, now: 32)
        #expect(Self.enter(&gate, 7, now: 62) == .go)
        _ = Self.note(&gate, true, by: 7, now: 63)
        #expect(gate.breaker == .closed)
        #expect(Self.enter(&gate, 8, now: 63) == .wait)
    }

    @Test("a run that tried and learned nothing leaves the trying to the next one")
    func halfOpen() {
        var gate = Self.gate { $0.breakerWindow = 2 }
        _ = Self.enter(&gate, 1)
        _ = Self.note(&gate, false, by: 1, now: 0)
        #expect(Self.enter(&gate, 2, now: 30) == .go)
        _ = Self.leave(&gate, 2, now: 31)
        #expect(Self.enter(&gate, 3, now: 31) == .go)
    }

    @Test("first submits earn retries, up to what can be saved, and each retry costs one")
    func budget() {
        var gate = Self.gate {
            $0.retryBudgetBurst = 1
            $0.retryBudgetPercent = 50
            $0.concurrency = 100
        }
        #expect(Self.spend(&gate))
        #expect(!Self.spend(&gate))
        _ = Self.enter(&gate, 1)
        #expect(!Self.spend(&gate))
        _ = Self.enter(&gate, 2)
        #expect(Self.spend(&gate))
        for number in 3...20 { _ = Self.enter(&gate, UInt64(number)) }
        #expect(gate.retriesLeft == 1)
    }

    @Test("pauses double from half a second, less a quarter at most, keep to what the provider asks, and end in time")
    func pauses() throws {
        let bench = try registry(port: 1)
        let model = try #require(bench.model(named: "kling-old"))
        guard case .valid(let inputs) = model.validate(["prompt": "x"]) else { return }
        let request = DispatchRequest(
            executionID: anyExecutionID(),
            model: model,
            inputs: inputs,
            deadline: Self.at(20)
        )
        var pauses = SubmitPauses(request)
        let retry = NotAccepted(.retry(isOutage: false), retryAfter: nil)
        for milliseconds in [500, 1_000, 2_000] {
            let next = pauses.next(retry, mayRetry: { true }, now: Self.start)
            let pause = try #require(next)
            #expect(pause <= .milliseconds(milliseconds) && pause >= .milliseconds(milliseconds * 3 / 4))
        }
        let beyond = pauses.next(retry, mayRetry: { true }, now: Self.start)
        #expect(beyond == nil)
        let asked = NotAccepted(.requeue, retryAfter: .seconds(9))
        let granted = pauses.next(asked, mayRetry: { false }, now: Self.start)
        #expect(granted == .seconds(9))
        let late = pauses.next(asked, mayRetry: { false }, now: Self.at(11))
        #expect(late == nil)
    }

    @Test("runs of a provider with few slots wait for each other; the gate shows how it is doing")
    func waiting() async throws {
        // Kling has 20 slots here.
        let script = """
            POST /v1/videos/text2video -> 200 {"code":0,"data":{"task_id":"k1"}}
            GET /v1/videos/text2video/k1 -> 200 {"code":0,"data":{"task_status":"processing"}}
            """
        try await withScript(script) { bench, server in
            var requests: [DispatchRequest] = []
            for _ in 0..<20 { requests.append(try bench.request("kling-old", ["prompt": "x"], seconds: 30)) }
            for request in requests {
                #expect(await bench.router.submit(request) == .accepted(ProviderTask(id: "k1")))
            }
            let next = try bench.request("kling-old", ["prompt": "x"], seconds: 1)
            let refused = await bench.router.submit(next)
            guard case .notAccepted(let failure, costsRetry: false, retryAfter: nil) = refused else {
                Issue.record("there was a slot")
                return
            }
            #expect(failure.providerCode == "saturated")
            #expect(describe(await bench.router.run(next) { _ in }) == "failed provider no_slot")
            #expect(server.received.count { $0.method == "POST" } == 20)
            let health = try #require(bench.router.health.first)
            #expect(health.name == "kling" && health.underWayCount == 20 && health.breaker == .closed)
        }
    }

    @Test("one submit at a time, too, retries only as often as the definition and the provider's budget allow")
    func submitRetries() async throws {
        let script = #"POST /contents/generations/tasks -> 429 {"error":{"code":"ServerOverloaded","message":"x"}}"#
        try await withScript(script) { bench, server in
            func submit(_ history: SubmitHistory) async throws -> SubmitOutcome {
                await bench.router.submit(try bench.request("seedance", ["prompt": "x"], history: history))
            }
            // Of the definition's three retries the last has been: no more, and none is taken from the budget.
            guard case .ended(let end) = try await submit(SubmitHistory(isFirst: false, retryCount: 3)) else {
                Issue.record("retried beyond the definition")
                return
            }
            #expect(describe(end) == "failed provider ServerOverloaded")
            #expect(bench.router.health.map(\.retriesLeft) == [10])
            for left in (0..<4).map({ 9 - $0 }) {
                let outcome = try await submit(SubmitHistory(isFirst: false, retryCount: 1))
                guard case .notAccepted(_, costsRetry: true, _) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                #expect(bench.router.health.map(\.retriesLeft) == [left])
            }
            #expect(server.received.count == 5)
        }
    }

    @Test("a submit that finds no free slot upstream waits for one, and takes no retry from the budget")
    func submitWaits() async throws {
        let script = #"POST /v1/videos/text2video -> 429 {"code":1303,"message":"parallel task over limit"}"#
        try await withScript(script) { bench, _ in
            for _ in 0..<12 {
                let history = SubmitHistory(isFirst: false, retryCount: 3)
                let request = try bench.request("kling-old", ["prompt": "x"], history: history)
                guard case .notAccepted(_, costsRetry: false, _) = await bench.router.submit(request) else {
                    Issue.record("not put back into the queue")
                    return
                }
            }
            #expect(bench.router.health.map(\.retriesLeft) == [10])
        }
    }

    @Test("a provider that only fails is left alone: later runs are refused at once, without a request")
    func circuit() async throws {
        let script = #"POST /v1/images/generations -> 401 {"error":{"code":"invalid_api_key"}}"#
        try await withScript(script) { bench, server in
            for _ in 0..<10 {
                let outcome = try await bench.run("openai-image", ["prompt": "x"])
                #expect(describe(outcome) == "failed us invalid_api_key")
            }
            let outcome = try await bench.run("openai-image", ["prompt": "x"])
            #expect(describe(outcome) == "failed provider circuit_open")
            #expect(server.received.count == 10)
            #expect(bench.router.health.map(\.breaker) == [.open])
        }
    }
}
