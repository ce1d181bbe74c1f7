import AsyncHTTPClient
import Glibc
import Ledger
import NIOCore
import NIOHTTP1
import NetworkTestSupport
import Registry
import Synchronization
import TestSupport
import Testing

/// Goal: a process that is killed in the middle of a workflow loses nothing of it: another one goes on, no node is done or
/// charged twice, and whoever asks again under the same key gets the result.
@Suite("kill -9 in the middle of a workflow", .serialized, .timeLimit(.minutes(3)))
struct WorkflowCrashTests {
    private static let document = """
        {"name":"Poster","nodes":[
        {"id":"in","type":"requestInput","data":{"fields":[{"name":"prompt","required":true}]}},
        {"id":"words","type":"model","data":{"model":"gpt-5-4-mini"}},
        {"id":"image","type":"model","data":{"model":"gpt-image-2"}},
        {"id":"caption","type":"model","data":{"model":"gpt-5-4-mini","inputs":{"prompt":"{{image}} {{words}}"}}},
        {"id":"out","type":"responseOutput"}],"edges":[
        {"id":"1","source":"in","sourceHandle":"prompt","target":"words","targetHandle":"prompt"},
        {"id":"2","source":"in","sourceHandle":"prompt","target":"image","targetHandle":"prompt"},
        {"id":"3","source":"image","target":"caption","targetHandle":"image"},
        {"id":"4","source":"words","target":"caption","targetHandle":"words"},
        {"id":"5","source":"caption","target":"out"},{"id":"6","source":"image","target":"out"}]}
        """

