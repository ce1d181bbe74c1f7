import Ledger
import Testing

/// The per-minute limit.
@Suite struct LimitRules {
    @Test("requests per minute", arguments: Rule.all(in: limitsSheet))
    func limits(rule: Rule) { #expect(rule.failures() == []) }

    @Test(
        "each plan has its number of requests a minute",
        arguments: [
            (Tier.free, 0), (.creator, 0), (.pro, 100), (.business, 1_000), (.enterprise, nil),
        ] as [(Tier, Int64?)]
    )
    func plans(tier: Tier, limit: Int64?) {
        #expect(TierPolicy.requestsPerMinute(tier: tier, role: .user) == limit)
        #expect(TierPolicy.requestsPerMinute(tier: tier, role: .admin) == nil)
    }

    @Test("a flood of limited requests becomes one event with the exact count")
    func flood() throws {
        let refusals = try limitedRequests(70)
        var merged = refusals[0]
        for refusal in refusals.dropFirst() { merged = try #require(merged.coalesced(with: refusal)) }
        #expect(merged.detail?["refused"]?.integerValue == 70)
        #expect(merged.detail?["counted"]?.integerValue == 1_000)
        #expect(merged.recordedAt == refusals[0].recordedAt)
        let tail = try #require(refusals[1].coalesced(with: refusals[2]))
        #expect(refusals[0].coalesced(with: tail)?.detail?["refused"]?.integerValue == 3)
    }

    @Test("limited requests of another minute, route, plan or account keep an event of their own")
    func separate() throws {
        let refusal = try limitedRequests(1)[0]
        for (key, value) in [
            ("minute", .integer(7)), ("route", .string("read")), ("tier", .string("pro")), ("limit", .integer(9)),
            ("counted", .integer(9)),
        ] as [(String, CanonicalJSON)] {
            var other = refusal
            guard case .object(let members) = try #require(refusal.detail) else { return }
            other.detail = .object(members.map { $0.key == key ? .init(key, value) : $0 })
            #expect(refusal.coalesced(with: other) == nil, "\(key)")
        }
        var other = refusal
        other.accountID = AccountID(Identifier128(high: 9, low: 9))
        #expect(refusal.coalesced(with: other) == nil)
        other = refusal
        other.type = .requestRefused
        #expect(refusal.coalesced(with: other) == nil)
        #expect(other.coalesced(with: refusal) == nil)
        #expect(refusal.coalesced(with: refusal) != nil)
    }

    /// The events of requests beyond the thousand that a minute counts.
    private func limitedRequests(_ count: Int) throws -> [EventContent] {
        var world = World()
        var events: [EventContent] = []
        for line in ["account business", "1000x run a image bad body", "\(count)x run b image bad body"] {
            for act in try Act.all(in: line, world: &world) {
                world.perform(act)
                events += world.decision?.events.filter { $0.type == .rateLimitExceeded } ?? []
            }
        }
        try #require(events.count == count)
        return events
    }
}

private let limitsSheet = """
    ## Business: a thousand a minute, and the next one consumes nothing
    account business
    pot gift top-up 5000
    run a image quote 1 -> admitted, limit 1000 left 999 reset 10:01 retry 60
    at 10:00:20
    998x run b image quote 1
    run c image quote 1 -> admitted, limit 1000 left 0 reset 10:01 retry 40, held 1000
    run d image quote 1 -> refused RATE_LIMIT_EXCEEDED on business, limit 1000 left 0 reset 10:01 retry 40, events rate_limit.exceeded, held 1000
    at 10:00:59.5
    run e image quote 1 -> refused RATE_LIMIT_EXCEEDED on business, limit 1000 left 0 reset 10:01 retry 1
    at 10:01
    run f image quote 1 -> admitted, limit 1000 left 999 reset 10:02 retry 60
    # Refused requests of the minute before have not been counted in the new one.
    998x run g image quote 1
    run h image quote 1 -> admitted, limit 1000 left 0 reset 10:02 retry 60
    run i image quote 1 -> refused RATE_LIMIT_EXCEEDED on business, limit 1000 left 0 reset 10:02 retry 60

    ## Each class of routes has a window of its own
    account business
    pot gift top-up 5000
    1000x run a image quote 1
    run b image quote 1 -> refused RATE_LIMIT_EXCEEDED on business, limit 1000 left 0 reset 10:01 retry 60
    run c image quote 1 on the workflow route -> admitted, limit 1000 left 999 reset 10:01 retry 60

    ## A plan without a limit counts nothing and sends no headers
    account enterprise
    pot gift top-up 5000
    1001x run a image quote 1 -> admitted, limit none, events request.received capability.granted credits.held

    ## A higher plan takes effect within the minute
    account business
    pot gift top-up 5000
    1000x run a image quote 1
    run b image quote 1 -> refused RATE_LIMIT_EXCEEDED on business, limit 1000 left 0 reset 10:01 retry 60
    tier enterprise
    run c image quote 1 -> admitted, limit none
    tier business
    run d image quote 1 -> refused RATE_LIMIT_EXCEEDED on business, limit 1000 left 0 reset 10:01 retry 60

    ## Whatever is refused after the limiter has consumed one
    account business
    run a image bad body -> refused INVALID_BODY, limit 1000 left 999 reset 10:01 retry 60
    run b image bad inputs -> refused INVALID_INPUTS, limit 1000 left 998 reset 10:01 retry 60
    run c image unknown model -> refused MODEL_NOT_FOUND, limit 1000 left 997 reset 10:01 retry 60
    run d image quote 1 needs enterprise -> refused MODEL_TIER_REQUIRED required enterprise on business, limit 1000 left 996 reset 10:01 retry 60
    run e image quote 1 async only sync -> refused ASYNC_NOT_SUPPORTED, limit 1000 left 995 reset 10:01 retry 60
    run f image quote 1 -> refused INSUFFICIENT_CREDITS required 1 available 0, limit 1000 left 994 reset 10:01 retry 60
    grant trial image runs 1
    run g image quote 1 -> admitted, limit 1000 left 993 reset 10:01 retry 60
    run h image quote 1 -> refused grant_exhausted granted 1 used 1, limit 1000 left 992 reset 10:01 retry 60

    ## Whatever is refused before the limiter has consumed nothing
    account business
    key narrow model:video:run
    run a image quote 1 with key stranger -> refused UNAUTHORIZED, limit none
    run b image bad slug -> refused INVALID_SLUG, limit none
    run c image quote 1 with key narrow -> refused CAPABILITY_DENIED required model:image:run, limit none
    run d image bad body -> refused INVALID_BODY, limit 1000 left 999 reset 10:01 retry 60

    ## Asking again for an admitted run counts nothing
    account business
    pot gift top-up 5
    run a image quote 1 -> admitted, limit 1000 left 999 reset 10:01 retry 60
    again -> already admitted, no events
    run b image quote 1 -> admitted, limit 1000 left 998 reset 10:01 retry 60
    """
