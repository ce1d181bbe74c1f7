import Foundation
import Glibc
import Ledger
import LocalCluster
import Registry
import TestSupport
import Testing

/// Goal: on a day when a fifth of all runs meets a fault at its provider, customers' receivers fail, and services die in
/// mid-load, no run is lost, done twice, charged wrongly, left open, or reported less than once.
///
/// Method: two services on one ledger take 2,000 runs, synchronous and asynchronous, over every model. Four times one of
/// them is killed with SIGKILL and started again. Patience is cut to seconds in copies of the definitions, so that every run
/// ends: by its answer, by a poll, by a look-up, by a wish to cancel it, or by its policy. Then four books are compared run for run: what the callers
/// were told, the ledger, the providers' count, and what the customers' receiver got.
@Suite("chaos", .serialized, .timeLimit(.minutes(10)))
struct ChaosTests {
    private static let runs = 2_000
    /// Four kills before two thirds of the load, so that the claims of the dead run out during the rest.
    private static let kills = [250, 550, 850, 1_150]

    @Test("2,000 runs over all models with faults and kills leave callers, ledger, providers and webhooks in agreement")
    func chaos() async throws {
        var seed = Seed.announced(for: "chaos")
        let script: JSONValue = [
            "chaos": .decimal("0.2"), "seed": .integer(Int64(seed.next() % 1_000_000)), "latencyMilliseconds": 20,
            "jitterMilliseconds": 30, "jobMilliseconds": 300, "slowMilliseconds": 1_000, "lateMilliseconds": 1_000,
        ]
        let calls = try ChaosCalls(count: Self.runs, seed: &seed)
        try await withTemporaryFolder { folder in
            try Self.copyDefinitions(to: folder)
            try await Stack.with { stack in
                try await stack.script(script)
                try await ChaosReceiver.with { receiver in
                    try await Self.run(stack, receiver, calls, folder: folder)
                }
            }
        }
    }

    private static func run(
        _ stack: Stack,
        _ receiver: ChaosReceiver,
        _ calls: ChaosCalls,
        folder: String
    ) async throws {
        var services: [RunningService] = []
        for _ in 0..<2 { services.append(try await start(stack, port: freePort(), folder: folder)) }
        var customers: [Customer] = []
        for _ in 0..<4 {
            let capabilities = ["webhook:receive"]
            customers.append(
                try await stack.openAccount(tier: .enterprise, credits: credits, capabilities: capabilities)
            )
        }
        // The last one has no webhook.
        for customer in customers.dropLast() { try await receiver.subscribe(customer, stack, at: services[0].url) }
        let load = ChaosLoad(stack: stack, urls: services.map(\.url), customers: customers, calls: calls)
        let callers = Task { await load.run(callers: 32) }
        for (number, kill) in kills.enumerated() {
            try await eventually(within: 120, "\(kill) runs are answered") { load.answeredCount >= kill }
            receiver.recover()
            let index = number % 2
            await services[index].process.stop(SIGKILL)
            services[index] = try await start(stack, port: services[index].port, folder: folder)
        }
        await callers.value
        try await eventually(within: 120, "no hold and no task is left") {
            try await stack.rows(
                "SELECT (SELECT count(*) FROM ledger.holds) + (SELECT count(*) FROM ledger.run_tasks)"
            ) == [["0"]]
        }
        try await eventually(within: 120, "every end was reported") {
            try await stack.rows(
                """
                SELECT (SELECT count(*) FROM ledger.webhook_deliveries WHERE state = 'waiting')
                    + (SELECT count(*) FROM ledger.webhook_checkpoints c JOIN ledger.journals j USING (journal)
                        WHERE c.position < j.position)
                """
            ) == [["0"]]
        }
        for service in services { #expect(await service.process.stop() == .exited(code: 0)) }
        #expect(try await stack.verify()["clean"] == true)
        let books = try await ChaosBooks(stack)
        books.compare(with: load.answers, lost: load.lostCount)
        books.compareProviders()
        books.compare(with: receiver)
        try await books.compareBalances(of: customers, credits: credits, stack)
        books.expectEveryWay()
    }

    private static let credits: Int64 = 10_000_000

    private static func start(_ stack: Stack, port: Int, folder: String) async throws -> RunningService {
        try await stack.startService(
            port: port,
            models: "\(folder)/models",
            environment: [
                "RUNLEDGER_PUBLIC_URL": "http://127.0.0.1:\(port)",
                "RUNLEDGER_ADMIN_TOKEN": ChaosReceiver.adminToken,
                "RUNLEDGER_MEDIA_FOLDER": "\(folder)/media",
                "RUNLEDGER_EGRESS_ALLOWS_LOOPBACK": "true",
                "FAL_JWKS_URL": "http://127.0.0.1:\(stack.simulatorPort)/fal/.well-known/jwks.json",
            ]
        )
    }

    /// Copies the definitions that are shipped, with seconds instead of minutes and hours.
    private static func copyDefinitions(to folder: String) throws {
        let patience = [
            "deadlineSeconds": 20, "holdSeconds": 20, "firstMilliseconds": 100, "intervalMilliseconds": 250,
            "ceilingMilliseconds": 1_000,
        ]
        for part in ["models", "providers"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
            let source = "\(Program.sources)/\(part)"
            for name in try FileManager.default.contentsOfDirectory(atPath: source) where name.hasSuffix(".yaml") {
                let text = try String(contentsOfFile: "\(source)/\(name)", encoding: .utf8)
                let changed = text.replacing(/([A-Za-z]+): [0-9]+/) { match in
                    patience[String(match.1)].map { "\(match.1): \($0)" } ?? String(match.0)
                }
                try changed.write(toFile: "\(folder)/\(part)/\(name)", atomically: true, encoding: .utf8)
            }
        }
    }
}
