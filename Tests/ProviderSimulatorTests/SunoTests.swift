import NIOHTTP1
import ProviderSimulator
import Registry
import Testing

@Suite("Suno's wire")
struct SunoTests {
    private static func body(_ prompt: String = "A song", _ more: [String: JSONValue] = [:]) -> JSONValue {
        let body: [String: JSONValue] = [
            "prompt": .string(prompt), "customMode": false, "instrumental": false, "model": "V5",
            "callBackUrl": "http://127.0.0.1:1/nowhere",
        ]
        return .object(body.merging(more) { $1 })
    }

    private static func generate(_ simulator: LiveSimulator, _ body: JSONValue) async throws -> String {
        let answer = try await simulator.ask(.post, "/suno/api/v1/generate", body).json
        return try #require(answer["data"]?["taskId"]?.stringValue, "\(answer)")
    }

    private static func record(_ simulator: LiveSimulator, _ id: String) async throws -> JSONValue {
        try await simulator.ask(.get, "/suno/api/v1/generate/record-info?taskId=\(id)").json["data"] ?? .null
    }

    @Test("a task goes through the vendor's words to two tracks")
    func success() async throws {
        let time = ManualClock()
        try await LiveSimulator.run(SimulatorScript(jobMilliseconds: 8_000), clock: time.clock) {
            simulator async throws in
            let id = try await Self.generate(simulator, Self.body())
            var words: [JSONValue?] = []
            for _ in 0..<5 {
                words.append(try await Self.record(simulator, id)["status"])
                time.advance(milliseconds: 2_000)
            }
            #expect(words == ["PENDING", "TEXT_SUCCESS", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"])
            let tracks = try #require(try await Self.record(simulator, id)["response"]?["sunoData"]?.arrayValue)
            #expect(tracks.count == 2)
            let url = try #require(tracks[0]["audioUrl"]?.stringValue)
            #expect(try await simulator.ask(.get, url).headers.first(name: "content-type") == "audio/mpeg")
        }
    }

    @Test(
        "the ways a task ends",
        arguments: [
            ("fail", "GENERATE_AUDIO_FAILED", 0), ("failPolicy", "SENSITIVE_WORD_ERROR", 0),
            ("expire", "CREATE_TASK_FAILED", 0), ("callbackException", "CALLBACK_EXCEPTION", 2),
        ]
    )
    func endings(fault: String, word: String, tracks: Int) async throws {
        try await LiveSimulator.run { simulator async throws in
            let id = try await Self.generate(simulator, Self.body("[[fault:\(fault)]]"))
            let record = try await Self.record(simulator, id)
            #expect(record["status"] == .string(word))
            #expect((record["response"]?["sunoData"]?.arrayValue?.count ?? 0) == tracks)
            #expect((record["errorMessage"]?.stringValue != nil) == (tracks == 0))
        }
    }

    @Test(
        "a refusal comes with HTTP 200 and a code in the body",
        arguments: [
            ("refuse", 400), ("unauthorised", 401), ("notFound", 404), ("tooLarge", 413), ("noCredit", 429),
            ("rateLimit", 430), ("overloaded", 455), ("error500", 500),
        ] as [(String, Int64)]
    )
    func refusals(fault: String, code: Int64) async throws {
        try await LiveSimulator.run { simulator async throws in
            let body = Self.body("[[fault:\(fault)]]")
            let answer = try await simulator.ask(.post, "/suno/api/v1/generate", body)
            #expect(answer.status == 200)
            #expect(answer.json["code"] == .integer(code))
            #expect(answer.json["data"] == .null)
            #expect(try await simulator.books("suno")["accepted"] == 0)
        }
    }

    @Test("a malformed request is refused and not counted")
    func malformed() async throws {
        try await LiveSimulator.run { simulator async throws in
            let table: [(more: [String: JSONValue], code: JSONValue)] = [
                (["model": "V1"], 400), (["callBackUrl": nil], 400), (["customMode": nil], 400),
                (["customMode": true], 400), (["prompt": .string(String(repeating: "x", count: 501))], 413),
                (["prompt": nil], 400),
            ]
            for (more, code) in table {
                let answer = try await simulator.ask(.post, "/suno/api/v1/generate", Self.body("x", more))
                #expect(answer.json["code"] == code, "\(more)")
            }
            let noKey = try await simulator.ask(.post, "/suno/api/v1/generate", Self.body(), key: nil)
            #expect(noKey.json["code"] == 401)
            #expect(try await simulator.books("suno") == .null)
        }
    }

    @Test(
        "callbacks are in snake case and unsigned",
        arguments: [("", "complete", 200), ("[[fault:fail]]", "error", 531)] as [(String, String, Int64)]
    )
    func callbacks(fault: String, kind: String, code: Int64) async throws {
        try await Receiver.run { receiver in
            try await LiveSimulator.run(SimulatorScript(jobMilliseconds: 400)) { simulator async throws in
                let body = Self.body("A song \(fault)", ["callBackUrl": .string(receiver.url)])
                let id = try await Self.generate(simulator, body)
                let calls = try await receiver.wait(for: 2)
                #expect(calls[0].json["data"]?["callbackType"] == "text")
                #expect(calls[1].json["data"]?["callbackType"] == .string(kind))
                #expect(calls[1].json["code"] == .integer(code))
                #expect(calls[1].json["data"]?["task_id"] == .string(id))
                let tracks = calls[1].json["data"]?["data"]?.arrayValue ?? []
                #expect(tracks.count == (kind == "error" ? 0 : 2))
                #expect(tracks.allSatisfy { $0["audio_url"]?.stringValue != nil && $0["audioUrl"] == nil })
            }
        }
    }
}
