import App
import Egress
import HTTPTypes
import HummingbirdTesting
import Ledger
import LedgerStore
import LedgerTestSupport
import NIOCore
import NetworkTestSupport
import Registry
import RunTestSupport
import Runs
import Synchronization
import TestSupport
import Testing

/// Goal: workflows are saved, shown and run as the contract says, each model node is paid for once and for itself, and
/// what happens to a process changes nothing about that.
@Suite("Workflows", .gated, .database(LedgerDatabase.template(journals: 4)))
struct WorkflowTests {
    private static let request = #"in requestInput {"fields":[{"name":"topic","required":true}]}"#
    /// Two nodes that depend on the same input, and a third on both.
    private static let diamond = (
        nodes: [
            request, #"a model {"model":"text","inputs":{"prompt":"{{topic}} one"}}"#,
            #"b model {"model":"clip","inputs":{"prompt":"{{topic}} two"}}"#, "both list",
            #"c model {"model":"more"}"#, "out responseOutput",
        ],
        edges: [
            "in.topic>a.topic", "in.topic>b.topic", "a>both.items", "b>both.items", "both>c.prompt", "c>out",
        ]
    )

    private static func open(_ bench: AsyncBench) async throws -> Int {
        try await count("SELECT count(*) FROM ledger.holds") + count("SELECT count(*) FROM ledger.run_tasks")
    }

    /// A provider that answers with the prompt it was given.
    private static func echo(_ request: DispatchRequest) -> DispatchOutcome {
        .succeeded(
            DispatchSuccess(
                result: ["text": [request.inputs.json["prompt"] ?? .null]],
                providerRequestID: nil,
                usage: .unreported,
                providerCost: MicroUSD(microdollars: 900)
            )
        )
    }

    /// Whether `clip` may end.
    private final class Switch: Sendable {
        private let state = Mutex(false)
        var isOn: Bool { state.withLock { $0 } }
        func set(_ isOn: Bool) { state.withLock { $0 = isOn } }
    }

    /// A provider that answers at once but for `clip`, which it is polled for until it may end.
    private static func holdBack(_ bench: AsyncBench) -> Switch {
        let mayEnd = Switch()
        bench.provider.follow {
            $0.submit = { request in
                request.model.internalName == "clip"
                    ? .accepted(ProviderTask(id: "job-\(request.executionID)")) : .ended(echo(request))
            }
            $0.poll = { request, _ in mayEnd.isOn ? .ended(echo(request)) : .pending(retryAfter: nil) }
        }
        return mayEnd
    }

    @Test("documents are saved, listed, read, changed and deleted by their owner, and by nobody else")
    func documents() async throws {
        try await AsyncBench.withWorkflows { bench in
            let service = try bench.workflowService()
            let first = try await bench.save(
                service,
                "Sea Tale!",
                nodes: Self.diamond.nodes,
                edges: Self.diamond.edges,
                isPublic: true
            )
            #expect(first.status == .created)
            #expect(first.headers[.location] == "/api/workflows/sea-tale")
            #expect(try first.json["slug"] == "sea-tale")
            let second = try await bench.save(service, "Sea tale", nodes: [], edges: [])
            #expect(try second.json["slug"] == "sea-tale-2")

            let list = try #require(try await bench.answer(service, "/api/workflows").json.arrayValue)
            #expect(list.map { $0["slug"] } == ["sea-tale-2", "sea-tale"])
            #expect(list.last?["name"] == "Sea Tale!")
            let read = try await bench.answer(service, "/api/workflows/sea-tale")
            #expect(try read.json["color"] == "blue")
            #expect(try read.json["version"] == 1)
            #expect(read.headers.contains { $0.name.rawName == "X-RateLimit-Limit" && $0.value == "100" })

            // What was read can be sent back.
            let put = try await bench.answer(service, "/api/workflows/sea-tale", .put, body: String(buffer: read.body))
            #expect(try put.json["version"] == 2)
            let schema = try await bench.answer(service, "/api/workflows/sea-tale/schema").json
            #expect(schema["fields"]?.arrayValue?.first?["name"] == "topic")
            #expect(schema["estimatedCreditCost"] != nil)
            let open = try await bench.answer(service, "/api/workflows/sea-tale/public-schema", key: "none")
            #expect(try open.json["fields"] == schema["fields"])
            #expect(try open.json["estimatedCreditCost"] == nil)
            let closed = try await bench.answer(service, "/api/workflows/sea-tale-2/public-schema", key: "none")
            #expect(try closed.summary == "404 WORKFLOW_NOT_FOUND")

            #expect(try await bench.answer(service, "/api/workflows/sea-tale", .delete).status == .noContent)
            #expect(try await bench.answer(service, "/api/workflows/sea-tale").summary == "404 WORKFLOW_NOT_FOUND")
            #expect(try await bench.runWorkflow(service, "sea-tale").summary == "404 WORKFLOW_NOT_FOUND")
            // Its name is never given again, and what was written is gone.
            let third = try await bench.save(service, "Sea tale", nodes: [], edges: [])
            #expect(try third.json["slug"] == "sea-tale-3")
            #expect(try await count("SELECT count(*) FROM ledger.workflow_documents WHERE slug = 'sea-tale'") == 0)
        }
    }

