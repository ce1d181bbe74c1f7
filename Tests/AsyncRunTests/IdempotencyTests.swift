import App
import HTTPTypes
import HummingbirdTesting
import Ledger
import LedgerStore
import LedgerTestSupport
import NIOCore
import RunTestSupport
import Runs
import TestSupport
import Testing

/// Goal: a request with an idempotency key is carried out once, and answered with the first answer, byte for byte.
@Suite("Requests with an idempotency key", .gated, .database(LedgerDatabase.template(journals: 4)))
struct IdempotencyTests {
    private static let run = #"{"inputs":{"prompt":"hi"}}"#
    private static let path = "/api/models/plain/run"

    /// Status, headers and body as text, but for the header that says that they were given before.
    private static func bytes(_ response: TestResponse) -> String {
        let headers = response.headers.filter { $0.name.rawName != "Idempotency-Replayed" }
        let lines = headers.map { "\($0.name.rawName): \($0.value)" }.sorted()
        return "\(response.status.code)\n\(lines.joined(separator: "\n"))\n\n\(String(buffer: response.body))"
    }

    private static func code(_ response: TestResponse) -> String {
        let code = String(buffer: response.body).firstMatch(of: /"code":"([A-Za-z_]+)"/)?.1 ?? "OK"
        return "\(response.status.code) \(code)"
    }

    private static func isReplay(_ response: TestResponse) -> Bool {
        response.headers.contains { $0.name.rawName == "Idempotency-Replayed" && $0.value == "true" }
    }

    private static func events() async throws -> String { try await psql("SELECT count(*) FROM ledger.events") }

    private static func ask(
        _ bench: AsyncBench,
        _ service: RunService,
        _ path: String = path,
        key: String = "order-1",
        secret: String? = nil,
        headers: [(String, String)] = [],
        body: String = run
    ) async throws -> TestResponse {
        try await bench.answer(
            service,
            path,
            .post,
            key: secret,
            headers: [("Idempotency-Key", key)] + headers,
            body: body
        )
    }

