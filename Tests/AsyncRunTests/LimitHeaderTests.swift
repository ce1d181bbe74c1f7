import HTTPTypes
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import Runs
import TestSupport
import Testing

/// Every header of a limit is recounted from the log alone.
///
/// Method: two processes on one database take the requests of three accounts, one of which runs a workflow; they succeed, are refused after the limiter
/// and are refused by it, while the clock goes through the end of a minute into the next one. Then each answer is looked
/// up among the events by its request's id.
@Suite("The headers of limits", .gated, .database(LedgerDatabase.template(journals: 4)))
struct LimitHeaderTests {
    private typealias Reply = APIProcess.Reply
    private static let perMinute: Int64 = 1_000
    private static let workflow = """
        {"name":"fox","nodes":[{"id":"in","type":"requestInput","data":{"fields":[{"name":"prompt"}]}},
        {"id":"ask","type":"model","data":{"model":"echo"}},{"id":"out","type":"responseOutput"}],
        "edges":[{"id":"1","source":"in","sourceHandle":"prompt","target":"ask","targetHandle":"prompt"},
        {"id":"2","source":"ask","target":"out"}]}
        """

    /// Who sends the load, and what is asked for.
    private struct Sender {
        let account: AccountID
        let key: String
        let route: Route

        var path: String { route == .workflowRun ? "/api/workflows/fox/run" : "/api/models/echo/run" }
    }

    @Test("each X-RateLimit header of a load over two minutes is what the log says, and the draft's two agree")
    func recount() async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            try await withStore(settings) { other in
                let processes = [
                    try APIProcess(store, clock: { clock.now }), try APIProcess(other, clock: { clock.now }),
                ]
                let wish = #"{"name":"k","capabilities":["model:run","workflow:run","workflow:write"]}"#
                var senders: [Sender] = []
                let loads: [(Int64, Route)] = [(3, .modelRun), (1_000_000, .modelRun), (1_000_000, .workflowRun)]
                for (credits, route) in loads {
                    let account = try await store.openAccount(.business, credits: credits)
                    let key = try await processes[0].issueKey(to: account, wish).key
                    senders.append(Sender(account: account, key: key, route: route))
                }
                let key = APIProcess.Credential.key(senders[2].key)
                let saved = try await processes[0].send(.post, "/api/workflows", as: key, body: Self.workflow)
                #expect(saved.status == 201, "\(saved.line)")
                clock.advance(seconds: 50)
                // 2 x 520 requests an account in the first minute are more than it may count; in the second fewer.
                var replies: [AccountID: [Reply]] = [:]
                for (round, times) in [520, 520, 40].enumerated() {
                    for sender in senders {
                        replies[sender.account, default: []] += try await Self.load(processes, sender, times, clock)
                    }
                    if round == 1 { clock.advance(seconds: 60) }
                }
                for sender in senders {
                    let answers = try #require(replies[sender.account])
                    let events = try await store.allEvents(of: sender.account)
                    try Self.check(answers, against: events, route: sender.route)
                }
                #expect(replies[senders[0].account]?.contains { $0.status == 402 } == true)
                for sender in senders[1...] {
                    #expect(replies[sender.account]?.contains { $0.status == 200 } == true)
                }
                try await expectSound(store)
            }
        }
    }

    /// Requests from both processes, a hundred at once, a few milliseconds of the clock apart.
    private static func load(
        _ processes: [APIProcess],
        _ sender: Sender,
        _ times: Int,
        _ clock: TestClock
    ) async throws -> [Reply] {
        var replies: [Reply] = []
        for first in stride(from: 0, to: times, by: 100) {
            clock.advance(microseconds: 200_000)
            replies += try await withThrowingTaskGroup(of: Reply.self) { group in
                for index in first..<min(first + 100, times) {
                    group.addTask {
                        let body = index.isMultiple(of: 7) ? #"{"inputs":{"prompt":"hi"}}"# : "[]"
                        return try await processes[index % 2]
                            .send(.post, sender.path, as: .key(sender.key), body: body)
                    }
                }
                var answered: [Reply] = []
                for try await reply in group { answered.append(reply) }
                return answered
            }
        }
        return replies
    }

    private static func check(_ replies: [Reply], against events: [Event], route: Route) throws {
        // What the log says of each request, counted from its events and from nothing that they claim about a count.
        var counted: [Int64: Int64] = [:]
        var remaining: [String: (minute: Int64, remaining: Int64)] = [:]
        var refused: [Int64: Int64] = [:]
        for event in events {
            let minute = event.content.recordedAt.minute
            switch event.content.type {
            case .rateLimitCounted:
                #expect(event.content.detail?["route"]?.stringValue == route.rawValue)
                counted[minute, default: 0] += 1
                let request = try #require(event.content.requestID).description
                remaining[request] = (minute, perMinute - (counted[minute] ?? 0))
            case .rateLimitExceeded:
                refused[minute, default: 0] += try #require(event.content.detail?["refused"]?.integerValue)
            default: break
            }
        }
        #expect(counted.count == 2 && counted.values.max() == perMinute)
        var refusedReplies: [Int64: Int64] = [:]
        for reply in replies {
            let reset = try #require(reply.header("X-RateLimit-Reset").flatMap { Int64($0) })
            let left: Int64
            if reply.status == 429 {
                let minute = reset / 60 - 1
                refusedReplies[minute, default: 0] += 1
                left = perMinute - (counted[minute] ?? 0)
                let wait = try #require(reply.header("Retry-After"))
                #expect(reply.json["retryAfter"]?.scalarText == wait)
                #expect(reply.header("RateLimit") == #""default";r=0;t=\#(wait)"#)
            } else {
                let found = remaining.removeValue(forKey: reply.requestID)
                let said = try #require(found, "\(reply.line)")
                #expect(reset == (said.minute + 1) * 60)
                left = said.remaining
            }
            #expect(reply.header("X-RateLimit-Remaining") == "\(left)")
            #expect(reply.header("X-RateLimit-Limit") == "\(perMinute)")
            #expect(reply.header("RateLimit-Policy") == #""default";q=1000;w=60"#)
            #expect(reply.header("RateLimit")?.hasPrefix(#""default";r=\#(left);t="#) == true)
        }
        #expect(refusedReplies == refused && !refused.isEmpty)
        #expect(remaining.isEmpty, "requests were counted whose answers did not say so")
    }

    @Test("a plan without a limit sends neither family, and a problem names the kind of refusal")
    func families() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let unlimited = try await store.openAccount(.enterprise)
            let wish = #"{"name":"k","capabilities":["model:run","execution:read"]}"#
            let key = try await api.issueKey(to: unlimited, wish).key
            for reply in [
                try await api.run(as: key), try await api.send(.get, "/api/usage", as: .key(key)),
                try await api.send(.get, "/api/executions/x", as: .key(key)),
            ] {
                #expect(!reply.headers.contains { $0.name.rawName.lowercased().contains("ratelimit") })
            }
            let limited = try await store.openAccount(.business)
            let left = try await api.issueKey(to: limited, wish).key
            for path in ["/api/usage?limit=x", "/api/executions/x"] {
                #expect(try await api.send(.get, path, as: .key(left)).header("RateLimit") != nil, "\(path)")
            }
            try await store.administer(.changeTier(.free), of: limited)
            let problem = try await api.send(
                .get,
                "/api/usage",
                as: .key(left),
                headers: ["Accept": "application/problem+json"]
            )
            #expect(problem.status == 429 && problem.header("Content-Type") == "application/problem+json")
            #expect(problem.json["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded")
            #expect(problem.json["violated-policies"] == ["default"])
        }
    }
}
