import Foundation
import Ledger
import NIOCore
import NIOHTTP1
import Registry
import Runs
import Testing

@testable import Providers

/// Anthropic's Messages over loopback: streams, their ends, and errors.
@Suite("Anthropic")
struct AnthropicTests {
    private static let start = event(
        "message_start",
        #"{"message":{"id":"msg_1","usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}}"#
    )
    private static let text =
        event("content_block_start", #"{"index":0,"content_block":{"type":"text","text":""}}"#)
        + event("ping", "{}") + event("content_block_delta", #"{"index":0,"delta":{"type":"text_delta","text":"Hé"}}"#)
        + event("content_block_delta", #"{"index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#)
        + event("content_block_delta", #"{"index":0,"delta":{"type":"text_delta","text":"llo"}}"#)
        + event("content_block_stop", #"{"index":0}"#)
    private static let stop = event("message_stop", "{}")

    private static func end(_ reason: String, tokens: Int = 25) -> String {
        event("message_delta", #"{"delta":{"stop_reason":"\#(reason)"},"usage":{"output_tokens":\#(tokens)}}"#)
    }

    private static func event(_ type: String, _ data: String) -> String {
        let inner = data == "{}" ? "" : "," + data.dropFirst().dropLast()
        return "event: \(type)\ndata: {\"type\":\"\(type)\"\(inner)}\n\n"
    }

    private static func run(_ reply: ScriptedServer.Reply, seconds: Double = 20) async throws -> DispatchOutcome {
        let server = try await ScriptedServer.start { _, _, _ in
            var reply = reply
            reply.headers["content-type"] =
                reply.status == 200 ? "text/event-stream; charset=utf-8" : "application/json"
            return reply
        }
        let outcome = try await withBench(port: server.port) { bench in
            try await bench.run("claude", ["prompt": "hi"], seconds: seconds)
        }
        #expect(server.received.count == 1)
        #expect(server.received.first?.headers.first(name: "x-api-key") == "key-of-ANTHROPIC")
        #expect(server.received.first?.headers.first(name: "anthropic-version") == "2023-06-01")
        #expect(
            server.received.first?.json
                == [
                    "model": "claude-1", "stream": true, "max_tokens": 50,
                    "messages": [["role": "user", "content": "hi"]],
                ]
        )
        try await server.stop()
        return outcome
    }

    @Test("a stream becomes a text, with the last usage that was reported, however it is cut into pieces")
    func stream() async throws {
        let whole = Self.start + Self.text + Self.end("end_turn", tokens: 7) + Self.end("end_turn") + Self.stop
        let pieces = whole.unicodeScalars.map(String.init)
        for parts in [[whole], pieces] {
            guard case .succeeded(let success) = try await Self.run(ScriptedServer.Reply(parts: parts)) else {
                Issue.record("not a success")
                continue
            }
            #expect(success.result == ["text": ["Héllo"]])
            #expect(success.providerRequestID == "msg_1")
            #expect(success.usage.inputTokens == 15)
            #expect(success.usage.outputTokens == 25)
        }
    }

    struct Ending: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let parts: [String]
        var isCut = false
        var hangs = false
        let outcome: String
    }

    static let endings = [
        Ending(
            testDescription: "a refusal with text is delivered",
            parts: [start, text, end("refusal"), stop],
            outcome: "1 text"
        ),
        Ending(
            testDescription: "a refusal without text is the customer's",
            parts: [start, end("refusal"), stop],
            outcome: "failed user refusal"
        ),
        Ending(
            testDescription: "nothing written",
            parts: [start, end("end_turn"), stop],
            outcome: "failed provider no_result"
        ),
        Ending(
            testDescription: "an error after a 200 ends it, and nothing is sent again",
            parts: [start, text, event("error", #"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#)],
            outcome: "failed provider overloaded_error"
        ),
        Ending(
            testDescription: "cut before the reason to stop",
            parts: [start, text],
            isCut: true,
            outcome: "unresolved connectionLost with id"
        ),
        Ending(
            testDescription: "ended before the reason to stop",
            parts: [start, text],
            outcome: "unresolved connectionLost with id"
        ),
        Ending(
            testDescription: "cut after the reason to stop: all of the content is there",
            parts: [start, text, end("max_tokens")],
            isCut: true,
            outcome: "1 text"
        ),
        Ending(testDescription: "cut before anything", parts: [], isCut: true, outcome: "unresolved connectionLost"),
        Ending(
            testDescription: "silence until the deadline",
            parts: [start, text],
            hangs: true,
            outcome: "unresolved timedOut with id"
        ),
    ]

    @Test("each way a stream can end", arguments: endings)
    func ends(_ ending: Ending) async throws {
        let reply = ScriptedServer.Reply(parts: ending.parts, isCut: ending.isCut, hangs: ending.hangs)
        let outcome = try await Self.run(reply, seconds: ending.hangs ? 2 : 20)
        #expect(describe(outcome) == ending.outcome)
    }

    @Test("overloaded was not accepted, so it is sent again, unless the vendor says that this is of no use")
    func overloaded() async throws {
        let body = #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
        let whole = Self.start + Self.text + Self.end("end_turn") + Self.stop
        for (header, outcome, count) in [("true", "1 text", 2), ("false", "failed provider overloaded_error", 1)] {
            let server = try await ScriptedServer.start { _, count, _ in
                count == 0
                    ? ScriptedServer.Reply(status: 529, headers: ["x-should-retry": header], parts: [body])
                    : ScriptedServer.Reply(headers: ["content-type": "text/event-stream"], parts: [whole])
            }
            let ended = try await withBench(port: server.port) {
                try await $0.run("claude", ["prompt": "hi"], seconds: 20)
            }
            #expect(describe(ended) == outcome)
            #expect(server.received.count == count)
            try await server.stop()
        }
    }

    @Test("events are read whatever ends their lines, and comments and unknown fields are passed over")
    func parser() {
        let expected = [ServerSentEvent(type: "a", data: "1\n2"), ServerSentEvent(type: "message", data: "3")]
        for end in ["\n", "\r\n", "\r"] {
            var parser = ServerSentEventParser()
            let lines = [
                "\u{FEFF}: hello", "event: a", "id: 9", "data: 1", "data:2", "", "event: b", "", "data: 3", "", "",
            ]
            var events: [ServerSentEvent] = []
            for byte in lines.joined(separator: end).utf8 { events += parser.receive([byte]) }
            #expect(events == expected)
        }
    }
}