    /// Sends a request with a body; nil when no answer came.
    static func post(
        _ stack: Stack,
        _ url: String,
        _ body: String,
        by customer: Customer,
        key: String? = nil
    ) async -> (status: UInt, json: JSONValue)? {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "x-api-key", value: customer.key)
        if let key { request.headers.add(name: "idempotency-key", value: key) }
        request.body = .bytes(ByteBuffer(string: body))
        guard let response = try? await stack.http.execute(request, timeout: .seconds(60)),
            let bytes = try? await response.body.collect(upTo: 1 << 20),
            let json = try? JSONValue(parsing: bytes.readableBytesView)
        else { return nil }
        return (response.status.code, json)
    }

    @Test("the run goes on in the next process, and ends once, for waiting callers and for those that do not wait")
    func killed() async throws {
        try await Stack.with { stack in
            try await stack.script(["jobMilliseconds": 3_000])
            let customer = try await stack.openAccount(
                credits: 100,
                capabilities: ["workflow:run", "workflow:write"]
            )
            var service = try await stack.startService()
            let saved = await Self.post(stack, service.url + "/api/workflows", Self.document, by: customer)
            #expect(saved?.status == 201, "\(saved?.json ?? .null)")
            let url = service.url + "/api/workflows/poster/run"
            let inputs = #"{"inputs":{"prompt":"a fox"}}"#
            let first = Task { await Self.post(stack, url, inputs, by: customer, key: "poster-1") }
            let second = try #require(await Self.post(stack, url + "?async=true", inputs, by: customer))
            #expect(second.status == 202)
            // Both have their words, and both wait for their images.
            try await eventually("both runs wait for their images") {
                try await stack.rows(
                    """
                    SELECT count(*) FROM ledger.workflow_nodes n JOIN ledger.executions x USING (journal, execution_id)
                    WHERE (n.node, x.status) IN (('words', 'succeeded'), ('image', 'submitted'))
                    """
                ) == [["4"]]
            }
            await service.process.stop(SIGKILL)
            #expect(await first.value?.status == nil)
            service = try await stack.startService(port: service.port)
            let repeated = #"(SELECT count(*) FROM ledger.executions WHERE status <> 'succeeded')"#
            try await eventually(within: 90, "every run and node has succeeded") {
                try await stack.rows("SELECT \(repeated), count(*) FROM ledger.executions") == [["0", "8"]]
            }
            let answer = try #require(await Self.post(stack, url, inputs, by: customer, key: "poster-1"))
            #expect(answer.status == 200, "\(answer.json)")
            #expect(answer.json["cost"] == 12)
            #expect(answer.json["result"]?["images"]?.arrayValue?.count == 1)
            #expect(answer.json["result"]?["text"]?.arrayValue?.count == 1)
            // 2 runs of 3 nodes: each was done once, and paid for once.
            #expect(try await stack.simulatorRuns().count == 6)
            let debits = try await stack.rows(
                "SELECT count(*), count(DISTINCT execution_id), sum(amount) FROM ledger.events WHERE type = 'credits.debited'"
            )
            #expect(debits == [["6", "6", "24000000"]])
            #expect(try await stack.rows("SELECT count(*) FROM ledger.holds") == [["0"]])
            #expect(try await stack.rows("SELECT count(*) FROM ledger.run_tasks") == [["0"]])
            #expect(await service.process.stop() == .exited(code: 0))
            #expect(try await stack.verify()["clean"] == true)
        }
    }

    @Test("of HTTP Request nodes that were sent when the process died, only those are sent again that change nothing")
    func calls() async throws {
        let asked = Mutex<Set<Substring>>([])
        try await LoopbackServer.with(answer: { head in
            // The first request of each node is never answered.
            let isFirst = asked.withLock { $0.insert(head.prefix { $0 != "\r\n" }).inserted }
            return isFirst ? nil : .answer("200 OK", body: "late")
        }) { server in
            // Many at once: what one notes of its call must not take the place of what another did.
            let names = ["read"] + (1...9).map { "order\($0)" }
            let nodes = names.map { name in
                #"{"id":"\#(name)","type":"httpRequest","data":{"method":"\#(name == "read" ? "GET" : "POST")","#
                    + #""url":"http://127.0.0.1:\#(server.port)/\#(name)"}}"#
            }
            let edges = names.map { #"{"id":"\#($0)","source":"\#($0)","sourceHandle":"body","target":"out"}"# }
            let document = """
                {"name":"Calls","nodes":[\(nodes.joined(separator: ",")),{"id":"out","type":"responseOutput"}],
                "edges":[\(edges.joined(separator: ","))]}
                """
            try await Stack.with { stack in
                let rights = ["workflow:run", "workflow:write"]
                let customer = try await stack.openAccount(credits: 100, capabilities: rights)
                let environment = ["RUNLEDGER_EGRESS_ALLOWS_LOOPBACK": "true"]
                var service = try await stack.startService(environment: environment)
                let saved = await Self.post(stack, service.url + "/api/workflows", document, by: customer)
                #expect(saved?.status == 201, "\(saved?.json ?? .null)")
                let run = service.url + "/api/workflows/calls/run?async=true"
                let accepted = try #require(await Self.post(stack, run, #"{"inputs":{}}"#, by: customer))
                let id = try #require(accepted.json["executionId"]?.stringValue, "\(accepted.json)")
                try await eventually("every node was sent") { server.requests.count == names.count }
                await service.process.stop(SIGKILL)
                service = try await stack.startService(port: service.port, environment: environment)
                try await eventually(within: 90, "the run has ended") {
                    try await stack.read(id, customer, from: service.url, wait: 20)["status"] == "failed"
                }
                let ended = try await stack.read(id, customer, from: service.url, wait: 0)
                let message = ended["error"]?["message"]?.stringValue ?? ""
                #expect(
                    message.contains(/^Node order\d: may have been sent already, and is not sent again/),
                    "\(message)"
                )
                #expect(ended["cost"] == 0 && ended["nodes"] == [])
                #expect(server.requests.count { $0.hasPrefix("GET /read ") } == 2)
                #expect(server.requests.count { $0.hasPrefix("POST ") } == 9)
                #expect(try await stack.rows("SELECT count(*) FROM ledger.run_tasks") == [["0"]])
                #expect(await service.process.stop() == .exited(code: 0))
            }
        }
    }
}