    @Test("nobody sees, changes or runs somebody else's workflow, or gets its name")
    func strangers() async throws {
        try await AsyncBench.withWorkflows { bench in
            let service = try bench.workflowService()
            _ = try await bench.save(service, "Sea tale", nodes: [], edges: [])
            let other = try await Tenant.open(in: bench.store, tier: .pro, credits: Credits(whole: 9))
            let stranger = APIKeySecret(keyID: KeyID(FreshID.bits(in: other.journal)))
            let key = IssueKey(
                keyID: stranger.keyID,
                name: "stranger",
                secretDigest: stranger.digest,
                capabilities: [.readWorkflows, .writeWorkflows, .runWorkflows]
            )
            try await bench.store.succeed(other.command(.issueKey(key)))
            for (path, method) in [
                ("", HTTPRequest.Method.get), ("", .put), ("", .delete), ("/schema", .get), ("/run", .post),
            ] {
                let answer = try await bench.answer(
                    service,
                    "/api/workflows/sea-tale\(path)",
                    method,
                    key: stranger.text,
                    body: #"{"name":"mine","inputs":{}}"#
                )
                #expect(try answer.summary == "404 WORKFLOW_NOT_FOUND", "\(method) \(path)")
            }
            let taken = try await bench.answer(
                service,
                "/api/workflows",
                .post,
                key: stranger.text,
                body: #"{"name":"Sea tale"}"#
            )
            #expect(try taken.json["slug"] == "sea-tale-2")
        }
    }

