import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Registry
import Testing

@testable import ProviderSimulator

@Suite("provider simulator")
struct SimulatorTests {
    private static func app(_ script: SimulatorScript = .fast) -> some ApplicationProtocol {
        buildSimulator(port: 0, script: script, logger: Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func headers(_ id: String) -> HTTPFields {
        [.authorization: "Bearer k", HTTPField.Name("X-Client-Request-Id")!: id]
    }

    private static func text(
        _ client: some TestClientProtocol,
        id: String = "run",
        prompt: String = "hi"
    ) async throws -> TestResponse {
        let body: JSONValue = ["model": "gpt-5.4-mini", "prompt": .string(prompt)]
        return try await client.execute(
            uri: "/v1/text/generate",
            method: .post,
            headers: headers(id),
            body: ByteBuffer(bytes: body.canonicalBytes)
        )
    }

    private static func json(_ response: TestResponse) throws -> JSONValue {
        try JSONValue(parsing: response.body.readableBytesView)
    }

    private static func count(_ client: some TestClientProtocol) async throws -> JSONValue {
        try json(try await client.execute(uri: "/_simulator/count", method: .get))
    }

    @Test("1,000 concurrent requests are counted exactly")
    func exactCount() async throws {
        try await Self.app().test(.router) { client in
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                for number in 0..<1_000 {
                    group.addTask { try await Self.text(client, id: "run-\(number % 900)").status }
                }
                for try await status in group { #expect(status == .ok) }
            }
            let count = try await Self.count(client)
            #expect(count["total"] == 1_000)
            #expect(count["completed"] == 1_000)
            // A run that was asked for twice shows.
            #expect(count["distinct"] == 900)
            let cleared = try await client.execute(uri: "/_simulator/runs", method: .delete)
            #expect(cleared.status == .noContent)
            #expect(try await Self.count(client)["total"] == 0)
        }
    }

    @Test("a request without a key or a model is refused and not counted")
    func unauthorised() async throws {
        try await Self.app().test(.router) { client in
            let noKey = try await client.execute(
                uri: "/v1/text/generate",
                method: .post,
                body: ByteBuffer(string: #"{"model":"m"}"#)
            )
            #expect(noKey.status == .badRequest)
            let noModel = try await client.execute(
                uri: "/v1/text/generate",
                method: .post,
                headers: Self.headers("a"),
                body: ByteBuffer(string: "{}")
            )
            #expect(noModel.status == .badRequest)
            #expect(try await Self.count(client)["total"] == 0)
        }
    }

    @Test("a job goes through the states of the vendor's API to a result in a string")
    func job() async throws {
        try await Self.app(SimulatorScript(jobMilliseconds: 80_000_000)).test(.router) { client in
            let created = try Self.json(
                try await client.execute(
                    uri: "/api/v1/jobs/createTask",
                    method: .post,
                    headers: Self.headers("run-1"),
                    body: ByteBuffer(string: #"{"model":"m","input":{"prompt":"x","n":2}}"#)
                )
            )
            #expect(created["code"] == 200)
            let id = try #require(created["data"]?["taskId"]?.stringValue)
            var states: [String] = []
            while states.last != "success" {
                let info = try Self.json(
                    try await client.execute(
                        uri: "/api/v1/jobs/recordInfo?taskId=\(id)",
                        method: .get,
                        headers: Self.headers("")
                    )
                )
                let data = try #require(info["data"])
                let state = try #require(data["state"]?.stringValue)
                if states.last != state { states.append(state) }
                if state == "success" {
                    let result = try JSONValue(text: try #require(data["resultJson"]?.stringValue))
                    #expect(result["resultUrls"]?.arrayValue?.count == 2)
                }
                guard state == "generating" else { continue }
                let skip = ByteBuffer(string: #"{"milliseconds":80000000}"#)
                let skipped = try await client.execute(uri: "/_simulator/skip", method: .post, body: skip)
                #expect(skipped.status == .noContent)
            }
            #expect(states == ["waiting", "queuing", "generating", "success"])
            let unknown = try Self.json(
                try await client.execute(
                    uri: "/api/v1/jobs/recordInfo?taskId=none",
                    method: .get,
                    headers: Self.headers("")
                )
            )
            #expect(unknown["code"] == 422)
        }
    }

    @Test("a script sets faults for a model in order, and then its rates")
    func script() async throws {
        try await Self.app().test(.router) { client in
            let script = #"{"model":"gpt-5.4-mini","faults":["refuse","none","error500"],"rates":{"fail":1}}"#
            let set = try await client.execute(
                uri: "/_simulator/script",
                method: .post,
                body: ByteBuffer(string: script)
            )
            #expect(set.status == .noContent)
            var statuses: [Int] = []
            for _ in 0..<5 { statuses.append(try await Self.text(client).status.code) }
            #expect(statuses == [422, 200, 500, 400, 400])
            let count = try await Self.count(client)
            #expect(count["refused"] == 2)
            #expect(count["failed"] == 2)
            #expect(count["completed"] == 1)
        }
    }

    @Test("the same seed draws the same faults, at about the rate that was asked for")
    func seed() {
        let draws = { (seed: UInt64) -> [SimulatorFault?] in
            var source = FaultSource(SimulatorScript(ratesPerMillion: [.drop: 200_000, .fail: 100_000], seed: seed))
            return (0..<10_000).map { _ in source.draw() }
        }
        #expect(draws(1) == draws(1))
        #expect(draws(1) != draws(2))
        #expect((1_800...2_200).contains(draws(1).count { $0 == .drop }))
        #expect((900...1_100).contains(draws(1).count { $0 == .fail }))
    }

    @Test(
        "a script that can't be meant is refused with the reason",
        arguments: [
            (#"[]"#, "the script must be an object"), (#"{"fault":1}"#, "unknown key fault"),
            (#"{"rates":{"drop":1.5}}"#, "a rate must be a number from 0 to 1"),
            (#"{"rates":{"drop":0.6,"fail":0.6}}"#, "rates must not exceed 1 in sum"),
            (#"{"latencyMilliseconds":-1}"#, "latencyMilliseconds must be a whole number from 0 to 86400000"),
            (#"{"faults":["explode"]}"#, "unknown fault explode"), (#"{"#, "expected a key in quotes at byte 1"),
        ]
    )
    func badScript(text: String, reason: String) async throws {
        try await Self.app().test(.router) { client in
            let response = try await client.execute(
                uri: "/_simulator/script",
                method: .post,
                body: ByteBuffer(string: text)
            )
            #expect(response.status == .badRequest)
            #expect(try Self.json(response)["error"]?.stringValue?.hasPrefix(reason) == true)
        }
    }

    @Test("a fault in the prompt goes before the script, and an unknown one is no fault")
    func markers() async throws {
        try await Self.app(SimulatorScript(faults: [.refuse])).test(.router) { client in
            var statuses: [Int] = []
            for prompt in ["x [[fault:error500]]", "x", "x [[fault:nonsense]]", "x [[fault:refuse"] {
                statuses.append(try await Self.text(client, prompt: prompt).status.code)
            }
            #expect(statuses == [500, 422, 200, 200])
        }
    }
}
