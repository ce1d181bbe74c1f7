import Ledger
import Registry
import Testing

@Suite("256 requests at once on credit for 37", .serialized, .timeLimit(.minutes(5)))
struct RaceTests {
    private static let affordable = 37
    private static let rounds = 20

    /// Each round a new account; exactly the affordable runs are dispatched, and every other request is refused.
    private static func race(
        _ stack: Stack,
        _ services: [RunningService],
        credits: Int64 = 0,
        freeRuns: Int64 = 0,
        refusal: String
    ) async throws {
        for round in 1...rounds {
            let customer = try await stack.openAccount(credits: credits, freeRuns: freeRuns)
            let before = try await stack.simulatorCount("total")
            let replies = await stack.sendAtOnce(Call(customer: customer), times: 256, to: services)
            #expect(tally(replies) == ["200": affordable, refusal: 256 - affordable], "round \(round)")
            #expect(try await stack.simulatorCount("total") - before == Int64(affordable), "round \(round)")
            let paid = replies.compactMap { $0.answer?.cost }.reduce(Credits.zero, +)
            #expect(paid == Credits(whole: credits), "round \(round)")
            let state = try await stack.state(of: customer)
            #expect(state.account?.posted == .zero && state.account?.held == .zero, "round \(round)")
            if freeRuns > 0 { #expect(state.grants.values.map(\.used) == [freeRuns], "round \(round)") }
        }
        #expect(try await stack.simulatorCount("distinct") == Int64(affordable * rounds))
        #expect(try await stack.verify()["clean"] == true)
    }

    @Test("exactly 37 are dispatched by one service, 20 times")
    func oneService() async throws {
        try await Stack.with { stack in
            let service = try await stack.startService()
            try await Self.race(stack, [service], credits: 37, refusal: "402 INSUFFICIENT_CREDITS")
        }
    }

    @Test("exactly 37 are dispatched by two services on one database, 20 times")
    func twoServices() async throws {
        try await Stack.with { stack in
            let services = [try await stack.startService(), try await stack.startService()]
            try await Self.race(stack, services, credits: 37, refusal: "402 INSUFFICIENT_CREDITS")
        }
    }

    @Test("exactly 37 are dispatched on a grant of 37 runs, 20 times, by two services")
    func grant() async throws {
        try await Stack.with { stack in
            let services = [try await stack.startService(), try await stack.startService()]
            try await Self.race(stack, services, freeRuns: 37, refusal: "402 grant_exhausted")
        }
    }
}
