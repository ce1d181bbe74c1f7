import AsyncHTTPClient
import Crypto
import Foundation
import Ledger
import LocalCluster
import NIOCore
import NIOHTTP1
import Registry
import TestSupport
import Testing

/// Goal: a collector sees each request as one trace, with what it led to where it belongs, under the id that the events
/// have. Method: a whole service; a collector that reads exports with OpenTelemetry's own messages.
@Suite("traces to a collector", .serialized, .timeLimit(.minutes(5)))
struct TracingTests {
    private static let run = "/api/models/{internalName}/run"

    @Test("a run is one trace, from the client's span over admission, provider and commits to the webhook")
    func structure() async throws {
        try await Self.withCollector { collector, stack in
            let service = try await stack.startService(environment: collector.environment)
            let customer = try await stack.openAccount(credits: 100, capabilities: ["webhook:receive"])
            try await stack.setWebhook(of: customer, to: "\(collector.url)/hook", at: service.url)
            let text = Trace(digit: "a")
            let refused = Trace(digit: "b")
            let unrecorded = Trace(digit: "c", isSampled: false)
            let waiting = Trace(digit: "d")
            #expect(try await stack.run(Call.textModel, by: customer, in: text, service.url).status == 200)
            #expect(try await stack.run("no-such-model", by: customer, in: refused, service.url).status == 404)
            #expect(try await stack.run(Call.textModel, by: customer, in: unrecorded, service.url).status == 200)
            let accepted = try await stack.run(Call.imageModel, by: customer, in: waiting, service.url, isAsync: true)
            #expect(accepted.status == 202)
            try await eventually("the webhook came") { !collector.hooks.isEmpty }
            #expect(await service.process.stop() == .exited(code: 0))
            let spans = collector.spans

            try Self.checkSynchronous(spans.filter { $0.trace == text.id }, text)
            let refusal = try #require(spans.first { $0.trace == refused.id && $0.name == "admission" })
            #expect(refusal.attributes["runledger.decision"] == "MODEL_NOT_FOUND")
            #expect(spans.contains { $0.trace == refused.id && $0.name == "commit hold" && $0.parent == refusal.id })
            #expect(!spans.contains { $0.trace == unrecorded.id })
            try Self.checkAsynchronous(spans.filter { $0.trace == waiting.id }, collector.hooks)
            try Self.checkBatches(spans)
            #expect(spans.allSatisfy { $0.resource["service.name"] == "runs of a test" && $0.scope == "runledger" })

            let traces = try await stack.rows(
                "SELECT detail::json ->> 'trace' FROM ledger.events WHERE type = 'request.received' ORDER BY 1"
            )
            #expect(traces.map(\.first) == [text.id, refused.id, unrecorded.id, waiting.id])
            #expect(try await stack.verify()["clean"] == true)
        }
    }

    /// The server's span is under the client's; admission, the provider's span and the commits are under the server's.
    private static func checkSynchronous(_ spans: [CollectedSpan], _ sent: Trace) throws {
        let server = try #require(spans.first { $0.kind == "SPAN_KIND_SERVER" }, "\(spans.map(\.name))")
        #expect(server.name == "POST \(run)" && server.parent == sent.parent && server.state == "vendor=x")
        #expect(server.attributes["http.route"] == .string(run))
        #expect(server.attributes["http.response.status_code"] == 200)
        // Sampled, and the parent is another process's.
        #expect(server.flags == 0x301)
        let admission = try #require(spans.first { $0.name == "admission" })
        #expect(admission.parent == server.id && admission.attributes["runledger.decision"] == "ADMITTED")
        #expect(admission.flags == 0x101)
        let hold = try #require(spans.first { $0.name == "commit hold" })
        #expect(hold.parent == admission.id && hold.attributes["runledger.journal"]?.integerValue != nil)
        let call = try #require(spans.first { $0.kind == "SPAN_KIND_CLIENT" })
        #expect(call.name.hasPrefix("submit ") && call.parent == server.id)
        #expect(call.attributes["http.response.status_code"] == 200)
        #expect(call.attributes["server.address"] == "127.0.0.1")
        let settlement = try #require(spans.first { $0.name == "commit settlement" })
        #expect(settlement.parent == server.id)
        #expect(hold.end <= call.start && call.end <= settlement.start && settlement.end <= server.end)
        #expect(Set(spans.map(\.name)).count == spans.count && spans.count == 5)
    }

