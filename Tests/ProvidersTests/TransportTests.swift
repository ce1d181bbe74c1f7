import Providers
import Registry
import Runs
import Testing

/// What is certain and what is not when an answer is missing or strange.
@Suite("answers that never come, or come wrong", .serialized)
struct TransportTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let answer: String
        var closes = false
        let outcome: String
    }

    static let cases = [
        Case(
            testDescription: "silence, and a closed connection",
            answer: "",
            closes: true,
            outcome: "unresolved connectionLost"
        ),
        Case(testDescription: "silence", answer: "", outcome: "unresolved timedOut"),
        Case(
            testDescription: "a head without its body",
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
            outcome: "unresolved timedOut"
        ),
        Case(
            testDescription: "a body that is announced too large",
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n{",
            outcome: "unresolved unreadableAnswer"
        ),
        Case(
            testDescription: "a body that grows too large",
            answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n"
                + String(repeating: " ", count: 8_192) + "\r\n",
            outcome: "unresolved unreadableAnswer"
        ),
        Case(
            testDescription: "something that is not HTTP",
            answer: "SSH-2.0-OpenSSH\r\n\r\n",
            outcome: "unresolved connectionLost"
        ),
        Case(
            testDescription: "a redirect, which is not followed: it would be a second submit",
            answer: "HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
            outcome: "failed us 307"
        ),
        Case(
            testDescription: "a success that was not asked for",
            answer: "HTTP/1.1 204 No Content\r\n\r\n",
            outcome: "unresolved unreadableAnswer"
        ),
        Case(
            testDescription: "an error without a word",
            answer: "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
            outcome: "failed provider 503"
        ),
        Case(
            testDescription: "a success without a result",
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"output\":null}",
            outcome: "failed provider no_result"
        ),
    ]

    @Test("each is classified, and nothing is sent twice", arguments: cases)
    func strange(_ given: Case) async throws {
        let server = try await RawServer.start(answer: given.answer, closes: given.closes)
        let outcome = try await withBench(port: server.port, maximumAnswerBytes: 4_096) { bench in
            try await bench.run("gpt-5-4-mini", ["prompt": "a cat"], seconds: 1.5)
        }
        #expect(describe(outcome) == given.outcome)
        #expect(server.requestCount == 1)
        try await server.stop()
    }

    @Test("where nobody listens, the run failed for certain", arguments: ["gpt-5-4-mini", "gpt-image-2"])
    func refused(model: String) async throws {
        let server = try await RawServer.start(answer: "", closes: true)
        try await server.stop()
        let clock = ContinuousClock()
        let start = clock.now
        let outcome = try await withBench(port: server.port) { bench in
            try await bench.run(model, ["prompt": "a cat"], seconds: 30)
        }
        #expect(describe(outcome) == "failed provider unreachable")
        #expect(start.duration(to: clock.now) < .seconds(20))
    }

    @Test("a run whose time is over before it began is not sent")
    func late() async throws {
        let server = try await RawServer.start(answer: "", closes: true)
        let outcome = try await withBench(port: server.port) { bench in
            try await bench.run("gpt-5-4-mini", ["prompt": "a cat"], seconds: 0)
        }
        #expect(describe(outcome) == "failed provider unreachable")
        #expect(server.requestCount == 0)
        try await server.stop()
    }

    @Test("a task that is cancelled while it waits leaves its run unresolved")
    func cancelled() async throws {
        let server = try await RawServer.start(answer: "", closes: false)
        let outcome = try await withBench(port: server.port) { bench in
            let request = try bench.request("gpt-5-4-mini", ["prompt": "a cat"], seconds: 30)
            let task = Task { await bench.router.run(request) { _ in } }
            while server.requestCount == 0 { try await Task.sleep(for: .milliseconds(5)) }
            task.cancel()
            return await task.value
        }
        #expect(describe(outcome) == "unresolved interrupted")
        try await server.stop()
    }

    @Test("a task that is cancelled between polls keeps the provider's id")
    func cancelledPolling() async throws {
        let outcome = try await withSimulator { bench in
            let request = try bench.request("gpt-image-2", ["prompt": "[[fault:stall]]"], seconds: 30)
            let recorder = Recorder()
            let task = Task { await bench.router.run(request) { recorder.record($0.id) } }
            while recorder.all.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            try await Task.sleep(for: .milliseconds(30))
            task.cancel()
            return await task.value
        }
        #expect(describe(outcome) == "unresolved interrupted with id")
    }
}
