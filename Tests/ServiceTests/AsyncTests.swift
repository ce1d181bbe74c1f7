import AsyncHTTPClient
import Foundation
import Glibc
import Ledger
import LocalCluster
import NIOCore
import NIOHTTP1
import NetworkTestSupport
import Registry
import TestSupport
import Testing

/// Goal: runs go on without their callers, and without the process that took them. Method: whole services as processes,
/// with the simulator's jobs.
@Suite("asynchronous runs", .serialized, .timeLimit(.minutes(5)))
struct AsyncTests {
    @Test("a service that is killed while it polls is followed by another, and no run is lost or sent twice")
    func killed() async throws {
        try await Stack.with { stack in
            try await stack.script(["jobMilliseconds": 10_000])
            let customer = try await stack.openAccount(credits: 1_000)
            let first = try await stack.startService()
            var runs: [String] = []
            for _ in 0..<8 { runs.append(try await stack.submit(customer, to: first.url)) }
            // One more with a caller, who will hear nothing.
            let call = Call(customer: customer, model: Call.imageModel)
            async let lost = stack.send(call, to: first.url)
            try await eventually("the provider works on all of them") { try await stack.simulatorCount("total") == 9 }
            try await eventually("the ledger knows that") {
                try await stack.rows("SELECT count(*) FROM ledger.executions WHERE submitted_at IS NOT NULL") == [["9"]]
            }
            let second = try await stack.startService()
            await first.process.stop(SIGKILL)
            guard case .lost = await lost else {
                Issue.record("a killed service answered")
                return
            }
            for run in runs {
                let answer = try await stack.read(run, customer, from: second.url, wait: 60)
                #expect(answer["status"] == "completed", "\(answer)")
                #expect(answer["cost"] == 10)
            }
            try await eventually("the run whose caller is gone has ended too") {
                try await stack.rows("SELECT count(*) FROM ledger.executions WHERE status = 'succeeded'") == [["9"]]
            }
            #expect(try await stack.simulatorCount("total") == 9)
            #expect(try await stack.rows("SELECT count(*) FROM ledger.run_tasks") == [["0"]])
            #expect(await second.process.stop() == .exited(code: 0))
            #expect(try await stack.verify()["clean"] == true)
            #expect(try await stack.state(of: customer).account?.available == Credits(whole: 910))
        }
    }

    @Test("a report that a killed service was sending is sent by another within seconds")
    func killedReporter() async throws {
        let answer: @Sendable (String) async -> String? = { head in
            head.hasPrefix("POST /hanging") ? nil : .answer("204 No Content")
        }
        try await LoopbackServer.with(answer: answer) { receiver in
            try await Stack.with { stack in
                try await stack.script(["jobMilliseconds": 100])
                let customer = try await stack.openAccount(credits: 100, capabilities: ["webhook:receive"])
                let settings = [
                    "RUNLEDGER_ADMIN_TOKEN": ChaosReceiver.adminToken, "RUNLEDGER_EGRESS_ALLOWS_LOOPBACK": "true",
                ]
                let first = try await stack.startService(environment: settings)
                let url = "http://127.0.0.1:\(receiver.port)/hanging"
                try await stack.setWebhook(of: customer, to: url, at: first.url)
                let run = try await stack.submit(customer, to: first.url)
                try await eventually("the report is being sent") { !receiver.requests.isEmpty }
                let second = try await stack.startService(environment: settings)
                let waiting = try await stack.read(run, customer, from: second.url, wait: 0)["webhookDelivery"]
                #expect(waiting?["url"] == .string(url))
                #expect(waiting?["state"] == "waiting")
                #expect(waiting?["nextAttemptAt"] == .null)
                await first.process.stop(SIGKILL)
                let start = ContinuousClock.now
                try await eventually("the report is sent again") { receiver.requests.count == 2 }
                // Two looks for leases that are gone, two seconds apart, and a second of rest; 61 if the claim had to run out.
                #expect(start.duration(to: .now) < .seconds(15))
                #expect(receiver.bodies[0] == receiver.bodies[1])
            }
        }
    }