    /// What goes on after the answer is in the trace too, and so is the webhook, whose request names its span.
    private static func checkAsynchronous(_ spans: [CollectedSpan], _ hooks: [[String: String]]) throws {
        let server = try #require(spans.first { $0.kind == "SPAN_KIND_SERVER" })
        let names = Set(spans.map { $0.name.split(separator: " ").prefix(2).joined(separator: " ") })
        for name in ["admission", "commit hold", "commit submission", "commit settlement", "deliver webhook"] {
            #expect(names.contains(name), "\(names)")
        }
        #expect(spans.contains { $0.name.hasPrefix("submit ") } && spans.contains { $0.name.hasPrefix("poll ") })
        let ids = Set(spans.map(\.id))
        #expect(spans.allSatisfy { $0.id == server.id || ids.contains($0.parent) }, "every span hangs in the tree")
        let delivery = try #require(spans.first { $0.name == "deliver webhook" })
        #expect(delivery.parent == server.id && delivery.attributes["http.response.status_code"] == 204)
        let sent = hooks.compactMap { $0.first { $0.key.lowercased() == "traceparent" }?.value }
        #expect(sent == ["00-\(delivery.trace)-\(delivery.id)-01"])
    }

    /// A batch is a trace of its own, and has a link to each recorded span that waited for it.
    private static func checkBatches(_ spans: [CollectedSpan]) throws {
        let batches = spans.filter { $0.name == "commit batch" }
        #expect(batches.allSatisfy { $0.parent.isEmpty && $0.attributes["db.system.name"] == "postgresql" })
        let links = batches.flatMap(\.links)
        let commits = spans.filter { $0.name.hasPrefix("commit ") && $0.name != "commit batch" }
        #expect(Set(links) == Set(commits.map { "\($0.trace)-\($0.id)" }) && links.count == commits.count)
    }

    @Test(
        "a workflow that another process ends stays in its trace, and so does the report of it, signed and with its nodes"
    )
    func takenOver() async throws {
        try await Self.withCollector { collector, stack in
            try await stack.script(["jobMilliseconds": 4_000])
            let first = try await stack.startService(environment: collector.environment)
            let rights = ["workflow:run", "workflow:write", "webhook:receive"]
            let customer = try await stack.openAccount(credits: 100, capabilities: rights)
            let secret = "whsec_" + String(repeating: "c2VjcmV0", count: 4)
            try await stack.setWebhook(of: customer, to: "\(collector.url)/hook", secret: secret, at: first.url)
            let document = """
                {"name":"Fox","nodes":[{"id":"image","type":"model",
                "data":{"model":"\(Call.imageModel)","inputs":{"prompt":"a fox"}}},{"id":"out","type":"responseOutput"}],
                "edges":[{"id":"1","source":"image","target":"out"}]}
                """
            let unrecorded = Trace(digit: "c", isSampled: false)
            let saved = try await stack.ask(customer, first.url + "/api/workflows", document, unrecorded)
            #expect(saved.status == 201, "\(saved.body)")
            let trace = Trace(digit: "e")
            let url = first.url + "/api/workflows/fox/run?async=true"
            let accepted = try await stack.ask(customer, url, #"{"inputs":{}}"#, trace)
            #expect(accepted.status == 202, "\(accepted.body)")
            try await eventually("the node is with its provider, and the collector knows") {
                let names = Set(collector.spans.filter { $0.trace == trace.id }.map(\.name))
                return names.isSuperset(of: ["POST /api/workflows/{slug}/run", "commit submission"])
            }
            await first.process.stop(SIGKILL)
            let killed = Int64(Date().timeIntervalSince1970 * 1_000_000)
            let second = try await stack.startService(environment: collector.environment)
            try await eventually(within: 90, "the report came") { !collector.hooks.isEmpty }
            #expect(await second.process.stop() == .exited(code: 0))

            let spans = collector.spans.filter { $0.trace == trace.id }
            let server = try #require(spans.first { $0.kind == "SPAN_KIND_SERVER" })
            let admissions = spans.filter { $0.name == "admission" }
            let models = Set(admissions.compactMap { $0.attributes["runledger.model"]?.stringValue })
            #expect(models == ["workflow:fox", Call.imageModel])
            #expect(
                admissions.allSatisfy { $0.attributes["runledger.decision"] == "ADMITTED" && $0.parent == server.id }
            )
            let polls = spans.filter { $0.name.hasPrefix("poll ") && $0.start > killed }
            #expect(!polls.isEmpty && polls.allSatisfy { $0.parent == server.id })
            let delivery = try #require(spans.first { $0.name == "deliver webhook" })
            #expect(delivery.parent == server.id && delivery.start > killed)
            try Self.checkReport(collector, delivery, accepted.body["executionId"], secret)
            #expect(try await stack.simulatorRuns().count == 1)
            #expect(try await stack.verify()["clean"] == true)
        }
    }

