import AsyncHTTPClient
import Foundation
import Ledger
import LocalCluster
import NIOCore
import NIOHTTP1
import Registry
import TestSupport
import Testing

/// Goal: what `/metrics` says is what happened, to the unit. Method: a whole service, a known set of requests, a scrape.
@Suite("metrics", .serialized, .timeLimit(.minutes(5)))
struct MetricsTests {
    @Test("a scrape counts exactly the requests, decisions, events, calls and holds that there were")
    func exact() async throws {
        try await Stack.with { stack in
            let rich = try await stack.openAccount(tier: .enterprise, credits: 1_000)
            let poor = try await stack.openAccount(tier: .enterprise)
            let before = try await stack.eventCount()
            let service = try await stack.startService(environment: [
                "RUNLEDGER_METRICS_PORT": "0", "RUNLEDGER_TLOG_KEY": try await stack.makeLogKey(),
                "RUNLEDGER_TLOG_FOLDER": "\(stack.folder)/tlog",
            ])
            let url = try await Self.metricsURL(of: service)
            let (lostStatus, size) = try await Self.sendKnownRequests(stack, rich, poor, to: service.url)
            try await eventually("the journals are sampled") {
                try await stack.scrape(url).sum("runledger_executions_unresolved") == 1
            }
            let metrics = try await stack.scrape(url)
            #expect(metrics.sum("runledger_erasures_open") == 0)

            let run = "/api/models/{internalName}/run"
            func requests(_ route: String, _ method: String, _ status: Int) -> Double? {
                metrics[
                    "runledger_http_request_seconds_count",
                    ["route": route, "method": method, "status": "\(status)"]
                ]
            }
            #expect(requests(run, "POST", 200) == 6)
            #expect(requests(run, "POST", 402) == 2)
            #expect(requests(run, "POST", 404) == 1)
            #expect(requests(run, "POST", lostStatus) == 1)
            #expect(requests("/healthz", "GET", 200) == 3)
            #expect(requests("NotFound", "GET", 404) == 2)
            // With the one for the image's bytes.
            #expect(metrics.sum("runledger_http_request_seconds_count") == 16)
            #expect(metrics.sum("runledger_http_request_seconds_bucket", ["le": "+Inf"]) == 16)

            let decisions = metrics.values("runledger_decisions_total", by: "code")
            #expect(decisions == ["ADMITTED": 7, "INSUFFICIENT_CREDITS": 2, "MODEL_NOT_FOUND": 1])
            #expect(metrics.values("runledger_settlements_total", by: "status") == ["succeeded": 6, "unresolved": 1])
            let events = try await stack.eventCount()
            #expect(metrics.sum("runledger_journal_events_total") == Double(events - before))
            #expect(metrics.sum("runledger_journal_position") == Double(events))
            let batches = metrics.sum("runledger_journal_batch_commands_count")
            #expect(metrics.sum("runledger_journal_commit_seconds_count") == batches)
            #expect(metrics.sum("runledger_holds_open") == 1)
            try await eventually("the journals' logs are published") {
                let sizes = try await stack.scrape(url).values("runledger_log_size", by: "log")
                return sizes.filter { $0.key != "ledger" }.reduce(0) { $0 + $1.value } == Double(events)
            }
            #expect(metrics.sum("runledger_log_failures_total") == 0)
            #expect(metrics.sum("runledger_journal_queue_commands") == 0)

            let calls = metrics.values("runledger_provider_call_seconds_count", by: "outcome", ["operation": "submit"])
            #expect(calls == ["succeeded": 5, "accepted": 1, "unresolved": 1])
            #expect(metrics.sum("runledger_provider_breaker") == 2)
            #expect(metrics.sum("runledger_provider_breaker", ["state": "closed"]) == 2)
            #expect(metrics["runledger_media_copies_total", [:]] == 1)
            #expect(metrics["runledger_media_copied_bytes_total", [:]] == Double(size))
            #expect(metrics["runledger_ready", [:]] == 1)
            #expect(await service.process.stop() == .exited(code: 0))
        }
    }

