import HTTPTypes
import HummingbirdTesting
import Ledger
import LedgerStore
import LedgerTestSupport
import NIOCore
import Registry
import RunTestSupport
import Runs
import Synchronization
import TestSupport
import Testing

/// What clients of the API see of runs that outlive their request, byte for byte.
@Suite("The API of executions", .gated, .database(LedgerDatabase.template(journals: 4)))
struct ExecutionAPITests {
    private static let run = #"{"inputs":{"prompt":"hi"}}"#

    /// A response in a line and a body, with words in place of what differs from run to run.
    private static func text(_ response: TestResponse, _ id: ExecutionID? = nil) -> String {
        var body = String(buffer: response.body)
        body = body.replacing(/"requestId":"[0-9a-f-]{36}"/, with: #""requestId":"<request>""#)
        body = body.replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/, with: "<time>")
        body = body.replacing(/"ms":\d+/, with: #""ms":<ms>"#)
        if let id { body = body.replacing(id.description, with: "<execution>") }
        return "\(response.status.code) \(body)"
    }

    private static func id(of response: TestResponse) throws -> ExecutionID {
        let match = try #require(String(buffer: response.body).firstMatch(of: /"executionId":"([0-9a-f-]{36})"/))
        return try #require(ExecutionID(text: match.1))
    }

    private static func header(_ response: TestResponse, _ name: String) -> String? {
        HTTPField.Name(name).flatMap { response.headers[$0] }
    }

    @Test("both ways to ask for an asynchronous run are answered with 202, and the run by its address")
    func accepted() async throws {
        try await AsyncBench.with { bench in
            bench.provider.follow { $0.poll = { _, _ in .pending(retryAfter: nil) } }
            let service = try bench.service()
            try await withWorker(service) {
                let asked = try await bench.answer(service, "/api/models/clip/run?async=true", .post, body: Self.run)
                let id = try Self.id(of: asked)
                #expect(
                    Self.text(asked, id)
                        == #"202 {"_async":true,"executionId":"<execution>","requestId":"job-<execution>","#
                        + #""status":"processing","webhookDelivery":{"configured":false},"#
                        + #""pollUrl":"/api/executions/<execution>"}"#
                )
                #expect(Self.header(asked, "Location") == "/api/executions/\(id)")
                #expect(Self.header(asked, "Preference-Applied") == nil)
                #expect(Self.header(asked, "X-RateLimit-Remaining") == "999")

                let preferred = try await bench.answer(
                    service,
                    "/api/models/clip/run",
                    .post,
                    headers: [("Prefer", "respond-async, wait=10")],
                    body: Self.run
                )
                #expect(preferred.status == .accepted)
                #expect(Self.header(preferred, "Preference-Applied") == "respond-async")

                let processing = try await bench.answer(service, "/api/executions/\(id)")
                #expect(
                    Self.text(processing, id)
                        == #"200 {"executionId":"<execution>","requestId":"job-<execution>","status":"processing","#
                        + #""modelIds":["clip"],"workflowSlug":null,"createdAt":"<time>","startedAt":"<time>","#
                        + #""completedAt":null,"result":null,"cost":null,"ms":null,"error":null,"#
                        + #""webhookDelivery":{"configured":false}}"#
                )
                #expect(Self.header(processing, "Retry-After") == "2")
                #expect(Self.header(processing, "X-RateLimit-Remaining") == "999")

                bench.provider.follow { $0.poll = { _, _ in .ended(.done) } }
                _ = try await bench.wait(for: .succeeded, of: id)
                let completed = try await bench.answer(service, "/api/executions/\(id)")
                #expect(
                    Self.text(completed, id)
                        == #"200 {"executionId":"<execution>","requestId":"task_1","status":"completed","#
                        + #""modelIds":["clip"],"workflowSlug":null,"createdAt":"<time>","startedAt":"<time>","#
                        + #""completedAt":"<time>","result":{"text":["It is done."]},"cost":3,"ms":<ms>,"error":null,"#
                        + #""webhookDelivery":{"configured":false}}"#
                )
                #expect(Self.header(completed, "Retry-After") == nil)
                let cancel = try await bench.answer(service, "/api/executions/\(id)/cancel", .post)
                #expect(
                    Self.text(cancel)
                        == #"409 {"success":false,"error":"The execution has ended, and can't be cancelled any more","#
                        + #""code":"EXECUTION_NOT_CANCELLABLE","requestId":"<request>","executionStatus":"completed"}"#
                )
            }
        }
    }

    @Test("a run that failed says why, and the end of a synchronous run can be read too")
    func failed() async throws {
        try await AsyncBench.with { bench in
            let failure = DispatchFailure(message: "The prompt was refused", failureClass: .user)
            bench.provider.follow { $0.poll = { _, _ in .ended(.failed(failure)) } }
            let service = try bench.service()
            let asked = try await bench.answer(service, "/api/models/clip/run", .post, body: Self.run)
            #expect(asked.status == .internalServerError)
            let id = try Self.id(of: asked)
            let read = try await bench.answer(service, "/api/executions/\(id)")
            #expect(
                Self.text(read, id).contains(
                    #""result":null,"cost":0,"ms":<ms>,"#
                        + #""error":{"code":"INPUTS_REFUSED","message":"The prompt was refused"}"#
                )
            )
        }
    }

    @Test("what is no run of the account is not there, whoever else's it is")
    func unknown() async throws {
        try await AsyncBench.with { bench in
            let service = try bench.service()
            let other = try await Tenant.open(in: bench.store, credits: Credits(whole: 5))
            let foreign = other.newExecution()
            _ = try await bench.store.submit(other.admit(foreign))
            let expected =
                #"404 {"success":false,"error":"There is no execution of this account with this id","#
                + #""code":"EXECUTION_NOT_FOUND","requestId":"<request>"}"#
            for id in [foreign.description, ExecutionID(FreshID.bits()).description, "x", "%00"] {
                #expect(try await Self.text(bench.answer(service, "/api/executions/\(id)")) == expected)
                #expect(try await Self.text(bench.answer(service, "/api/executions/\(id)/cancel", .post)) == expected)
            }
        }
    }

    @Test("each way of asking needs its capability and a key that still holds")
    func capabilities() async throws {
        try await AsyncBench.with(capabilities: ["model:run"]) { bench in
            let service = try bench.service()
            let id = ExecutionID(FreshID.bits())
            func denied(_ capability: String) -> String {
                #"403 {"success":false,"error":"The key lacks the capability \#(capability)","#
                    + #""code":"CAPABILITY_DENIED","requestId":"<request>","required":"\#(capability)"}"#
            }
            #expect(try await Self.text(bench.answer(service, "/api/executions/\(id)")) == denied("execution:read"))
            #expect(
                try await Self.text(bench.answer(service, "/api/executions/\(id)/cancel", .post))
                    == denied("execution:cancel")
            )
            let unauthorized =
                #"401 {"success":false,"error":"Unauthorized: send an active API key in the x-api-key header","#
                + #""code":"UNAUTHORIZED","requestId":"<request>"}"#
            #expect(try await Self.text(bench.answer(service, "/api/executions/\(id)", key: "none")) == unauthorized)
            try await bench.store.succeed(
                Command(
                    id: CommandID(FreshID.bits()),
                    accountID: bench.account,
                    action: .revokeKey(bench.secret.keyID)
                )
            )
            #expect(try await Self.text(bench.answer(service, "/api/executions/\(id)")) == unauthorized)
        }
    }

    @Test("reads have a limit of their own, and leave the limit of runs alone")
    func limits() async throws {
        try await AsyncBench.with { bench in
            let service = try bench.service()
            let path = "/api/executions/\(ExecutionID(FreshID.bits()))"
            _ = try await bench.answer(service, path)
            // In this minute and the next, should it be about to begin.
            try await psql("UPDATE ledger.read_windows SET count = 1000, minute = minute + 1")
            let refused = try await bench.answer(service, path)
            let text = Self.text(refused).replacing(/"retryAfter":\d+/, with: #""retryAfter":<seconds>"#)
            #expect(
                text == #"429 {"success":false,"error":"Rate limit exceeded","code":"RATE_LIMIT_EXCEEDED","#
                    + #""requestId":"<request>","tier":"business","limit":1000,"retryAfter":<seconds>}"#
            )
            #expect(Self.header(refused, "X-RateLimit-Remaining") == "0")
            #expect(Self.header(refused, "Retry-After") != nil)
            guard case .accepted = await bench.run(service) else {
                Issue.record("reads took from the limit of runs")
                return
            }
            await service.drain(grace: .seconds(60))
        }
    }

    @Test("reads of models count with the others, and say how many are left, whatever they find")
    func modelReads() async throws {
        try await AsyncBench.with(capabilities: ["webhook:receive"]) { bench in
            let service = try bench.service()
            let paths = [
                ("/api/models", 200), ("/api/models/clip/schema", 200), ("/api/models/none/schema", 404),
                ("/api/models/No%20Slug/schema", 400),
            ]
            for (path, status) in paths {
                let answer = try await bench.answer(service, path)
                #expect(answer.status.code == status)
                for name in ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit"] {
                    #expect(Self.header(answer, name) != nil, "\(path) \(name)")
                }
            }
            // Across the beginning of a minute, should one lie between.
            #expect(try await count("SELECT count(*) FROM ledger.read_windows WHERE count BETWEEN 1 AND 4") == 1)
            try await psql("UPDATE ledger.read_windows SET count = 1000, minute = minute + 1")
            for (path, _) in paths {
                let refused = try await bench.answer(service, path)
                let text = Self.text(refused).replacing(/"retryAfter":\d+/, with: #""retryAfter":<seconds>"#)
                #expect(
                    text == #"429 {"success":false,"error":"Rate limit exceeded","code":"RATE_LIMIT_EXCEEDED","#
                        + #""requestId":"<request>","tier":"business","limit":1000,"retryAfter":<seconds>}"#
                )
                #expect(Self.header(refused, "X-RateLimit-Remaining") == "0")
                #expect(Self.header(refused, "Retry-After") != nil)
            }
            let unauthorized = try await bench.answer(service, "/api/models", key: "none")
            #expect(unauthorized.status == .unauthorized && Self.header(unauthorized, "X-RateLimit-Limit") == nil)
        }
    }

    /// What is read of a run that failed, with words in place of what differs.
    private static func failed(_ code: String, _ message: String) -> String {
        #"200 {"executionId":"<execution>","requestId":"job-<execution>","status":"failed","modelIds":["clip"],"#
            + #""workflowSlug":null,"createdAt":"<time>","startedAt":"<time>","completedAt":"<time>","result":null,"#
            + #""cost":0,"ms":<ms>,"error":{"code":"\#(code)","message":"\#(message)"},"#
            + #""webhookDelivery":{"configured":false}}"#
    }

    @Test("a run whose media could not be stored in time says so, and costs nothing")
    func mediaUnavailable() async throws {
        // The first attempt takes longer than a result is worth waiting for.
        let late = Mutex<Int64>(0)
        let media = ScriptedMedia { _ throws(MediaFailure) in
            late.withLock { $0 = 3_600 }
            throw MediaFailure(isTransient: true, reason: "503")
        }
        try await AsyncBench.with(media: media) { bench in
            bench.provider.follow {
                $0.poll = { request, _ in
                    .ended(
                        .succeeded(
                            DispatchSuccess(
                                result: ["text": ["It is done."]],
                                providerRequestID: "job-\(request.executionID)",
                                usage: .unreported,
                                providerCost: .zero
                            )
                        )
                    )
                }
            }
            let service = try bench.service(clock: { SystemClock.now().adding(seconds: late.withLock { $0 }) })
            try await withWorker(service) {
                let id = try await bench.submit(service).executionID
                _ = try await bench.wait(for: .failed, of: id)
                let read = try await bench.answer(service, "/api/executions/\(id)")
                let message = "The media of the provider's result could not be stored in time"
                #expect(Self.text(read, id) == Self.failed("MEDIA_UNAVAILABLE", message))
                #expect(Self.header(read, "Content-Type") == "application/json")
                #expect(Self.header(read, "Retry-After") == nil)
                #expect(Self.header(read, "X-RateLimit-Limit") == "1000")
                #expect(try await bench.available == Credits(whole: 1_000))
            }
        }
    }

    @Test("a run that its provider never told the end of says so, and costs nothing")
    func unresolvedExpired() async throws {
        try await AsyncBench.with(followsRules: false) { bench in
            bench.provider.follow { $0.poll = { _, _ in .pending(retryAfter: .seconds(3_600)) } }
            let service = try bench.service()
            let id = try await bench.submit(service).executionID
            await service.drain(grace: .zero)
            // As if its hold had been made so long ago.
            try await psql("UPDATE ledger.holds SET expires_at = now() - interval '1 second'")
            let recovery = RunRecovery(for: service, clock: { SystemClock.now() }, observer: RecordingObserver())
            #expect(try await recovery.look().expired == 1)
            let read = try await bench.answer(service, "/api/executions/\(id)")
            let message = "The provider never said how the run ended, and nothing is charged for it"
            #expect(Self.text(read, id) == Self.failed("UNRESOLVED_EXPIRED", message))
            #expect(Self.header(read, "Content-Type") == "application/json")
            #expect(Self.header(read, "Retry-After") == nil)
            #expect(Self.header(read, "X-RateLimit-Limit") == "1000")
            #expect(try await bench.available == Credits(whole: 1_000))
            // The events know better: that hold had not expired.
            let findings = try await bench.store.replayDecisions().findings
            #expect(findings.map(\.event.content.type) == [.executionFailed])
        }
    }

    @Test("an answer can wait for the end, in this process or another, and no longer than it was let")
    func longPoll() async throws {
        try await AsyncBench.with { bench in
            let polling = Gate()
            bench.provider.follow {
                $0.poll = { _, _ in
                    await polling.pass()
                    return .ended(.done)
                }
            }
            let (working, reading) = (try bench.service(1), try bench.service(2))
            try await withWorker(working) {
                let id = try await bench.submit(working).executionID
                let early = try await bench.answer(reading, "/api/executions/\(id)?wait=1")
                #expect(Self.text(early).contains(#""status":"processing""#))
                async let here = bench.answer(working, "/api/executions/\(id)?wait=60")
                async let there = bench.answer(reading, "/api/executions/\(id)?wait=60")
                await polling.waitForArrivals()
                polling.open()
                #expect(try await Self.text(here).contains(#""status":"completed""#))
                #expect(try await Self.text(there).contains(#""status":"completed""#))
            }
            for text in ["61", "-1", "x", "1.5"] {
                let refused = try await bench.answer(
                    reading,
                    "/api/executions/\(ExecutionID(FreshID.bits()))?wait=\(text)"
                )
                #expect(
                    Self.text(refused)
                        == #"400 {"success":false,"error":"wait must be a whole number of seconds from 0 to 60","#
                        + #""code":"INVALID_WAIT","requestId":"<request>","field":"wait","limit":60}"#
                )
            }
        }
    }

    @Test("a callback makes its run polled at once, whatever it says; an address that can't be one is not found")
    func callbacks() async throws {
        try await AsyncBench.with { bench in
            // The provider asks to be left alone for an hour, then calls.
            bench.provider.follow {
                $0.poll = { _, number in number == 1 ? .pending(retryAfter: .seconds(3_600)) : .ended(.done) }
            }
            let service = try bench.service(publicURL: "https://runs.example")
            try await withWorker(service) {
                let id = try await bench.submit(service).executionID
                try await eventually("it was polled and let go") {
                    try await count("SELECT count(*) FROM ledger.run_tasks WHERE attempts = 1 AND claimed_by IS NULL")
                        == 1
                }
                let url = try #require(bench.provider.callbackURLs.first)
                #expect(url.hasPrefix("https://runs.example/api/callbacks/"))
                let path = String(url.dropFirst("https://runs.example".count))
                let forged = "/api/callbacks/" + CallbackToken(for: id).text
                #expect(try await Self.text(bench.answer(service, forged, .post)) == #"202 {"success":true}"#)
                #expect(bench.provider.count("poll") == 1)
                let taken = try await bench.answer(service, path, .post, body: #"{"state":"fail"}"#)
                #expect(Self.text(taken) == #"202 {"success":true}"#)
                _ = try await bench.wait(for: .succeeded, of: id)
                // The run has ended: another call changes nothing.
                #expect(try await bench.answer(service, path, .post).status == .accepted)
            }
            #expect(
                try await Self.text(bench.answer(service, "/api/callbacks/none", .post))
                    == #"404 {"success":false,"error":"There is nothing at this path","code":"NOT_FOUND","#
                    + #""requestId":"<request>"}"#
            )
        }
    }
}
