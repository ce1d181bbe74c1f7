import Foundation
import Registry
import Runs
import Testing

@testable import Providers

/// What a proxy before a vendor answers in its place: HTML, in which no code of the vendor's stands.
@Suite("gateways before vendors")
struct GatewayTests {
    private static func page(_ title: String) -> String {
        "<html>\r\n<head><title>\(title)</title></head>\r\n<body>\r\n<center><h1>\(title)</h1></center>\r\n"
            + "<hr><center>nginx/1.25.3</center>\r\n</body>\r\n</html>\r\n"
    }

    /// A model of each vendor, and whether work is accepted there and polled for.
    static let models: [(name: String, isPolled: Bool)] = [
        ("fal-video", true), ("seedance", true), ("kie-image", true), ("suno-song", true), ("kling-old", true),
        ("kling-new", true), ("replicated", true), ("claude", false), ("openai-image", false), ("gpt-5-4-mini", false),
        ("draft-image", false),
    ]

    @Test("a submit is never repeated: of a task API it may have been handed on, and is looked into", arguments: models)
    func submits(model: String, isPolled: Bool) async throws {
        for (status, title) in [(502, "502 Bad Gateway"), (503, "503 Service Temporarily Unavailable"), (504, "504")] {
            let server = try await ScriptedServer.start { _, _, _ in
                ScriptedServer.Reply(status: status, headers: ["content-type": "text/html"], parts: [Self.page(title)])
            }
            let outcome = try await withBench(port: server.port) { try await $0.run(model, ["prompt": "a cat"]) }
            let isAmbiguous = isPolled && status != 503
            #expect(describe(outcome) == (isAmbiguous ? "unresolved ambiguousError" : "failed provider \(status)"))
            #expect(server.received.count == 1)
            try await server.stop()
        }
    }

    /// `model | submit and its answer | poll | answer of a poll once it is done | outcome`.
    static let pollAnswers: [[String]] = #"""
        fal-video | POST /fal-ai/kling-video/v3 -> 200 {"request_id":"r1","response_url":"$HOST/r1","status_url":"$HOST/r1/status"} | GET /r1/status | 200 {"status":"COMPLETED","error":"x","error_type":"startup_timeout"} | failed provider startup_timeout
        seedance | POST /contents/generations/tasks -> 200 {"id":"t1"} | GET /contents/generations/tasks/t1 | 200 {"status":"succeeded","content":{"video_url":"https://v/1.mp4"}} | 1 videos
        kie-image | POST /api/v1/jobs/createTask -> 200 {"code":200,"data":{"taskId":"t1"}} | GET /api/v1/jobs/recordInfo?taskId=t1 | 200 {"data":{"state":"success","resultJson":{"resultUrls":["https://v/1.png"]}}} | 1 images
        suno-song | POST /api/v1/generate -> 200 {"code":200,"data":{"taskId":"t1"}} | GET /api/v1/generate/record-info?taskId=t1 | 200 {"data":{"status":"SUCCESS","response":{"sunoData":[{"audioUrl":"https://v/1.mp3"}]}}} | 1 audios
        kling-old | POST /v1/videos/text2video -> 200 {"code":0,"data":{"task_id":"t1"}} | GET /v1/videos/text2video/t1 | 200 {"code":0,"data":{"task_status":"succeed","task_result":{"videos":[{"url":"https://v/1.mp4"}]}}} | 1 videos
        kling-new | POST /text-to-video/kling-3.0 -> 200 {"code":0,"data":{"id":"t1"}} | GET /tasks?task_ids=t1 | 200 {"data":[{"status":"succeeded","outputs":[{"url":"https://v/1.mp4"}]}]} | 1 videos
        replicated | POST /v1/models/acme/painter/predictions -> 201 {"id":"t1"} | GET /v1/predictions/t1 | 200 {"status":"succeeded","output":"https://v/1.png"} | 1 images
        """#.split(separator: "\n").map { String($0).components(separatedBy: " | ") }

    @Test("a poll that a proxy answers says nothing about the work, which is polled on", arguments: pollAnswers)
    func polls(row: [String]) async throws {
        let script = """
            \(row[1])
            \(row[2]) -> 502 <html><body>502 Bad Gateway nginx</body></html>
            \(row[2]) -> 503 <html><body>503 Service Temporarily Unavailable nginx</body></html>
            \(row[2]) -> 200 <html><body>We are moving house</body></html>
            \(row[2]) -> \(row[3])
            """
        try await VendorTests.run(.init(testDescription: row[0], model: row[0], script: script, outcome: row[4]))
    }

    @Test("fal's own 503 and one of a proxy before it, told apart by its request id, are both failures for certain")
    func fal() async throws {
        for (headers, body, code) in [
            (
                "x-fal-request-id=r1", #"{"detail":"x","error_type":"runner_scheduling_failure"}"#,
                "runner_scheduling_failure"
            ),
            ("x-fal-request-id=r1", #"{"detail":"x"}"#, "503"),
            ("x-fal-error-type=runner_disconnected", "<html>nginx</html>", "runner_disconnected"),
            ("server=nginx", "<html>nginx</html>", "503"),
        ] {
            let script = "POST /fal-ai/kling-video/v3 -> 503 \(headers) \(body)"
            let outcome = "failed provider \(code)"
            try await VendorTests.run(
                .init(testDescription: body, model: "fal-video", script: script, outcome: outcome)
            )
        }
    }
}
