import NIOHTTP1
import ProviderSimulator
import Registry
import Testing

@Suite("Ark's wire")
struct ArkTests {
    private static let path = "/ark/api/v3/contents/generations/tasks"

    private static func body(_ prompt: String = "A fox", callback: String? = nil) -> JSONValue {
        var body: [String: JSONValue] = [
            "model": "dreamina-seedance-2-0-fast-260128", "content": [["type": "text", "text": .string(prompt)]],
            "duration": 5, "return_last_frame": true,
        ]
        body["callback_url"] = callback.map { .string($0) }
        return .object(body)
    }

    private static func create(_ simulator: LiveSimulator, _ body: JSONValue) async throws -> String {
        let answer = try await simulator.ask(.post, path, body)
        return try #require(answer.json["id"]?.stringValue, "\(answer.json)")
    }

    @Test("a task goes from queued over running to a result with usage")
    func success() async throws {
        let time = ManualClock()
        try await LiveSimulator.run(SimulatorScript(jobMilliseconds: 4_000), clock: time.clock) {
            simulator async throws in
            let id = try await Self.create(simulator, Self.body())
            #expect(id.hasPrefix("cgt-"))
            let queued = try await simulator.ask(.get, "\(Self.path)/\(id)").json
            #expect(queued["status"] == "queued")
            #expect(queued["content"] == nil && queued["usage"] == nil && queued["error"] == .null)
            time.advance(milliseconds: 1_000)
            #expect(try await simulator.ask(.get, "\(Self.path)/\(id)").json["status"] == "running")
            time.advance(milliseconds: 3_000)
            let done = try await simulator.ask(.get, "\(Self.path)/\(id)").json
            #expect(done["status"] == "succeeded")
            #expect(done["updated_at"] == .integer(1_700_000_004))
            #expect(done["usage"]?["completion_tokens"] == 108_000)
            let url = try #require(done["content"]?["video_url"]?.stringValue)
            let video = try await simulator.ask(.get, url)
            #expect(video.headers.first(name: "content-type") == "video/mp4")
            #expect(done["content"]?["last_frame_url"]?.stringValue?.hasSuffix(".png") == true)
        }
    }

    @Test(
        "the ways a task ends without a result",
        arguments: [
            ("fail", "failed", "InternalServiceError"), ("failPolicy", "failed", "OutputVideoSensitiveContentDetected"),
            ("expire", "expired", nil),
        ] as [(String, String, String?)]
    )
    func failures(fault: String, status: String, code: String?) async throws {
        try await LiveSimulator.run { simulator async throws in
            let id = try await Self.create(simulator, Self.body("[[fault:\(fault)]]"))
            let task = try await simulator.ask(.get, "\(Self.path)/\(id)").json
            #expect(task["status"] == .string(status))
            #expect(task["error"]?["code"]?.stringValue == code)
            #expect(task["content"] == nil)
        }
    }

    @Test("only a queued task is cancelled; an ended one is deleted; a running or cancelled one is neither")
    func deletion() async throws {
        let time = ManualClock()
        try await LiveSimulator.run(SimulatorScript(jobMilliseconds: 4_000), clock: time.clock) {
            simulator async throws in
            let queued = try await Self.create(simulator, Self.body())
            let other = try await Self.create(simulator, Self.body())
            #expect(try await simulator.ask(.delete, "\(Self.path)/\(queued)").status == 200)
            #expect(try await simulator.ask(.get, "\(Self.path)/\(queued)").json["status"] == "cancelled")
            #expect(try await simulator.ask(.delete, "\(Self.path)/\(queued)").status == 409)
            time.advance(milliseconds: 2_000)
            #expect(try await simulator.ask(.delete, "\(Self.path)/\(other)").status == 409)
            time.advance(milliseconds: 2_000)
            #expect(try await simulator.ask(.delete, "\(Self.path)/\(other)").status == 200)
            #expect(try await simulator.ask(.get, "\(Self.path)/\(other)").status == 404)
            let books = try await simulator.books("ark")
            #expect(books["cancelled"] == 1)
            #expect(books["succeeded"] == 1)
        }
    }

    @Test("tasks are listed newest first, by page, status and id")
    func list() async throws {
        try await LiveSimulator.run { simulator async throws in
            var ids: [String] = []
            for _ in 0..<3 { ids.append(try await Self.create(simulator, Self.body())) }
            let failed = try await Self.create(simulator, Self.body("[[fault:fail]]"))
            let page = try await simulator.ask(.get, "\(Self.path)?page_num=2&page_size=2&filter.status=succeeded").json
            #expect(page["total"] == 3)
            #expect(page["items"]?.arrayValue?.map { $0["id"]?.stringValue } == [ids[0]])
            let some = try await simulator.ask(.get, "\(Self.path)?filter.task_ids=\(failed),\(ids[1])").json
            #expect(some["items"]?.arrayValue?.map { $0["id"]?.stringValue } == [failed, ids[1]])
        }
    }

    @Test(
        "refusals have the vendor's codes",
        arguments: [
            ("refuse", 400, "InputTextSensitiveContentDetected"), ("invalid", 400, "InvalidParameter"),
            ("unauthorised", 401, "AuthenticationError"), ("noCredit", 403, "AccountOverdueError"),
            ("notFound", 404, "ResourceNotFound"), ("rateLimit", 429, "RateLimitExceeded.EndpointRPMExceeded"),
            ("overloaded", 429, "ServerOverloaded"), ("error500", 500, "InternalServiceError"),
        ]
    )
    func refusals(fault: String, status: UInt, code: String) async throws {
        try await LiveSimulator.run { simulator async throws in
            let answer = try await simulator.ask(.post, Self.path, Self.body("[[fault:\(fault)]]"))
            #expect(answer.status == status)
            #expect(answer.json["error"]?["code"] == .string(code))
            #expect(answer.json["error"]?["message"]?.stringValue?.contains("Request id: ") == true)
            let books = try await simulator.books("ark")
            #expect(books["refused"] == 1)
            #expect(books["accepted"] == 0)
        }
    }

    @Test("a malformed request is refused and not counted")
    func malformed() async throws {
        try await LiveSimulator.run { simulator async throws in
            let bodies: [JSONValue] = [
                [:], ["model": "m"], ["model": "m", "content": []], ["model": "m", "content": [["type": "poem"]]],
                ["model": "m", "content": [["type": "text", "text": "x"]], "execution_expires_after": 10],
                ["model": "m", "content": [["type": "text", "text": "x"]], "resolution": "8k"],
            ]
            for body in bodies {
                let answer = try await simulator.ask(.post, Self.path, body)
                #expect(answer.status == 400)
            }
            #expect(try await simulator.ask(.post, Self.path, Self.body(), key: nil).status == 401)
            #expect(try await simulator.books("ark") == .null)
        }
    }

    @Test("a callback comes at each change, unsigned, as the task is")
    func callbacks() async throws {
        try await Receiver.run { receiver in
            try await LiveSimulator.run(SimulatorScript(jobMilliseconds: 800)) { simulator async throws in
                let id = try await Self.create(simulator, Self.body(callback: receiver.url))
                let calls = try await receiver.wait(for: 2)
                #expect(calls.map { $0.json["status"] } == ["running", "succeeded"])
                #expect(calls.allSatisfy { $0.json["id"] == .string(id) && $0.headers["webhook-signature"] == nil })
                let task = try await simulator.ask(.get, "\(Self.path)/\(id)").json
                #expect(calls[1].json == task)
                try await simulator.eventually("both are counted") {
                    try await simulator.books("ark")["callbacks"]?.integerValue ?? 0 >= 2
                }
            }
        }
    }
}