    @Test("a document that can't run is not saved, and every problem names its node; keys need the capability")
    func refusals() async throws {
        try await AsyncBench.withWorkflows(["workflow:read", "workflow:one:run"]) { bench in
            let service = try bench.workflowService()
            let denied = try await bench.save(service, "One", nodes: [], edges: [])
            #expect(try denied.json["required"] == "workflow:write")
            #expect(try await bench.runWorkflow(service, "two").json["required"] == "workflow:two:run")
            #expect(try await bench.runWorkflow(service, "one").summary == "404 WORKFLOW_NOT_FOUND")
            #expect(try await bench.runWorkflow(service, "no%20slug").summary == "400 INVALID_SLUG")
        }
        try await AsyncBench.withWorkflows { bench in
            let service = try bench.workflowService()
            let wrong = try await bench.save(
                service,
                "Wrong",
                nodes: [#"a model {"model":"nothing"}"#, "out responseOutput"],
                edges: ["a>out", "x>out"]
            )
            #expect(try wrong.summary == "400 INVALID_WORKFLOW")
            let issues = try #require(try wrong.json["issues"]?.arrayValue)
            #expect(issues.contains { $0["node"] == "a" })
            #expect(issues.contains { $0["edge"] == "e1" })
            let nameless = try await bench.answer(service, "/api/workflows", .post, body: "{}")
            #expect(try nameless.json["issues"]?.arrayValue?.first?["path"] == "/name")
            #expect(try await bench.answer(service, "/api/workflows", .post, body: "[]").summary == "400 INVALID_BODY")
            #expect(try await count("SELECT count(*) FROM ledger.workflows") == 0)

            _ = try await bench.save(service, "Draft", nodes: [], edges: [])
            #expect(try await bench.runWorkflow(service, "draft", "{}").summary == "400 INVALID_WORKFLOW")
            _ = try await bench.save(service, "Tale", nodes: Self.diamond.nodes, edges: Self.diamond.edges)
            #expect(try await bench.runWorkflow(service, "tale", "{}").summary == "400 INVALID_INPUTS")
            let long = #"{"topic":"\#(String(repeating: "x", count: 1_000))"}"#
            let tooLong = try await bench.runWorkflow(service, "tale", long)
            #expect(try tooLong.summary == "400 INVALID_INPUTS")
            #expect(try tooLong.json["issues"]?.arrayValue?.first?["path"] == "nodes/a/prompt")
            #expect(bench.provider.calls.isEmpty)
            #expect(try await bench.available == Credits(whole: 1_000))
        }
    }

    @Test(
        "independent nodes run at once, each is debited for itself under one execution, and a repetition adds nothing"
    )
    func success() async throws {
        try await AsyncBench.withWorkflows { bench in
            let both = Mutex(0)
            let done = AsyncStream.makeStream(of: Void.self)
            // Neither of the first two is answered before both were sent.
            bench.provider.follow {
                $0.submit = { request in
                    if request.model.internalName != "more" {
                        let count = both.withLock { both in
                            both += 1
                            return both
                        }
                        if count == 2 { done.continuation.finish() }
                        for await _ in done.stream {}
                    }
                    return .ended(Self.echo(request))
                }
            }
            let service = try bench.workflowService()
            _ = try await bench.save(service, "Tale", nodes: Self.diamond.nodes, edges: Self.diamond.edges)
            let key = [("Idempotency-Key", "tale-1")]
            let answer = try await bench.runWorkflow(service, "tale", headers: key)
            #expect(answer.status == .ok, "\(String(buffer: answer.body))")
            #expect(try answer.json["result"] == ["text": ["sea one\nsea two"]])
            #expect(try answer.json["cost"] == 9)
            #expect(answer.headers.contains { $0.name.rawName == "X-RateLimit-Remaining" && $0.value == "99" })
            #expect(try await bench.available == Credits(whole: 991))
            let debits = "SELECT count(*) FROM ledger.events WHERE type = 'credits.debited' AND amount = 3000000"
            #expect(try await count(debits) == 3)
            #expect(try await Self.open(bench) == 0)

            let events = try await count("SELECT count(*) FROM ledger.events")
            let again = try await bench.runWorkflow(try bench.workflowService(2), "tale", headers: key)
            #expect(again.body == answer.body)
            #expect(again.headers.contains { $0.name.rawName == "Idempotency-Replayed" })
            #expect(try await count("SELECT count(*) FROM ledger.events") == events)
            let other = try await bench.runWorkflow(service, "tale", #"{"topic":"sky"}"#, headers: key)
            #expect(try other.summary == "422 IDEMPOTENCY_MISMATCH")

            let usage = try await bench.answer(service, "/api/usage?workflowSlug=tale").json
            #expect(usage["total"] == 1)
            let row = try #require(usage["rows"]?.arrayValue?.first)
            #expect(row["workflowSlug"] == "tale")
            #expect(row["source"] == "api-workflow")
            #expect(row["modelIds"] == ["clip", "more", "text"])
            #expect(row["creditsCost"] == 9)
            #expect(try await bench.answer(service, "/api/usage").json["total"] == 1)
            #expect(try await bench.answer(service, "/api/usage?modelId=clip").json["total"] == 1)
            for journal in 0..<4 { _ = try await bench.store.rebuild(JournalID(Int16(journal))) }
        }
    }

    @Test("a node that fails stops what depends on it; what succeeded stays charged and is shown")
    func partialFailure() async throws {
        try await AsyncBench.withWorkflows { bench in
            bench.provider.follow {
                $0.submit = { request in
                    guard request.model.internalName == "clip" else { return .ended(Self.echo(request)) }
                    return .ended(.failed(DispatchFailure(message: "too blue", failureClass: .user)))
                }
            }
            let service = try bench.workflowService()
            _ = try await bench.save(service, "Tale", nodes: Self.diamond.nodes, edges: Self.diamond.edges)
            let answer = try await bench.runWorkflow(service, "tale", headers: [("Idempotency-Key", "k")])
            #expect(try answer.summary == "500 EXECUTION_FAILED")
            #expect(try answer.json["error"] == "Node b: too blue")
            #expect(try answer.json["cost"] == 3)
            let nodes = try #require(try answer.json["nodes"]?.arrayValue)
            let ends = Dictionary(uniqueKeysWithValues: nodes.map { ($0["id"]?.stringValue ?? "", $0) })
            #expect(ends["a"]?["status"] == "completed")
            #expect(ends["a"]?["result"] == ["text": ["sea one"]])
            #expect(ends["b"]?["status"] == "failed")
            #expect(ends["c"] == nil)
            #expect(try await bench.available == Credits(whole: 997))
            let replay = try await bench.runWorkflow(service, "tale", headers: [("Idempotency-Key", "k")])
            #expect(replay.body == answer.body)

            let id = try #require(try answer.json["executionId"]?.stringValue)
            let execution = try await bench.answer(service, "/api/executions/\(id)").json
            #expect(execution["status"] == "failed")
            #expect(execution["workflowSlug"] == "tale")
            #expect(execution["cost"] == 3)
            #expect(execution["nodes"] == .array(nodes))
            #expect(try await Self.open(bench) == 0)
        }
    }

    @Test("an asynchronous run goes on after its caller, and can be cancelled with its nodes")
    func asynchronous() async throws {
        try await AsyncBench.withWorkflows { bench in
            let mayEnd = Self.holdBack(bench)
            let service = try bench.workflowService()
            _ = try await bench.save(service, "Tale", nodes: Self.diamond.nodes, edges: Self.diamond.edges)
            try await withWorker(service) {
                let answer = try await bench.runWorkflow(service, "tale", query: "?async=true")
                #expect(answer.status == .accepted)
                let id = try #require(try answer.json["executionId"]?.stringValue.flatMap { ExecutionID(text: $0) })
                let path = "/api/executions/\(id)"
                #expect(try answer.json["pollUrl"] == .string(path))
                try await eventually("the node is polled for") { bench.provider.count("poll") > 0 }
                #expect(try await bench.answer(service, path).json["status"] == "processing")
                mayEnd.set(true)
                _ = try await bench.wait(for: .succeeded, of: id)
                let ended = try await bench.answer(service, path).json
                #expect(ended["result"] == ["text": ["sea one\nsea two"]])
                #expect(ended["cost"] == 9)

                mayEnd.set(false)
                let second = try await bench.runWorkflow(service, "tale", headers: [("Prefer", "respond-async")])
                let cancelled = try #require(
                    try second.json["executionId"]?.stringValue.flatMap { ExecutionID(text: $0) }
                )
                try await eventually("both nodes are held") {
                    try await count("SELECT count(*) FROM ledger.workflow_nodes WHERE run_id = '\(cancelled)'") == 2
                }
                let wish = try await bench.answer(service, "/api/executions/\(cancelled)/cancel", .post)
                #expect(wish.status == .accepted)
                mayEnd.set(true)
                _ = try await bench.wait(for: .cancelled, of: cancelled)
                #expect(
                    try await count("SELECT count(*) FROM ledger.workflow_nodes WHERE run_id = '\(cancelled)'") == 2
                )
            }
            #expect(try await Self.open(bench) == 0)
        }
    }