    @Test("a repeated run is answered with the first answer, 64 at once, by any process, and adds no event")
    func success() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.submit = { _ in .ended(.done) } }
            let service = try bench.service()
            let other = try bench.service(2)
            let first = try await Self.ask(bench, service)
            #expect(Self.code(first) == "200 OK")
            #expect(!Self.isReplay(first))
            #expect(String(buffer: first.body).contains(#""cost":3,"ms":"#))
            let before = try await Self.events()
            let again = try await withThrowingTaskGroup(of: TestResponse.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        // The same request, however its key is quoted and its JSON is written.
                        try await Self.ask(
                            bench,
                            number.isMultiple(of: 2) ? service : other,
                            key: number.isMultiple(of: 3) ? #""order-1""# : "order-1",
                            body: number.isMultiple(of: 5) ? #" { "inputs" : {"prompt": "\u0068i"} }"# : Self.run
                        )
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(again.map(Self.bytes)) == [Self.bytes(first)])
            #expect(again.allSatisfy { Self.isReplay($0) })
            #expect(try await Self.events() == before)
            #expect(bench.provider.count("submit") == 1)
            #expect(try await bench.available == Credits(whole: 997))
        }
    }

    @Test("another request under the same key is refused and recorded, and leaves the key as it was")
    func mismatch() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.submit = { _ in .ended(.done) } }
            let service = try bench.service()
            let first = try await Self.ask(bench, service)
            let others = [
                try await Self.ask(bench, service, body: #"{"inputs":{"prompt":"ho"}}"#),
                try await Self.ask(bench, service, "\(Self.path)?a=b"),
                try await Self.ask(bench, service, "/api/models/brief/run"),
                try await Self.ask(bench, service, headers: [("Prefer", "respond-async")]),
            ]
            for other in others {
                #expect(Self.code(other) == "422 IDEMPOTENCY_MISMATCH")
                #expect(
                    String(buffer: other.body).hasPrefix(
                        #"{"success":false,"error":"The idempotency key was used for another request","#
                            + #""code":"IDEMPOTENCY_MISMATCH","requestId":"#
                    )
                )
            }
            let refused = "SELECT count(*) FROM ledger.events WHERE detail LIKE '%IDEMPOTENCY_MISMATCH%'"
            #expect(try await psql(refused) == "4")
            #expect(Self.bytes(try await Self.ask(bench, service)) == Self.bytes(first))
            #expect(bench.provider.count("submit") == 1)
        }
    }

    @Test("while the first request is under way the others get 409, and afterwards its answer")
    func inFlight() async throws {
        try await AsyncBench.with { bench in
            let gate = Gate()
            bench.provider.follow {
                $0.submit = { _ in
                    await gate.pass()
                    return .ended(.done)
                }
            }
            let service = try bench.service()
            async let asked = Self.ask(bench, service)
            try await eventually("the run is dispatched") { gate.arrivals == 1 }
            let before = try await Self.events()
            let waiting = try await withThrowingTaskGroup(of: TestResponse.self) { group in
                for _ in 0..<63 { group.addTask { try await Self.ask(bench, service) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(waiting.map(Self.code)) == ["409 IDEMPOTENCY_IN_FLIGHT"])
            #expect(Set(waiting.map { $0.headers[.retryAfter] }) == ["1"])
            #expect(try await Self.events() == before)
            gate.open()
            let first = try await asked
            #expect(Self.code(first) == "200 OK")
            #expect(Self.bytes(try await Self.ask(bench, service)) == Self.bytes(first))
            #expect(bench.provider.count("submit") == 1)
        }
    }

    @Test("a refusal leaves the key free, and a failure of the provider does not")
    func refusalAndFailure() async throws {
        try await AsyncBench.with { bench in
            let failure = DispatchFailure(message: "It broke", failureClass: .provider)
            bench.provider.follow { $0.submit = { _ in .ended(.failed(failure)) } }
            let service = try bench.service()
            #expect(Self.code(try await Self.ask(bench, service, body: "{}")) == "400 INVALID_INPUTS")
            #expect(Self.code(try await Self.ask(bench, service, "/api/models/none/run")) == "404 MODEL_NOT_FOUND")
            let failed = try await Self.ask(bench, service)
            #expect(Self.code(failed) == "500 EXECUTION_FAILED")
            let before = try await Self.events()
            bench.provider.follow { $0.submit = { _ in .ended(.done) } }
            #expect(Self.bytes(try await Self.ask(bench, service)) == Self.bytes(failed))
            #expect(try await Self.events() == before)
            #expect(Self.code(try await Self.ask(bench, service, key: "order-2")) == "200 OK")
            #expect(bench.provider.count("submit") == 2)
        }
    }

    @Test("an asynchronous run is accepted once, and 64 requests at once are answered with the same 202")
    func asynchronous() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.poll = { _, _ in .pending(retryAfter: nil) } }
            let services = [try bench.service(1), try bench.service(2)]
            let answers = try await withThrowingTaskGroup(of: TestResponse.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        try await Self.ask(bench, services[number % 2], "/api/models/clip/run?async=true")
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.map(Self.code)) == ["202 OK"])
            #expect(Set(answers.map { String(buffer: $0.body) }).count == 1)
            #expect(Set(answers.map(Self.bytes)).count == 1)
            #expect(bench.provider.count("submit") == 1)
            for service in services { await service.drain(grace: .zero) }
        }
    }

    @Test("a run whose caller got no answer is answered with what became of it")
    func truth() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.poll = { _, _ in .pending(retryAfter: nil) } }
            let service = try bench.service(1)
            let path = "/api/models/clip/run"
            let caller = Task { try await Self.ask(bench, service, path) }
            try await eventually("the run is polled for") { bench.provider.count("poll") > 0 }
            #expect(Self.code(try await Self.ask(bench, service, path)) == "409 IDEMPOTENCY_IN_FLIGHT")
            // Another process settles the run as if the first one had died.
            let id = try #require(ExecutionID(text: try await psql("SELECT execution_id FROM ledger.executions")))
            let settlement = SettleRun(
                executionID: id,
                outcome: .succeeded(
                    cost: Credits(whole: 2),
                    providerCost: MicroUSD(microdollars: 1),
                    resultDigest: nil,
                    durationMilliseconds: 7
                ),
                providerRequestID: nil,
                report: RunReport(result: #"{"text":["late"]}"#, errorMessage: nil, milliseconds: 7)
            )
            let command = Command(
                id: CommandID(FreshID.bits()),
                accountID: bench.account,
                action: .settleRun(settlement)
            )
            _ = try await bench.store.submit(command)
            let other = try bench.service(2)
            let truth = try await Self.ask(bench, other, path)
            #expect(Self.isReplay(truth))
            #expect(String(buffer: truth.body) == #"{"success":true,"result":{"text":["late"]},"cost":2,"ms":7}"#)
            #expect(Self.bytes(try await Self.ask(bench, service, path)) == Self.bytes(truth))
            bench.provider.follow { $0.poll = { _, _ in .ended(.done) } }
            // The first caller comes late, and is told the same.
            #expect(Self.bytes(try await caller.value) == Self.bytes(truth))
        }
    }

    @Test("an unresolved run is answered as such, until more is known")
    func unresolved() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.submit = { _ in .ended(.unresolved(.connectionLost, providerRequestID: nil)) } }
            let service = try bench.service()
            let first = try await Self.ask(bench, service)
            #expect(Self.code(first) == "500 EXECUTION_FAILED")
            #expect(String(buffer: first.body).contains(#""unresolved":true"#))
            #expect(Self.bytes(try await Self.ask(bench, service)) == Self.bytes(first))
            #expect(bench.provider.count("submit") == 1)
        }
    }

    @Test("a run that was given up before it was dispatched leaves the key free")
    func released() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.submit = { _ in .ended(.done) } }
            let service = try bench.service(1)
            let asked = try await withLockedJournal(bench.store.journal(of: bench.account)) {
                let asked = Task { try await Self.ask(bench, service) }
                try await eventually("the admission waits for the lock") {
                    let waiters =
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    return try await psql(waiters) != "0"
                }
                let drained = Task { await service.drain(grace: .zero) }
                try await Task.sleep(for: .milliseconds(100))
                return (asked, drained)
            }
            #expect(Self.code(try await asked.0.value) == "503 OVERLOADED")
            await asked.1.value
            #expect(try await psql("SELECT count(*) FROM ledger.idempotency") == "0")
            #expect(bench.provider.count("submit") == 0)
            #expect(Self.code(try await Self.ask(bench, try bench.service(2))) == "200 OK")
        }
    }

    @Test("a key that may not run the model is refused, whatever was answered before")
    func capability() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.submit = { _ in .ended(.done) } }
            let service = try bench.service()
            _ = try await Self.ask(bench, service)
            let secret = APIKeySecret(keyID: KeyID(FreshID.bits(in: bench.store.journal(of: bench.account))))
            let key = IssueKey(
                keyID: secret.keyID,
                name: "reader",
                secretDigest: secret.digest,
                capabilities: [try #require(Capability("execution:read"))]
            )
            let command = Command(
                id: CommandID(FreshID.bits()),
                accountID: bench.account,
                action: .issueKey(key)
            )
            #expect(try await bench.store.submit(command) == .done)
            let refused = try await Self.ask(bench, service, secret: secret.text)
            #expect(Self.code(refused) == "403 CAPABILITY_DENIED")
        }
    }

    @Test("an administrative command under a key keeps its answer with its event")
    func administration() async throws {
        try await AsyncBench.with { bench in
            func command(_ amount: Int64, fingerprint: String = "a") -> Command {
                let pot = PotID(FreshID.bits())
                return Command(
                    id: CommandID(FreshID.bits()),
                    accountID: bench.account,
                    action: .addCredits(
                        AddCredits(
                            potID: pot,
                            kind: .topUp,
                            amount: Credits(whole: amount),
                            expiresAt: nil,
                            externalReference: nil
                        )
                    ),
                    idempotency: IdempotentRequest(
                        key: Digest(of: Array("key".utf8)),
                        fingerprint: Digest(of: Array(fingerprint.utf8)),
                        answer: AnswerDraft(status: 201, headers: "A: b\n", body: Array("\(pot)".utf8))
                    )
                )
            }
            let first = command(5)
            #expect(try await bench.store.submit(first) == .done)
            guard case .repeated(let claim) = try await bench.store.submit(command(5)) else {
                Issue.record("the command was carried out again")
                return
            }
            let kept = try await bench.store.readAnswer(of: bench.account, key: claim.key)
            #expect(kept == first.idempotency?.answer?.answer(charged: .zero))
            let other = try await bench.store.submit(command(5, fingerprint: "b"))
            #expect(other == .refused(.idempotencyMismatch, window: nil))
            #expect(try await bench.available == Credits(whole: 1_005))
        }
    }

    @Test("keys are forgotten after their time, but for those of runs under way")
    func retention() async throws {
        try await AsyncBench.with { bench in
            let gate = Gate()
            bench.provider.follow { $0.submit = { _ in .ended(.done) } }
            let service = try bench.service()
            _ = try await Self.ask(bench, service)
            bench.provider.follow {
                $0.submit = { _ in
                    await gate.pass()
                    return .ended(.done)
                }
            }
            let caller = Task { try await Self.ask(bench, service, key: "order-2") }
            try await eventually("the run is dispatched") { gate.arrivals == 1 }
            #expect(try await bench.store.purgeClaims(before: SystemClock.now().adding(seconds: -60)) == 0)
            #expect(try await bench.store.purgeClaims(before: SystemClock.now().adding(seconds: 60)) == 1)
            #expect(Self.code(try await Self.ask(bench, service, key: "order-2")) == "409 IDEMPOTENCY_IN_FLIGHT")
            gate.open()
            _ = try await caller.value
            #expect(try await bench.store.purgeClaims(before: SystemClock.now().adding(seconds: 60)) == 1)
        }
    }

    @Test(
        "a malformed key is refused with the limit, and a key of the greatest length is taken",
        arguments: [
            ("", "400 INVALID_IDEMPOTENCY_KEY"), (#""""#, "400 INVALID_IDEMPOTENCY_KEY"),
            ("two words", "400 INVALID_IDEMPOTENCY_KEY"), (#""open"#, "400 INVALID_IDEMPOTENCY_KEY"),
            (#""a"b""#, "400 INVALID_IDEMPOTENCY_KEY"), (#""a\b""#, "400 INVALID_IDEMPOTENCY_KEY"),
            (String(repeating: "k", count: 256), "400 INVALID_IDEMPOTENCY_KEY"),
            (String(repeating: "k", count: 255), "200 OK"), (#""a\"b""#, "200 OK"),
        ]
    )
    func malformed(key: String, expected: String) async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.submit = { _ in .ended(.done) } }
            let answer = try await Self.ask(bench, try bench.service(), key: key)
            #expect(Self.code(answer) == expected)
            if expected.hasPrefix("400") {
                #expect(
                    String(buffer: answer.body).contains(
                        #""error":"Idempotency-Key takes one key of 1 to 255 visible ASCII characters""#
                    )
                )
                #expect(bench.provider.calls.isEmpty)
            }
        }
    }
}