    @Test("the exposition is as promtool wants it, and has every metric of the dashboard and the alerts")
    func complete() async throws {
        try await Stack.with { stack in
            let service = try await stack.startService(environment: ["RUNLEDGER_METRICS_PORT": "0"])
            let url = try await Self.metricsURL(of: service)
            let response = try await stack.http.get(url: url).get()
            #expect(response.status == .ok)
            #expect(response.headers["content-type"] == ["text/plain; version=0.0.4; charset=utf-8"])
            let text = response.body.map { String(buffer: $0) } ?? ""
            let check = try await Promtool.run(["check", "metrics"], input: text)
            #expect(check.isGood && check.output.isEmpty, "\(check.output)")
            let described = Set(text.matches(of: /# TYPE (\w+)/).map { String($0.1) })
            for file in ["ops/grafana/dashboards/runledger.json", "ops/prometheus/alerts.yml", "docs/operations.md"] {
                let content = try String(contentsOfFile: "\(Program.sources)/\(file)", encoding: .utf8)
                let named = Set(content.matches(of: /\b((?:runledger|process)_[a-z_]+)/).map { Self.family($0.1) })
                    .subtracting(["runledger_service", "runledger_auditor"])
                #expect(named.count > 5)
                #expect(named.subtracting(described).isEmpty, "\(file) names what does not exist")
            }
            let operations = try String(contentsOfFile: "\(Program.sources)/docs/operations.md", encoding: .utf8)
            for name in described { #expect(operations.contains("`\(name)`"), "docs/operations.md lacks \(name)") }
            for path in ["/", "/metrics/"] {
                let other = try await stack.http.get(url: url.replacingOccurrences(of: "/metrics", with: path)).get()
                #expect(path == "/" ? other.status == .notFound : true)
            }
            #expect(await service.process.stop() == .exited(code: 0))
        }
    }

    @Test("a port that is taken is refused with the setting's name")
    func taken() async throws {
        try await Stack.with { stack in
            let port = "\(stack.simulatorPort)"
            let result = try await ChildProcess.run(
                [Program.path, "serve", "--port", "0", "--models", "\(Program.sources)/models"],
                environment: ProcessInfo.processInfo.environment.merging([
                    "RUNLEDGER_DATABASE_URL": stack.databaseURL, "RUNLEDGER_METRICS_PORT": port,
                    "RUNLEDGER_SIMULATOR_URL": "http://127.0.0.1:\(port)",
                ]) { $1 }
            )
            #expect(result.0 != .exited(code: 0))
            #expect(result.1.contains("RUNLEDGER_METRICS_HOST and _PORT: 127.0.0.1:\(port)"), "\(result.1)")
        }
    }

    /// Sends ten runs, of which one is lost, asks for the one image's bytes, and asks for five other things.
    ///
    /// - Returns: the status of the run that was lost, and the size of the image.
    private static func sendKnownRequests(
        _ stack: Stack,
        _ rich: Customer,
        _ poor: Customer,
        to url: String
    ) async throws -> (lostStatus: Int, imageBytes: Int) {
        for _ in 0..<5 { #expect(await stack.send(Call(customer: rich), to: url).summary == "200") }
        for _ in 0..<2 {
            let reply = await stack.send(Call(customer: poor), to: url)
            #expect(reply.summary == "402 INSUFFICIENT_CREDITS")
        }
        let unknown = await stack.send(Call(customer: rich, model: "no-such-model"), to: url)
        #expect(unknown.summary == "404 MODEL_NOT_FOUND")
        let lost = await stack.send(Call(customer: rich, prompt: "[[fault:drop]]"), to: url)
        let lostStatus = try #require(lost.answer?.status)
        let image = await stack.send(Call(customer: rich, model: Call.imageModel), to: url)
        let medium = try #require(image.answer?.body["result"]?["images"]?.arrayValue?.first?.stringValue)
        let size = try await stack.http.get(url: medium).get().body?.readableBytes ?? 0
        for path in ["/healthz", "/healthz", "/healthz", "/nowhere", "/metrics"] {
            _ = try await stack.http.get(url: url + path).get()
        }
        return (lostStatus, size)
    }

    /// A metric's name without what a histogram's series have behind it.
    private static func family(_ name: Substring) -> String {
        for suffix in ["_bucket", "_count", "_sum"] where name.hasSuffix(suffix) && name.contains("_seconds_") {
            return String(name.dropLast(suffix.count))
        }
        if name.hasSuffix("_commands_bucket") { return String(name.dropLast("_bucket".count)) }
        return String(name)
    }

    static func metricsURL(of service: RunningService) async throws -> String {
        let line = try await service.process.waitForLine(containing: "metrics are served")
        let port = try #require(line.firstMatch(of: /"port":"?(\d+)/), "\(line)")
        return "http://127.0.0.1:\(port.1)/metrics"
    }
}

/// The samples of one scrape.
struct Scrape {
    private var samples: [(name: String, labels: [String: String], value: Double)] = []

    init(_ text: String) throws {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let match = try #require(line.wholeMatch(of: /(\w+)(?:\{(.*)\})? (\S+)/), "\(line)")
            let labels = (match.2 ?? "").matches(of: /(\w+)="([^"]*)"/).map { (String($0.1), String($0.2)) }
            let value = try #require(Double(match.3.replacing("+Inf", with: "inf")))
            samples.append((String(match.1), Dictionary(uniqueKeysWithValues: labels), value))
        }
    }

    /// The one sample with exactly these labels.
    subscript(name: String, labels: [String: String]) -> Double? {
        samples.first { $0.name == name && $0.labels == labels }?.value
    }

    /// The sum of all samples that have these labels among theirs.
    func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
        values(name, by: nil, labels).values.reduce(0, +)
    }

    /// The sums of samples by one label's value.
    func values(_ name: String, by label: String?, _ labels: [String: String] = [:]) -> [String: Double] {
        samples.reduce(into: [:]) { sums, sample in
            guard sample.name == name, labels.allSatisfy({ sample.labels[$0.key] == $0.value }) else { return }
            sums[label.flatMap { sample.labels[$0] } ?? "", default: 0] += sample.value
        }
    }
}

extension Stack {
    func scrape(_ url: String) async throws -> Scrape {
        let response = try await http.get(url: url).get()
        return try Scrape(response.body.map { String(buffer: $0) } ?? "")
    }

    fileprivate func eventCount() async throws -> Int {
        try #require(try await rows("SELECT count(*) FROM ledger.events").first?.first.flatMap { Int($0) })
    }
}
