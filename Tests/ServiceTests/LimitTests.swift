import Ledger
import Registry
import Testing

@Suite("the rate limit over the wire", .serialized, .timeLimit(.minutes(3)))
struct LimitTests {
    @Test("of 1,100 requests in a clock minute exactly 1,000 are counted, from two services on one database")
    func limit() async throws {
        try await Stack.with { stack in
            let services = [try await stack.startService(), try await stack.startService()]
            let customer = try await stack.openAccount(credits: 1)
            // A minute that is nearly over would be followed by another.
            let second = SystemSeconds.now % 60
            if second > 40 { try await Task.sleep(for: .seconds(60 - second)) }
            let minute = SystemSeconds.now / 60
            var replies: [Reply] = []
            for _ in 0..<4 {
                replies += await stack.sendAtOnce(Call(customer: customer, body: "[]"), times: 275, to: services)
            }
            try #require(SystemSeconds.now / 60 == minute, "the requests did not fit in a minute")
            #expect(tally(replies) == ["400 INVALID_BODY": 1_000, "429 RATE_LIMIT_EXCEEDED": 100])
            #expect(try await stack.state(of: customer).windows[.modelRun] == RateWindow(minute: minute, count: 1_000))
            let refused = replies.compactMap(\.answer).filter { $0.status == 429 }
            for answer in refused {
                #expect(answer.body["limit"] == 1_000 && answer.body["tier"] == "business")
                let wait = try #require(answer.body["retryAfter"]?.integerValue)
                #expect((1...60).contains(wait))
            }
            // Coalesced, and still exact.
            let counts = try await stack.rows(
                """
                SELECT count(*) FILTER (WHERE type = 'rate_limit.counted'),
                    sum((detail::jsonb ->> 'refused')::int) FILTER (WHERE type = 'rate_limit.exceeded')
                FROM ledger.events WHERE account_id = '\(customer.account)'
                """
            )
            #expect(counts == [["1000", "100"]])
        }
    }
}
