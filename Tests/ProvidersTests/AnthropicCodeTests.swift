import Foundation
import Ledger
import Registry
import Runs
import Testing

@testable import Providers

/// Anthropic's table of errors and its reasons to stop, one by one, as answers and in the middle of a stream.
@Suite("Anthropic's codes")
struct AnthropicCodeTests {
    /// `status type code`, a hyphen for none; what a complete answer with it means, and what an event with it means once a
    /// 200 has come. `again`: it was certainly not accepted, and is sent once more.
    static let errors: [[String]] = """
        400 invalid_request_error -                                      | failed user invalid_request_error
        400 invalid_request_error organization_on_hold                   | failed us organization_on_hold
        401 authentication_error -                                       | failed us authentication_error
        402 billing_error -                                              | failed us billing_error
        402 billing_error linked_organization_spend_limit_reached        | failed us linked_organization_spend_limit_reached
        403 permission_error -                                           | failed us permission_error
        404 not_found_error -                                            | failed us not_found_error
        409 conflict -                                                   | failed provider conflict
        413 request_too_large -                                          | failed user request_too_large
        429 rate_limit_error -                                           | again                    | failed provider rate_limit_error
        429 rate_limit_error ramp_limit_exceeded                         | again                    | failed provider ramp_limit_exceeded
        429 rate_limit_error enforced_spend_limit_reached                | failed us enforced_spend_limit_reached
        429 rate_limit_error contract_spend_limit_reached                | failed us contract_spend_limit_reached
        500 api_error -                                                  | failed provider api_error
        504 timeout_error -                                              | failed provider timeout_error
        529 overloaded_error -                                           | again                    | failed provider overloaded_error
        418 a_new_error -                                                | failed us a_new_error    | failed provider a_new_error
        """.split(separator: "\n").map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }

    private static func error(_ words: [String]) -> String {
        let details = words[2] == "-" ? "" : #","details":{"error_code":"\#(words[2])"}"#
        return #"{"type":"error","error":{"type":"\#(words[1])","message":"x"\#(details)},"request_id":"req_1"}"#
    }

    private static let start =
        event(#"{"type":"message_start","message":{"id":"msg_1","usage":{"input_tokens":15,"output_tokens":1}}}"#)
    private static let text =
        event(#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#)
        + event(#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#)
        + event(#"{"type":"content_block_stop","index":0}"#)

    private static func end(_ reason: String) -> String {
        event(#"{"type":"message_delta","delta":{"stop_reason":"\#(reason)"},"usage":{"output_tokens":25}}"#)
            + event(#"{"type":"message_stop"}"#)
    }

    /// An event whose type is that of its data.
    private static func event(_ data: String) -> String {
        let type = data.firstMatch(of: /"type":"(\w+)"/).map { String($0.1) } ?? ""
        return "event: \(type)\ndata: \(data)\n\n"
    }

    private static func stream(_ events: String...) -> ScriptedServer.Reply {
        ScriptedServer.Reply(headers: ["content-type": "text/event-stream"], parts: [events.joined()])
    }

    /// Has a run answered by one reply after the other, the last one again and again; says how often it was sent.
    private static func run(
        _ replies: [ScriptedServer.Reply],
        model: String = "claude"
    ) async throws -> (outcome: DispatchOutcome, count: Int) {
        let server = try await ScriptedServer.start { _, count, _ in replies[min(count, replies.count - 1)] }
        let outcome = try await withBench(port: server.port) { bench in
            try await bench.run(model, ["prompt": "hi"], seconds: 20)
        }
        let count = server.received.count
        try await server.stop()
        return (outcome, count)
    }

    @Test("each error, as a complete answer: sent again only if it was certainly not accepted", arguments: errors)
    func answers(row: [String]) async throws {
        let words = row[0].split(separator: " ").map(String.init)
        let reply = ScriptedServer.Reply(
            status: Int(words[0]) ?? 0,
            headers: ["content-type": "application/json"],
            parts: [Self.error(words)]
        )
        let success = Self.stream(Self.start, Self.text, Self.end("end_turn"))
        let (outcome, count) = try await Self.run([reply, success])
        #expect(describe(outcome) == (row[1] == "again" ? "1 text" : row[1]))
        #expect(count == (row[1] == "again" ? 2 : 1))
    }

    @Test(
        "each error, as an event after a 200, before and after text: it ends the run, and nothing is sent again",
        arguments: errors
    )
    func events(row: [String]) async throws {
        let words = row[0].split(separator: " ").map(String.init)
        let error = Self.event(Self.error(words))
        for reply in [Self.stream(error), Self.stream(Self.start, Self.text, error)] {
            let (outcome, count) = try await Self.run([reply])
            #expect(describe(outcome) == (row.count > 2 ? row[2] : row[1]))
            #expect(count == 1)
        }
    }

    @Test(
        "each reason to stop: text is delivered and its tokens are charged, and without any the run has failed",
        arguments: [
            "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal",
            "model_context_window_exceeded", "a_new_reason",
        ]
    )
    func reasons(reason: String) async throws {
        let (told, _) = try await Self.run(
            [Self.stream(Self.start, Self.text, Self.end(reason))],
            model: "claude-sonnet"
        )
        guard case .succeeded(let success) = told else {
            Issue.record("\(told)")
            return
        }
        #expect(success.result == ["text": ["Hello"]])
        let request = try registry(port: 1).model(named: "claude-sonnet")
        let model = try #require(request)
        guard case .valid(let inputs) = model.validate(["prompt": "hi"]) else { return }
        // 15 tokens at 0.0007 and 25 at 0.0035.
        #expect(try model.actualCost(inputs, delivered: success.usage) == Credits(decimal: "0.098"))
        #expect(success.providerCost == MicroUSD(microdollars: 15 * 3 + 25 * 15))

        let (silent, _) = try await Self.run([Self.stream(Self.start, Self.end(reason))])
        #expect(describe(silent) == (reason == "refusal" ? "failed user refusal" : "failed provider no_result"))
    }

    @Test("a limit that asks for a pause is given it")
    func pause() async throws {
        let limited = ScriptedServer.Reply(
            status: 429,
            headers: ["content-type": "application/json", "retry-after-ms": "1200"],
            parts: [Self.error(["429", "rate_limit_error", "ramp_limit_exceeded"])]
        )
        let start = ContinuousClock.now
        let (outcome, count) = try await Self.run([
            limited, Self.stream(Self.start, Self.text, Self.end("end_turn")),
        ])
        #expect(describe(outcome) == "1 text" && count == 2)
        #expect(start.duration(to: .now) >= .milliseconds(1_200))
    }

    @Test("a message that comes whole, though a stream was asked for, is read all the same")
    func whole() async throws {
        let message =
            #"{"id":"msg_1","type":"message","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}"#
        let reply = ScriptedServer.Reply(headers: ["content-type": "application/json"], parts: [message])
        #expect(describe(try await Self.run([reply]).outcome) == "1 text")
    }
}