    @Test("HTTP Request nodes send what they were told, and reach nothing inside the network")
    func calls() async throws {
        try await LoopbackServer.with(answer: { _ in
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{\"word\":\"wave\"}"
        }) { server in
            let port = server.port
            try await AsyncBench.withWorkflows { bench in
                bench.provider.follow { $0.submit = { .ended(Self.echo($0)) } }
                let service = try bench.workflowService()
                func nodes(_ url: String) -> [String] {
                    [
                        Self.request,
                        #"h httpRequest {"method":"POST","url":"\#(url)","headers":{"x-topic":"{{topic}}"},"body":{"about":"{{topic}}"}}"#,
                        #"a model {"model":"text"}"#, "out responseOutput",
                    ]
                }
                let edges = ["in.topic>h.topic", "h.body>a.prompt", "a>out"]
                _ = try await bench.save(
                    service,
                    "Ask",
                    nodes: nodes("http://127.0.0.1:\(port)/x?t={{topic}}"),
                    edges: edges
                )
                let answer = try await bench.runWorkflow(service, "ask")
                #expect(try answer.json["result"] == ["text": [#"{"word":"wave"}"#]], "\(String(buffer: answer.body))")
                #expect(try answer.json["cost"] == 3)
                let split = try await bench.runWorkflow(service, "ask", #"{"topic":"a\r\nb: c"}"#)
                #expect(try split.json["error"] == "Node h: the header x-topic must be at most 8192 bytes on one line")

                // The policy that production has.
                let guarded = try bench.workflowService(
                    2,
                    caller: EgressCaller(client: EgressClient(policy: EgressPolicy()))
                )
                for (name, url) in [("meta", "http://169.254.169.254/latest"), ("local", "http://127.0.0.1:\(port)/")] {
                    _ = try await bench.save(service, name, nodes: nodes(url), edges: edges)
                    let refused = try await bench.runWorkflow(guarded, name)
                    #expect(try refused.json["error"] == "Node h: the address is not one that may be reached")
                    #expect(try refused.json["cost"] == 0)
                }
            }
            #expect(server.requests.count == 1)
            #expect(server.requests.first?.hasPrefix("POST /x?t=sea ") == true)
            #expect(server.bodies.first == #"{"about":"sea"}"#)
        }
    }

    @Test("another process goes on with a run whose process stopped, and begins no node a second time")
    func takenOver() async throws {
        try await AsyncBench.withWorkflows { bench in
            let mayEnd = Self.holdBack(bench)
            let first = try bench.workflowService()
            _ = try await bench.save(first, "Tale", nodes: Self.diamond.nodes, edges: Self.diamond.edges)
            let answer = try await bench.runWorkflow(first, "tale", query: "?async=true")
            let id = try #require(try answer.json["executionId"]?.stringValue.flatMap { ExecutionID(text: $0) })
            try await eventually("the node is polled for") { bench.provider.count("poll") > 0 }
            await first.drain(grace: .zero)
            mayEnd.set(true)
            // The document that the run began with is kept for it.
            #expect(
                try await bench.answer(try bench.workflowService(3), "/api/workflows/tale", .delete).status
                    == .noContent
            )
            let second = try bench.workflowService(2)
            try await withWorker(second) {
                let ended = try await bench.wait(for: .succeeded, of: id)
                #expect(ended.charged == Credits(whole: 9))
            }
            #expect(bench.provider.count("submit") == 3)
            #expect(try await Self.open(bench) == 0)
        }
    }
}
