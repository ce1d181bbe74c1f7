import AsyncHTTPClient
import Glibc
import Ledger
import NIOCore
import NIOHTTP1
import Registry
import TestSupport
import Testing

/// Goal: under one idempotency key there is one run, whatever is repeated, how often at once, and whoever is killed.
@Suite("Idempotency keys over the wire", .serialized, .timeLimit(.minutes(4)))
struct IdempotencyWireTests {
    /// An answer with everything that belongs to it.
    private struct Whole: Hashable, Sendable {
        let status: UInt
        let headers: [String]
        let body: String
        let isReplay: Bool

        static func == (left: Whole, right: Whole) -> Bool {
            left.status == right.status && left.headers == right.headers && left.body == right.body
        }

        func hash(into hasher: inout Hasher) { hasher.combine(body) }
    }

    /// What is asked for, and how it is answered when it is done.
    private struct Wish {
        var path = "/api/models/\(Call.textModel)/run"
        var body = #"{"inputs":{"prompt":"hi"}}"#
        var status: UInt = 200
        /// Whether the first answer alone says what is left of its minute, as where reads are counted.
        var isCountedAsRead = false
    }

    private static func ask(
        _ stack: Stack,
        _ customer: Customer,
        _ url: String,
        key: String,
        _ wish: Wish = Wish()
    ) async throws -> Whole {
        var request = HTTPClientRequest(url: url + wish.path)
        request.method = .POST
        request.headers.add(name: "x-api-key", value: customer.key)
        request.headers.add(name: "idempotency-key", value: key)
        request.body = .bytes(ByteBuffer(string: wish.body))
        let response = try await stack.http.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 1 << 20)
        let passing = ["date", "idempotency-replayed"]
        return Whole(
            status: response.status.code,
            headers: response.headers.filter { !passing.contains($0.name.lowercased()) }
                .filter { !wish.isCountedAsRead || !$0.name.lowercased().contains("ratelimit") }
                .map { "\($0.name): \($0.value)" }.sorted(),
            body: String(buffer: body),
            isReplay: response.headers.first(name: "idempotency-replayed") == "true"
        )
    }

    private static func askAtOnce(
        _ stack: Stack,
        _ customer: Customer,
        _ services: [RunningService],
        key: String,
        _ wish: Wish
    ) async throws -> [Whole] {
        try await withThrowingTaskGroup(of: Whole.self) { group in
            for number in 0..<64 {
                let url = services[number % services.count].url
                group.addTask { try await ask(stack, customer, url, key: key, wish) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Asks 64 times at once, and 64 times again when it is done: it is done once, and told the same for ever.
    private static func expectOnce(
        _ wish: Wish,
        _ stack: Stack,
        _ customer: Customer,
        _ services: [RunningService]
    ) async throws {
        let key = "race-\(wish.path)"
        let raced = try await askAtOnce(stack, customer, services, key: key, wish)
        let first = raced.filter { $0.status == wish.status }
        #expect(
            Set(first).count == 1,
            "\(wish): \(raced.first { $0.status != wish.status }?.body ?? "")"
        )
        let fresh = first.filter { !$0.isReplay }
        #expect(fresh.count == 1)
        #expect(Set(raced.map(\.status)).isSubset(of: [wish.status, 409]))
        let inFlight = raced.filter { $0.status == 409 }
        let codes = Set(inFlight.map { $0.body.contains("IDEMPOTENCY_IN_FLIGHT") })
        #expect(codes.isSubset(of: [true]))
        let pauses = Set(inFlight.map { whole in whole.headers.count { $0.lowercased() == "retry-after: 1" } })
        #expect(pauses.isSubset(of: [1]))
        let before = try await stack.rows("SELECT count(*) FROM ledger.events")
        let later = try await askAtOnce(stack, customer, services, key: key, wish)
        #expect(Set(later) == Set(first) && later.count == 64)
        #expect(later.allSatisfy { $0.isReplay })
        #expect(try await stack.rows("SELECT count(*) FROM ledger.events") == before)
    }

    @Test("64 at once to two services on one database lead to one run, and later to 64 equal answers and no event")
    func atOnce() async throws {
        try await Stack.with { stack in
            try await stack.script(["latencyMilliseconds": 300])
            let services = [try await stack.startService(), try await stack.startService()]
            let rights = ["workflow:run", "workflow:write"]
            let customer = try await stack.openAccount(credits: 100, capabilities: rights)
            try await Self.expectOnce(Wish(), stack, customer, services)
            #expect(try await stack.simulatorCount("total") == 1)
            #expect(try await stack.state(of: customer).account?.posted == Credits(whole: 99))
            let saving = Wish(
                path: "/api/workflows",
                body: RunCommandTests.document,
                status: 201,
                isCountedAsRead: true
            )
            try await Self.expectOnce(saving, stack, customer, services)
            #expect(try await stack.rows("SELECT slug, version FROM ledger.workflows") == [["fox", "1"]])
            try await Self.expectOnce(Wish(path: "/api/workflows/fox/run"), stack, customer, services)
            #expect(try await stack.simulatorCount("total") == 2)
            #expect(try await stack.state(of: customer).account?.posted == Credits(whole: 98))
            #expect(try await stack.verify()["clean"] == true)
        }
    }

    @Test("after kill -9 between admission and settling, a repeat tells the truth about the run and starts no other")
    func killed() async throws {
        try await Stack.with { stack in
            try await stack.script(["latencyMilliseconds": 60_000])
            let services = [try await stack.startService(), try await stack.startService()]
            let customer = try await stack.openAccount(credits: 100)
            let lost = Task { try? await Self.ask(stack, customer, services[0].url, key: "lost") }
            try await eventually("the run is with the provider") { try await stack.simulatorCount("total") == 1 }
            await services[0].process.stop(SIGKILL)
            #expect(await lost.value == nil)
            let waiting = try await Self.ask(stack, customer, services[1].url, key: "lost")
            #expect(waiting.status == 409)
            var known: Whole?
            try await eventually("the run is known to be unresolved") {
                known = try await Self.ask(stack, customer, services[1].url, key: "lost")
                return known?.status == 500
            }
            #expect(known?.body.contains(#""code":"EXECUTION_FAILED""#) == true)
            #expect(known?.body.contains(#""unresolved":true"#) == true)
            #expect(known?.isReplay == true)
            #expect(try await stack.simulatorCount("total") == 1)
            #expect(try await stack.rows("SELECT count(*) FROM ledger.executions") == [["1"]])
        }
    }

    @Test("whenever a service is killed, every key has had one run, and its answer stays the same")
    func killedAnywhere() async throws {
        try await Stack.with { stack in
            try await stack.script(["latencyMilliseconds": 5])
            var services = [try await stack.startService(), try await stack.startService()]
            let customer = try await stack.openAccount(tier: .enterprise, credits: 10_000)
            var answered: [String: Whole] = [:]
            var number = 0
            for round in 0..<6 {
                let keys = (0..<60).map { _ -> String in
                    number += 1
                    return "key-\(number)"
                }
                let url = services[0].url
                let asked = Task {
                    await withTaskGroup(of: (String, Whole?).self) { group in
                        for key in keys { group.addTask { (key, try? await Self.ask(stack, customer, url, key: key)) } }
                        return await group.reduce(into: [String: Whole]()) { $0[$1.0] = $1.1 }
                    }
                }
                try await Task.sleep(for: .milliseconds(3 + 9 * round))
                await services[0].process.stop(SIGKILL)
                for (key, answer) in await asked.value where answer.status == 200 { answered[key] = answer }
                services[0] = try await stack.startService(port: services[0].port)
            }
            let url = services[1].url
            try await eventually("no run is under way") {
                try await stack.rows(
                    "SELECT count(*) FROM ledger.executions WHERE status IN ('admitted', 'submitted')"
                ) == [["0"]]
            }
            var statuses: [UInt: Int] = [:]
            for key in (1...number).map({ "key-\($0)" }) {
                let answer = try await Self.ask(stack, customer, url, key: key)
                statuses[answer.status, default: 0] += 1
                if let first = answered[key] { #expect(answer == first, "\(key)") }
                #expect(try await Self.ask(stack, customer, services[0].url, key: key) == answer, "\(key)")
            }
            #expect(Set(statuses.keys).isSubset(of: [200, 500]), "\(statuses)")
            #expect((statuses[200] ?? 0) >= answered.count)
            let runs = try await stack.rows("SELECT count(*) FROM ledger.executions")
            #expect(runs == [["\(number)"]], "one run for each key")
            let charged = Int64(statuses[200] ?? 0)
            #expect(try await stack.state(of: customer).account?.posted == Credits(whole: 10_000 - charged))
            #expect(try await stack.verify()["clean"] == true)
        }
    }
}