    /// The report of the workflow's end names the trace that asked for it, is signed, and has every node.
    private static func checkReport(
        _ collector: Collector,
        _ delivery: CollectedSpan,
        _ execution: JSONValue?,
        _ secret: String
    ) throws {
        let headers = Dictionary(
            uniqueKeysWithValues: try #require(collector.hooks.first).map { ($0.key.lowercased(), $0.value) }
        )
        #expect(headers["traceparent"] == "00-\(delivery.trace)-\(delivery.id)-01")
        #expect(headers["tracestate"] == "vendor=x")
        let text = try #require(collector.bodies.first)
        let parts = headers["x-knouds-signature"]?.split(separator: ",").map {
            $0.split(separator: "=").map(String.init)
        }
        let signature = Dictionary(uniqueKeysWithValues: (parts ?? []).map { ($0[0], $0[1]) })
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("\(signature["t"] ?? "").\(text)".utf8),
            using: SymmetricKey(data: Array(secret.utf8))
        )
        #expect(signature["v1"] == code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        let report = try JSONValue(text: text)
        #expect(report["event"] == "execution.completed")
        #expect(report["executionId"] == execution)
        #expect(report["workflowSlug"] == "fox")
        #expect(report["modelIds"] == [.string(Call.imageModel)])
        let nodes = report["nodes"]?.arrayValue ?? []
        #expect(nodes.map { $0["id"] } == ["image"] && nodes.map { $0["status"] } == ["completed"])
        #expect(nodes.first?["cost"] == report["cost"] && nodes.first?["result"] == report["result"])
    }

    @Test("a variable that can't be used stops the service with its name")
    func settings() async throws {
        try await Self.withCollector { _, stack in
            let result = try await ChildProcess.run(
                [Program.path, "serve", "--port", "0", "--models", "\(Program.sources)/models"],
                environment: ProcessInfo.processInfo.environment.merging([
                    "RUNLEDGER_DATABASE_URL": stack.databaseURL, "RUNLEDGER_SIMULATOR_URL": "http://127.0.0.1:1",
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_SAMPLER": "sometimes",
                ]) { $1 }
            )
            #expect(result.0 != .exited(code: 0))
            #expect(result.1.contains("OTEL_TRACES_SAMPLER must be one of always_on"), "\(result.1)")
        }
    }

    private static func withCollector(_ body: @Sendable (Collector, Stack) async throws -> Void) async throws {
        let python = try await PythonTools.interpreter()
        try await withTemporaryFolder { folder in
            let process = try ServiceProcess(
                [python, "\(Program.sources)/Tests/ClientTests/collector.py"],
                input: Program.lifeline,
                logPath: "\(folder)/collector.log"
            )
            let collector = Collector(process: process, port: try await Program.port(of: process))
            try await Stack.with { stack in try await body(collector, stack) }
            await process.stop(SIGKILL)
        }
    }
}

