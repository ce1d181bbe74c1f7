import AsyncHTTPClient
import Foundation
import Ledger
import LedgerTestSupport
import Logging
import NIOCore
import ProviderSimulator
import Providers
import Registry
import RunTestSupport
import Runs
import ServiceLifecycle
import TestSupport
import Testing

/// Goal: however many runs a provider turns away, it is asked no more often than its budget of retries allows, and each of
/// the runs ends with its money where it belongs.
/// Method: a service on PostgreSQL with the router and the definitions that are shipped, against a simulator that says of
/// most requests that they come too fast.
@Suite("The budget of retries", .gated, .database(LedgerDatabase.template(journals: 4)))
struct BudgetTests {
    private static let runs = 40

    @Test(
        "runs with and without a waiting caller share one budget; what is refused costs nothing, what came is charged"
    )
    func budget() async throws {
        try await Self.withSimulator(SimulatorScript(ratesPerMillion: [.rateLimit: 850_000], seed: 5)) { http, url in
            let registry = try Self.registry(url)
            let model = try #require(registry.model(named: "gpt-image-2"))
            let limits = model.provider.limits
            try await AsyncBench.with { bench in
                let router = ProviderRouter(client: http)
                let service = try bench.service(registry: registry, provider: router)
                try await withWorker(service) {
                    await withTaskGroup(of: Void.self) { group in
                        for number in 0..<Self.runs {
                            group.addTask { _ = await bench.run(service, model.internalName, isAsync: number % 2 == 0) }
                        }
                    }
                    try await eventually("every run has ended") {
                        try await count("SELECT count(*) FROM ledger.run_tasks") == 0
                    }
                }
                let books = try await Self.books(http, url)
                let asked = try #require(books["total"]?.integerValue)
                let done = try #require(books["completed"]?.integerValue)
                // What was saved up, and what the first submits earned.
                let most = limits.retryBudgetBurst + Self.runs * limits.retryBudgetPercent / 100
                #expect(asked <= Int64(Self.runs + most))
                // Guards against a run of the test without a retry, or without a success: alone, each run may retry thrice.
                #expect(asked >= Int64(Self.runs + limits.retryBudgetBurst))
                #expect(done > 0 && done < Int64(Self.runs))
                #expect(books["distinct"] == .integer(Int64(Self.runs)))
                #expect(books["accepted"] == 0)
                #expect(router.health.map(\.name) == ["kie-jobs"])
                #expect(router.health.allSatisfy { $0.underWayCount == 0 && $0.waitingCount == 0 })

                let of = { (status: String) in
                    try await count("SELECT count(*) FROM ledger.executions WHERE status = '\(status)'")
                }
                #expect(try await of("succeeded") == Int(done))
                #expect(try await of("failed") == Self.runs - Int(done))
                #expect(try await count("SELECT count(*) FROM ledger.holds") == 0)
                #expect(try await bench.available == Credits(whole: 1_000 - 10 * done))
            }
        }
    }

    private static func registry(_ url: String) throws -> ModelRegistry {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = { (path: String) in
            DefinitionFile(name: path, text: try String(contentsOf: root.appending(path: path), encoding: .utf8))
        }
        return try ModelRegistry.load(
            files: [try file("models/gpt-image-2.yaml")],
            providers: [try file("providers/kie-jobs.yaml")],
            variables: ["KIE_BASE_URL": url, "KIE_API_KEY": "key"]
        )
    }

    private static func books(_ http: HTTPClient, _ url: String) async throws -> JSONValue {
        let response = try await http.execute(HTTPClientRequest(url: "\(url)/_simulator/count"), timeout: .seconds(30))
        return try JSONValue(parsing: try await response.body.collect(upTo: 1 << 20).readableBytesView)
    }

    /// Runs a simulator on a free port, and a client for it, for as long as the body runs.
    private static func withSimulator(
        _ script: SimulatorScript,
        _ body: @Sendable @escaping (HTTPClient, _ url: String) async throws -> Void
    ) async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() }
        let simulator = buildSimulator(port: 0, script: script, logger: logger) { continuation.yield($0) }
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .providers())
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await simulator.run() }
                group.addTask {
                    var iterator = ports.makeAsyncIterator()
                    let port = try #require(await iterator.next())
                    try await body(http, "http://127.0.0.1:\(port)")
                }
                try await group.next()
                group.cancelAll()
            }
        } catch {
            try await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }
}