    @Test("a run with a caller who waits ends soon after its callback, however seldom it is polled")
    func callback() async throws {
        try await withTemporaryFolder { folder in
            for part in ["models", "providers"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/\(part)",
                    withIntermediateDirectories: true
                )
                let source = "\(Program.sources)/\(part)"
                for name in try FileManager.default.contentsOfDirectory(atPath: source) where name.hasSuffix(".yaml") {
                    let text = try String(contentsOfFile: "\(source)/\(name)", encoding: .utf8)
                    let seldom = text.replacing(/(first|interval|ceiling)Milliseconds: [0-9]+/) { match in
                        "\(match.1)Milliseconds: 60000"
                    }
                    try seldom.write(toFile: "\(folder)/\(part)/\(name)", atomically: true, encoding: .utf8)
                }
            }
            try await Stack.with { stack in
                try await stack.script(["jobMilliseconds": 1_000])
                let customer = try await stack.openAccount(credits: 100)
                let port = freePort()
                let service = try await stack.startService(
                    port: port,
                    models: "\(folder)/models",
                    environment: ["RUNLEDGER_PUBLIC_URL": "http://127.0.0.1:\(port)"]
                )
                let start = ContinuousClock.now
                let reply = await stack.send(Call(customer: customer, model: Call.imageModel), to: service.url)
                #expect(reply.summary == "200")
                #expect(start.duration(to: .now) < .seconds(20))
            }
        }
    }

    @Test("submits are answered at once under load, however long the provider takes to accept a run")
    func latency() async throws {
        try await Stack.with { stack in
            try await stack.script(["latencyMilliseconds": 5_000, "jobMilliseconds": 200])
            let customer = try await stack.openAccount(tier: .enterprise, credits: 100_000)
            let service = try await stack.startService()
            _ = try await stack.submit(customer, to: service.url)
            // Other tests may have the machine for a while, so the best of three counts.
            var best = Duration.seconds(60)
            var submitted = 1
            for _ in 0..<3 where best >= .milliseconds(500) {
                let durations = try await Self.submitMany(stack, customer, to: service.url)
                submitted += durations.count
                best = min(best, durations[durations.count * 99 / 100 - 1])
            }
            #expect(best < .milliseconds(500), "99 of 100 submits were answered within \(best) at best")
            try await eventually("every run has ended") {
                let ended = "SELECT count(*) FROM ledger.executions WHERE status = 'succeeded'"
                return try await stack.rows(ended) == [["\(submitted)"]]
            }
            #expect(await service.process.stop() == .exited(code: 0))
            #expect(try await stack.verify()["clean"] == true)
        }
    }

    /// Submits 200 runs, eight at a time, and returns how long each answer took, the quickest first.
    private static func submitMany(_ stack: Stack, _ customer: Customer, to url: String) async throws -> [Duration] {
        try await withThrowingTaskGroup(of: [Duration].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var durations: [Duration] = []
                    for _ in 0..<25 {
                        let start = ContinuousClock.now
                        _ = try await stack.submit(customer, to: url)
                        durations.append(start.duration(to: .now))
                    }
                    return durations
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }.sorted()
    }
}

extension Stack {
    /// Sets a key's webhook, as an operator.
    func setWebhook(
        of customer: Customer,
        to address: String,
        secret: String? = nil,
        at url: String
    ) async throws {
        var request = HTTPClientRequest(url: "\(url)/api/api-keys/\(customer.keyID)/webhook")
        request.method = .PUT
        request.headers.add(name: "authorization", value: "Bearer \(ChaosReceiver.adminToken)")
        var wish: [String: JSONValue] = ["url": .string(address)]
        if let secret { wish["secret"] = .string(secret) }
        request.body = .bytes(ByteBuffer(string: JSONValue.object(wish).description))
        let response = try await http.execute(request, timeout: .seconds(60))
        try #require(response.status == .ok)
    }

    /// Submits an asynchronous run, which must be accepted, and returns its id.
    func submit(_ customer: Customer, to url: String) async throws -> String {
        var request = HTTPClientRequest(url: "\(url)/api/models/\(Call.imageModel)/run?async=true")
        request.method = .POST
        request.headers.add(name: "x-api-key", value: customer.key)
        request.body = .bytes(ByteBuffer(string: #"{"inputs":{"prompt":"hi"}}"#))
        let response = try await http.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        let json = try JSONValue(parsing: bytes.readableBytesView)
        try #require(response.status == .accepted, "\(json)")
        #expect(json["requestId"]?.stringValue?.isEmpty == false, "\(json)")
        return try #require(json["executionId"]?.stringValue)
    }

    /// Reads a run, waiting for its end.
    func read(_ run: String, _ customer: Customer, from url: String, wait: Int) async throws -> JSONValue {
        var request = HTTPClientRequest(url: "\(url)/api/executions/\(run)?wait=\(wait)")
        request.headers.add(name: "x-api-key", value: customer.key)
        let response = try await http.execute(request, timeout: .seconds(120))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return try JSONValue(parsing: bytes.readableBytesView)
    }
}
