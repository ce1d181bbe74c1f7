import Egress
import Foundation
import Ledger
import LedgerStore
import LedgerTestSupport
import NetworkTestSupport
import Registry
import Runs
import Synchronization
import TestSupport
import Testing

@testable import Webhooks

@Suite("Deliveries of webhooks", .database(LedgerDatabase.template(journals: 4)))
struct DeliveryTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    private func withReceiver(
        answer: @escaping @Sendable (_ head: String) async -> String? = { _ in .answer("204 No Content") },
        _ body: (LoopbackServer, _ url: String) async throws -> Void
    ) async throws {
        try await LoopbackServer.with(answer: answer) { server in
            try await body(server, "http://127.0.0.1:\(server.port)/hook")
        }
    }

    private func header(_ name: String, _ head: String) -> String? {
        head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("\(name):") }
            .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    @Test("The end of an asynchronous run is reported once, with both signatures, and says what the contract says")
    func report() async throws {
        try await withReceiver { server, url in
            try await Bench.with { bench in
                _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: url, secret: Self.secret)
                let id = try await bench.begin()
                await bench.work()
                #expect(server.requests.isEmpty)
                try await bench.end(id)
                await bench.work()
                await bench.work()
                #expect(server.requests.count == 1)
                let (head, body) = (try #require(server.requests.first), try #require(server.bodies.first))
                #expect(head.hasPrefix("POST /hook HTTP/1.1"))
                #expect(header("content-type", head) == "application/json")
                #expect(header("webhook-id", head) == "msg_\(id)")
                let json = try JSONValue(text: body)
                #expect(json["event"] == "execution.completed")
                #expect(json["executionId"] == .string(id.description))
                #expect(json["requestId"] == "kie_1")
                #expect(json["userId"] == .string(bench.tenant.account.description))
                #expect(json["workflowSlug"] == .null)
                #expect(json["modelIds"] == ["painter"])
                #expect(json["status"] == "completed")
                #expect(json["result"] == ["images": ["https://x/1.png"]])
                #expect(json["error"] == .null)
                #expect(json["cost"] == 3)
                #expect(json["ms"] == 17)
                let order = [
                    "event", "executionId", "requestId", "userId", "workflowSlug", "modelIds", "status", "result",
                ]
                let places = order.compactMap { body.firstRange(of: "\"\($0)\":")?.lowerBound }
                #expect(places.count == order.count && places == places.sorted())
                let verified = try await PythonTools.run(
                    """
                    import sys, hmac, hashlib
                    from standardwebhooks.webhooks import Webhook
                    body, secret, own, *standard = sys.stdin.read(), *sys.argv[1:]
                    names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
                    print(Webhook(secret).verify(body, dict(zip(names, standard)))["executionId"])
                    parts = dict(part.split("=", 1) for part in own.split(","))
                    print(hmac.new(secret.encode(), (parts["t"] + "." + body).encode(), hashlib.sha256).hexdigest() == parts["v1"])
                    """,
                    [Self.secret]
                        + ["x-knouds-signature", "webhook-id", "webhook-timestamp", "webhook-signature"]
                        .map { header($0, head) ?? "" },
                    input: body
                )
                #expect(verified == "\(id)\nTrue\n")
                let log = try await bench.desk.deliveries(of: bench.tenant.key, limit: 10)
                #expect(log.map(\.state) == ["delivered"])
                #expect(log.first?.attempts.map(\.status) == [204])
            }
        }
    }

    @Test("A receiver that hangs with many deliveries delays no other key's, and never has more than four of its own")
    func slowReceiver() async throws {
        try await withReceiver(answer: { _ in nil }) { hanging, hangingURL in
            try await withReceiver { quick, quickURL in
                try await Bench.with { bench in
                    let slowKey = KeyID(FreshID.bits(in: bench.tenant.journal))
                    let capabilities = ["model:run", "webhook:receive"]
                    try await bench.store.succeed(bench.tenant.issueKey(slowKey, capabilities: capabilities))
                    _ = try await bench.desk.setWebhook(of: slowKey, url: hangingURL, secret: nil)
                    _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: quickURL, secret: nil)
                    for _ in 0..<100 { try await bench.end(bench.begin(key: slowKey)) }
                    let worker = bench.worker(timeout: .seconds(15))
                    let work = Task { try await worker.run() }
                    while hanging.requests.count < 4 { try await Task.sleep(for: .milliseconds(10)) }
                    let id = try await bench.begin()
                    let start = ContinuousClock.now
                    try await bench.end(id)
                    while quick.requests.isEmpty, start.duration(to: .now) < .seconds(10) {
                        try await Task.sleep(for: .milliseconds(10))
                    }
                    #expect(quick.requests.count == 1)
                    #expect(start.duration(to: .now) < .seconds(2))
                    #expect(hanging.mostConnections == 4)
                    work.cancel()
                    _ = await work.result
                    // What was under way is noted, and the rest waits for its turn.
                    let log = try await bench.desk.deliveries(of: slowKey, limit: 200)
                    #expect(log.count == 100)
                    #expect(log.count { !$0.attempts.isEmpty } == 4)
                }
            }
        }
    }

    @Test("Failures and cancellations are reported as what they are")
    func otherEnds() async throws {
        try await withReceiver { server, url in
            try await Bench.with { bench in
                _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: url, secret: nil)
                let failure = RunReport(result: nil, errorMessage: "No luck", milliseconds: 9)
                try await bench.end(
                    bench.begin(),
                    .failed(code: "PROVIDER_FAILED", durationMilliseconds: 9),
                    failure
                )
                await bench.work()
                let stopped = RunReport(result: nil, errorMessage: nil, milliseconds: 1)
                try await bench.end(bench.begin(), .cancelled(durationMilliseconds: 1), stopped)
                await bench.work()
                let bodies = try server.bodies.map { try JSONValue(text: $0) }
                try #require(bodies.count == 2)
                #expect(bodies[0]["event"] == "execution.failed")
                #expect(bodies[0]["error"] == ["code": "PROVIDER_FAILED", "message": "No luck"])
                #expect(bodies[0]["result"] == .null)
                #expect(bodies[1]["event"] == "execution.cancelled")
                #expect(bodies[1]["status"] == "cancelled")
                #expect(bodies[1]["error"] == .null)
            }
        }
    }

    @Test("Only what was admitted asynchronously while the webhook was in force is reported, to the URL of that moment")
    func inForce() async throws {
        try await withReceiver { first, firstURL in
            try await withReceiver { second, secondURL in
                try await Bench.with { bench in
                    let key = bench.tenant.key
                    let early = try await bench.begin()
                    _ = try await bench.desk.setWebhook(of: key, url: firstURL, secret: nil)
                    let waiting = try await bench.begin(isAsync: false)
                    let old = try await bench.begin()
                    _ = try await bench.desk.setWebhook(of: key, url: secondURL, secret: nil)
                    let new = try await bench.begin()
                    try await bench.desk.removeWebhook(of: key)
                    let late = try await bench.begin()
                    for id in [early, waiting, old, new, late] { try await bench.end(id) }
                    await bench.work()
                    #expect(first.requests.compactMap { header("webhook-id", $0) } == ["msg_\(old)"])
                    #expect(second.requests.compactMap { header("webhook-id", $0) } == ["msg_\(new)"])
                }
            }
        }
    }

    @Test("A run's answer names the webhook of its admission, whatever is set later, and how its report stands")
    func destination() async throws {
        try await withReceiver { _, url in
            try await Bench.with { bench in
                let key = bench.tenant.key
                let early = try await bench.begin()
                _ = try await bench.desk.setWebhook(of: key, url: url, secret: nil)
                let run = try await bench.begin()
                _ = try await bench.desk.setWebhook(of: key, url: url + "/later", secret: nil)
                #expect(try await bench.destination(of: early) == .none)
                #expect(try await bench.destination(of: run) == .url(url, report: nil))
                try await bench.end(run)
                await bench.work()
                let delivered = ReportDestination.Report(state: "delivered", attempts: 1, nextAttemptAt: nil)
                #expect(try await bench.destination(of: run) == .url(url, report: delivered))
                #expect(try await bench.destination(of: run, within: .zero) == .unknown)
            }
        }
    }

    @Test("A failure is tried again under the same id with a new time, until it is taken")
    func retries() async throws {
        let answers = ["500 Oops", "302 Found", "429 Too Many Requests", "200 OK"]
        let count = Mutex(0)
        let answer: @Sendable (String) -> String? = { _ in
            count.withLock { count in
                count += 1
                return .answer(answers[min(count, answers.count) - 1], headers: ["Location: http://127.0.0.1:1/"])
            }
        }
        try await withReceiver(answer: answer) { server, url in
            try await Bench.with { bench in
                _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: url, secret: nil)
                try await bench.end(bench.begin())
                for (attempt, wait) in [0, 6, 331, 3_961].enumerated() as EnumeratedSequence<[Int64]> {
                    bench.clock.advance(seconds: wait)
                    await bench.work()
                    #expect(server.requests.count == attempt + 1)
                }
                #expect(Set(server.requests.compactMap { header("webhook-id", $0) }).count == 1)
                #expect(Set(server.requests.compactMap { header("webhook-timestamp", $0) }).count == 4)
                #expect(Set(server.bodies).count == 1)
                let log = try await bench.desk.deliveries(of: bench.tenant.key, limit: 10)
                #expect(log.first?.state == "delivered")
                #expect(log.first?.attempts.map(\.status) == [500, 302, 429, 200])
            }
        }
    }

    @Test("What nobody takes is given up after nine attempts and 48 hours")
    func givingUp() async throws {
        try await withReceiver(answer: { _ in .answer("500 Oops") }) { server, url in
            try await Bench.with { bench in
                _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: url, secret: nil)
                try await bench.end(bench.begin())
                for _ in 0..<12 {
                    await bench.work()
                    bench.clock.advance(seconds: 80_000)
                }
                let log = try await bench.desk.deliveries(of: bench.tenant.key, limit: 10)
                #expect(log.first?.state == "failed")
                // 80,000 s at a time: the third look is the last within 48 hours.
                #expect((3...9).contains(server.requests.count))
                #expect(log.first?.attempts.count == server.requests.count)
                #expect(log.first?.nextAttemptAt == nil)
            }
        }
    }

    @Test("410 turns the webhook off: nothing more is sent, nor made")
    func gone() async throws {
        try await withReceiver(answer: { _ in .answer("410 Gone") }) { server, url in
            try await Bench.with { bench in
                _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: url, secret: nil)
                try await bench.end(bench.begin())
                await bench.work()
                try await bench.end(bench.begin())
                await bench.work()
                #expect(server.requests.count == 1)
                #expect(try await bench.desk.webhook(of: bench.tenant.key).disabledAt != nil)
                #expect(try await bench.desk.deliveries(of: bench.tenant.key, limit: 10).map(\.state) == ["disabled"])
                // Set again, it is in force again.
                _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: url, secret: nil)
                try await bench.end(bench.begin())
                await bench.work()
                #expect(server.requests.count == 2)
            }
        }
    }

    @Test("Several workers send each report once")
    func manyWorkers() async throws {
        try await withReceiver { server, url in
            try await Bench.with { bench in
                _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: url, secret: nil)
                var ids: Set<String> = []
                for _ in 0..<60 {
                    let id = try await bench.begin()
                    ids.insert("msg_\(id)")
                    try await bench.end(id)
                }
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        let worker = bench.worker()
                        group.addTask {
                            // Somebody else's turn may leave one idle while there is more to do.
                            for _ in 0..<40 { _ = await worker.turn() }
                        }
                    }
                }
                let sent = server.requests.compactMap { header("webhook-id", $0) }
                #expect(sent.count == 60)
                #expect(Set(sent) == ids)
            }
        }
    }

    @Test("A report whose worker died is sent again once its claim has run out, under the same id")
    func deadWorker() async throws {
        try await withReceiver { server, url in
            try await Bench.with { bench in
                _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: url, secret: nil)
                let id = try await bench.begin()
                try await bench.end(id)
                let journal = bench.tenant.journal
                #expect(try await bench.store.projectWebhooks(in: journal, positions: 1_000).deliveries == 1)
                let now = bench.clock.now
                let (store, until) = (bench.store, now.adding(seconds: 60))
                let claimed = try await store.claimDeliveries(in: journal, by: 2, at: now, until: until, limit: 10)
                #expect(claimed.map(\.attempt) == [1])
                await bench.work()
                #expect(server.requests.isEmpty)
                bench.clock.advance(seconds: 61)
                await bench.work()
                #expect(server.requests.compactMap { header("webhook-id", $0) } == ["msg_\(id)"])
                // The one that was taken for dead comes back: it changes nothing.
                let late = DeliveryAttempt(number: 1, startedAt: now, milliseconds: 1, status: 500, error: nil)
                let again = bench.clock.now
                try await bench.store.record(late, of: claimed[0], state: .waiting, nextAttemptAt: again, at: again)
                await bench.work()
                #expect(server.requests.count == 1)
                #expect(try await bench.desk.deliveries(of: bench.tenant.key, limit: 1).first?.state == "delivered")
            }
        }
    }

    @Test("An address is checked at each attempt, and a receiver that says nothing is given up")
    func guarded() async throws {
        try await withReceiver(answer: { _ in nil }) { server, url in
            try await Bench.with { bench in
                _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: url, secret: nil)
                try await bench.end(bench.begin())
                await bench.work(bench.worker(timeout: .milliseconds(300)))
                bench.clock.advance(seconds: 6)
                await bench.work(bench.worker(policy: WebhookDesk.policy(EgressPolicy())))
                #expect(server.requests.count == 1)
                let log = try await bench.desk.deliveries(of: bench.tenant.key, limit: 1)
                let errors = log.first?.attempts.compactMap(\.error) ?? []
                #expect(errors.map { $0.prefix { $0 != ":" } } == ["timedOut", "schemeRefused"])
                #expect(log.first?.state == "waiting")
            }
        }
    }

    @Test("A test event is delivered like any other, and once under its key, 64 at once")
    func test() async throws {
        try await withReceiver { server, url in
            try await Bench.with { bench in
                _ = try await bench.desk.setWebhook(of: bench.tenant.key, url: url, secret: nil)
                let ids = try await bench.testWebhook(times: 64, for: Digest(of: Array("a key and its request".utf8)))
                let id = try #require(ids.first)
                #expect(ids.count == 1)
                await bench.work()
                let json = try JSONValue(text: try #require(server.bodies.first))
                #expect(json["event"] == "webhook.test")
                #expect(json["executionId"] == .null)
                #expect(json["modelIds"] == [])
                #expect(server.requests.compactMap { header("webhook-id", $0) } == ["msg_\(id)"])
            }
        }
    }

    @Test("Settings that can't be taken are refused by name, and change nothing")
    func settings() async throws {
        try await Bench.with { bench in
            let key = bench.tenant.key
            let strict = WebhookDesk(
                store: bench.store,
                client: EgressClient(policy: WebhookDesk.policy(EgressPolicy())),
                clock: { bench.clock.now }
            )
            for (url, secret, path) in [
                ("http://example.com/", nil, "/url"), ("https://127.0.0.1/", nil, "/url"),
                ("https://[::1]/", nil, "/url"),
                ("https://10.1.2.3/hook", nil, "/url"), ("https://localhost/", nil, "/url"), ("nonsense", nil, "/url"),
                ("https://u@example.com/", nil, "/url"), ("https://8.8.8.8:22/", nil, "/url"),
                ("https://8.8.8.8/", "short", "/secret"), ("https://8.8.8.8/", "whsec_AAAAAAAAAAAAAAAA", "/secret"),
            ] as [(String, String?, String)] {
                let refusal = await #expect(throws: WebhookRefusal.self, "\(url)") {
                    try await strict.setWebhook(of: key, url: url, secret: secret)
                }
                guard case .invalid(let at, _) = refusal else {
                    Issue.record("\(url): \(String(describing: refusal))")
                    continue
                }
                #expect(at == path, "\(url)")
            }
            await #expect(throws: WebhookRefusal.noWebhook) { try await strict.webhook(of: key) }
            await #expect(throws: WebhookRefusal.noWebhook) { try await strict.removeWebhook(of: key) }
            await #expect(throws: WebhookRefusal.noWebhook) { try await strict.testWebhook(of: key) }
            let unknown = KeyID(FreshID.bits(in: bench.tenant.journal))
            await #expect(throws: WebhookRefusal.noKey) {
                try await strict.setWebhook(of: unknown, url: "https://8.8.8.8/", secret: nil)
            }
            let made = try await strict.setWebhook(of: key, url: "https://8.8.8.8/hook", secret: nil)
            #expect(made.newSecret?.hasPrefix("whsec_") == true)
            #expect(try await strict.webhook(of: key).newSecret == nil)
            let kept = try await strict.setWebhook(of: key, url: "https://8.8.4.4/hook", secret: nil)
            #expect(kept.newSecret == nil)
            #expect(try await bench.store.webhook(of: key)?.secret == made.newSecret)
        }
        try await Bench.with(capabilities: ["model:run"]) { bench in
            await #expect(throws: WebhookRefusal.notCapable) {
                try await bench.desk.setWebhook(of: bench.tenant.key, url: "http://127.0.0.1/", secret: nil)
            }
        }
    }
}
