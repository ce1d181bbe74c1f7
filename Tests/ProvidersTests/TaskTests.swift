import Foundation
import Ledger
import NIOHTTP1
import Registry
import Runs
import Testing

@testable import Providers

/// Work with an id: cancelled, looked up, called back about.
@Suite("cancel, look up, call back")
struct TaskTests {
    private static func falTask(_ port: Int) -> ProviderTask {
        let host = "http://127.0.0.1:\(port)"
        return ProviderTask(
            id: "r1",
            links: ["status": "\(host)/r1/status", "result": "\(host)/r1", "cancel": "\(host)/r1/cancel"]
        )
    }

    struct Cancellation: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let model: String
        let script: String
        let outcome: CancelOutcome
    }

    static let cancellations: [Cancellation] = [
        ("fal-video", #"PUT /r1/cancel -> 200 {}"#, CancelOutcome.cancelled),
        ("fal-video", #"PUT /r1/cancel -> 202 {"status":"CANCELLATION_REQUESTED"}"#, .requested),
        ("fal-video", #"PUT /r1/cancel -> 400 {"status":"ALREADY_COMPLETED"}"#, .alreadyEnded),
        ("fal-video", #"PUT /r1/cancel -> 404 {"status":"NOT_FOUND"}"#, .unknown),
        ("fal-video", "PUT /r1/cancel -> cut", .unknown),
        ("suno-song", "", .notPossible),
        ("kling-old", "", .notPossible),
        ("claude", "", .notPossible),
        ("replicated", #"POST /v1/predictions/r1/cancel -> 200 {"id":"r1","status":"processing"}"#, .requested),
        ("replicated", #"POST /v1/predictions/r1/cancel -> 200 {"id":"r1","status":"aborted"}"#, .cancelled),
        ("replicated", #"POST /v1/predictions/r1/cancel -> 200 {"id":"r1","status":"succeeded"}"#, .alreadyEnded),
        (
            "seedance",
            """
            GET /contents/generations/tasks/r1 -> 200 {"status":"queued"}
            DELETE /contents/generations/tasks/r1 -> 200
            """, .cancelled
        ),
        // Nothing is deleted that runs, or that has ended: its result would be gone.
        ("seedance", #"GET /contents/generations/tasks/r1 -> 200 {"status":"running"}"#, .notPossible),
        ("seedance", #"GET /contents/generations/tasks/r1 -> 200 {"status":"succeeded"}"#, .alreadyEnded),
        ("seedance", "GET /contents/generations/tasks/r1 -> 500", .unknown),
    ].map { Cancellation(testDescription: "\($0) \($1)", model: $0, script: $1, outcome: $2) }

    @Test("what a vendor answers to a wish to cancel", arguments: cancellations)
    func cancel(_ given: Cancellation) async throws {
        try await withScript(given.script) { bench, server in
            let request = try bench.request(given.model, ["prompt": "x"], seconds: 20)
            #expect(await bench.router.cancel(request, Self.falTask(bench.port)) == given.outcome)
            #expect(server.received.count == given.script.split(separator: "\n").count)
        }
    }

    struct Search: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let model: String
        let reply: String
        let outcome: LookUpOutcome
    }

    static let searches: [Search] = [
        (
            "kling-old", #"200 {"code":0,"data":{"task_id":"k7","task_status":"processing"}}"#,
            LookUpOutcome.found(ProviderTask(id: "k7"))
        ),
        ("kling-old", #"404 {"code":1203,"message":"no such task"}"#, .absent),
        ("kling-old", #"500 {"code":5000,"message":"?"}"#, .unknown),
        ("kling-new", #"200 {"code":0,"data":[{"id":"n7","status":"submitted"}]}"#, .found(ProviderTask(id: "n7"))),
        ("kling-new", #"200 {"code":0,"data":[]}"#, .absent),
        ("kling-new", #"200 {"code":0}"#, .unknown),
        ("seedance", "200 {}", .unknown),
    ].map { Search(testDescription: "\($0) \($1)", model: $0, reply: $1, outcome: $2) }

    @Test("what a search by our own id finds", arguments: searches)
    func lookUp(_ given: Search) async throws {
        let id = anyExecutionID()
        let script = """
            GET /v1/videos/text2video/\(id) -> \(given.reply)
            GET /tasks?external_task_ids=\(id) -> \(given.reply)
            """
        try await withScript(script) { bench, _ in
            let request = try bench.request(given.model, ["prompt": "x"], id: id, seconds: 20)
            #expect(await bench.router.lookUp(request) == given.outcome)
        }
    }

    @Test("a callback's address is sent where the service has one, and left out where it has none")
    func callbackAddress() async throws {
        let address = "https://us.example/api/callbacks/t?a=b"
        let server = try await ScriptedServer.start { _, _, _ in ScriptedServer.Reply(status: 400, parts: ["{}"]) }
        try await withBench(port: server.port) { bench in
            for name in ["fal-video", "seedance", "suno-song", "kling-old", "kling-new", "replicated", "gpt-image-2"] {
                for url in [address, nil] {
                    _ = await bench.router.submit(try bench.request(name, ["prompt": "x"], callbackURL: url))
                }
            }
        }
        try await server.stop()
        let received = server.received
        #expect(
            received.map(\.uri).prefix(2) == [
                "/fal-ai/kling-video/v3?fal_webhook=https%3A%2F%2Fus.example%2Fapi%2Fcallbacks%2Ft%3Fa%3Db",
                "/fal-ai/kling-video/v3",
            ]
        )
        let names = [
            "/callback_url", "/callBackUrl", "/callback_url", "/options/callback_url", "/webhook", "/callBackUrl",
        ]
        for (index, name) in names.enumerated() {
            let pointer = try #require(JSONPointer(name))
            #expect(pointer.first(in: received[2 + 2 * index].json) == .string(address))
            // Suno's relay refuses a request without one.
            let fallback: JSONValue? = index == 1 ? "https://callback.invalid/" : nil
            #expect(pointer.first(in: received[3 + 2 * index].json) == fallback)
        }
    }

    @Test("our id goes along, and the key and the inputs go where the vendor wants them")
    func requests() async throws {
        let id = anyExecutionID()
        let server = try await ScriptedServer.start { _, _, _ in ScriptedServer.Reply(status: 400, parts: ["{}"]) }
        try await withBench(port: server.port) { bench in
            let inputs: JSONValue = ["prompt": "a cat", "images": ["https://i/1.png", "https://i/2.png"]]
            for name in ["fal-video", "seedance", "kling-old"] {
                _ = await bench.router.submit(try bench.request(name, inputs, id: id))
            }
        }
        try await server.stop()
        let received = server.received
        #expect(
            received.map { $0.headers.first(name: "x-client-request-id") } == Array(repeating: id.description, count: 3)
        )
        #expect(received[0].headers.first(name: "authorization") == "Key key-of-FAL")
        #expect(received[0].json == ["prompt": "a cat", "images": ["https://i/1.png", "https://i/2.png"]])
        #expect(
            received[1].json["content"] == [
                ["type": "text", "text": "a cat"],
                ["type": "image_url", "image_url": ["url": "https://i/1.png"], "role": "reference_image"],
                ["type": "image_url", "image_url": ["url": "https://i/2.png"], "role": "reference_image"],
            ]
        )
        let token = try #require(received[2].headers.first(name: "authorization"))
        #expect(token.hasPrefix("Bearer eyJ") && token.split(separator: ".").count == 3)
        #expect(received[2].json["external_task_id"] == .string(id.description))
    }

    @Test("a link to another host, as a table might hold one, is never asked with our key")
    func foreignLink() async throws {
        let other = try await ScriptedServer.start { _, _, _ in
            ScriptedServer.Reply(parts: [#"{"status":"COMPLETED"}"#])
        }
        try await withScript("") { bench, server in
            let request = try bench.request("fal-video", ["prompt": "x"])
            let outcome = await bench.router.poll(request, Self.falTask(other.port))
            guard case .ended(let end) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(describe(end) == "unresolved unreadableAnswer with id")
            #expect(await bench.router.cancel(request, Self.falTask(other.port)) == .unknown)
            #expect(server.received.isEmpty)
        }
        #expect(other.received.isEmpty)
        try await other.stop()
    }

    @Test("only jobs APIs can be asynchronous, by contract")
    func asynchronous() throws {
        let models = try registry(port: 1).models.filter(\.supportsAsync).map(\.internalName)
        #expect(!models.contains("fal-video") && !models.contains("claude") && !models.contains("openai-image"))
        #expect(
            Set(models).isSuperset(of: ["seedance", "suno-song", "kling-old", "kling-new", "replicated", "gpt-image-2"])
        )
    }

    @Test("nobody there was certainly not accepted: tried again, then failed as the provider's")
    func unreachable() async throws {
        let server = try await ScriptedServer.start(script: "")
        try await server.stop()
        try await withBench(port: server.port) { bench in
            guard
                case .notAccepted(let failure, true, _) = await bench.router.submit(
                    try bench.request("seedance", ["prompt": "x"])
                )
            else {
                Issue.record("accepted by nobody")
                return
            }
            #expect(failure.providerCode == "unreachable")
            let outcome = try await bench.run("seedance", ["prompt": "x"], seconds: 1)
            #expect(describe(outcome) == "failed provider unreachable")
        }
    }
}