/// A trace as a client sends it.
private struct Trace {
    let id: String
    let parent = "00f067aa0ba902b7"
    let isSampled: Bool
    var header: String { "00-\(id)-\(parent)-\(isSampled ? "01" : "00")" }

    init(digit: Character, isSampled: Bool = true) {
        self.id = String(repeating: digit, count: 32)
        self.isSampled = isSampled
    }
}

/// A collector, and what it has collected.
private struct Collector: Sendable {
    let process: ServiceProcess
    let port: Int
    var url: String { "http://127.0.0.1:\(port)" }

    /// What makes a service export to it, and report to it.
    var environment: [String: String] {
        [
            "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SERVICE_NAME": "runs of a test",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20a%2Cb", "RUNLEDGER_METRICS_PORT": "0",
            "RUNLEDGER_ADMIN_TOKEN": ChaosReceiver.adminToken, "RUNLEDGER_EGRESS_ALLOWS_LOOPBACK": "true",
        ]
    }

    private var lines: [JSONValue] {
        process.log.split(separator: "\n").compactMap { try? JSONValue(text: String($0)) }
    }

    var spans: [CollectedSpan] { lines.compactMap { CollectedSpan($0) } }

    /// The bodies of the webhooks that came.
    var bodies: [String] { lines.compactMap { $0["body"]?.stringValue } }

    /// The headers of the webhooks that came.
    var hooks: [[String: String]] {
        lines.compactMap { $0["hook"]?.objectValue?.compactMapValues(\.stringValue) }
    }
}

/// A span as the collector has read it.
private struct CollectedSpan {
    let trace: String
    let id: String
    let parent: String
    let name: String
    let kind: String
    let state: String
    let scope: String
    let flags: Int64
    let start: Int64
    let end: Int64
    let attributes: JSONValue
    let resource: JSONValue
    let links: [String]

    init?(_ line: JSONValue) {
        func text(_ name: String) -> String { line[name]?.stringValue ?? "" }
        func number(_ name: String) -> Int64 { line[name]?.integerValue ?? 0 }
        guard line["trace"] != nil, let attributes = line["attributes"], let resource = line["resource"] else {
            return nil
        }
        (self.trace, self.id, self.parent, self.name) = (text("trace"), text("id"), text("parent"), text("name"))
        (self.kind, self.state, self.scope) = (text("kind"), text("state"), text("scope"))
        (self.flags, self.start, self.end) = (number("flags"), number("startMicros"), number("endMicros"))
        (self.attributes, self.resource) = (attributes, resource)
        self.links = (line["links"]?.arrayValue ?? []).map {
            "\($0["trace"]?.stringValue ?? "")-\($0["id"]?.stringValue ?? "")"
        }
    }
}

extension Stack {
    /// Asks for the run of a model in a client's trace.
    fileprivate func run(
        _ model: String,
        by customer: Customer,
        in trace: Trace,
        _ url: String,
        isAsync: Bool = false
    ) async throws -> Answer {
        let address = "\(url)/api/models/\(model)/run\(isAsync ? "?async=true" : "")"
        return try await ask(customer, address, #"{"inputs":{"prompt":"hi"}}"#, trace)
    }

    /// Sends a request in a client's trace.
    fileprivate func ask(
        _ customer: Customer,
        _ url: String,
        _ body: String,
        _ trace: Trace
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "x-api-key", value: customer.key)
        request.headers.add(name: "traceparent", value: trace.header)
        request.headers.add(name: "tracestate", value: "vendor=x")
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await http.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return Answer(
            status: Int(response.status.code),
            requestID: response.headers.first(name: "x-request-id") ?? "",
            body: try JSONValue(parsing: bytes.readableBytesView)
        )
    }
}
