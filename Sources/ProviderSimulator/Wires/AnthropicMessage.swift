internal import Registry

/// The answer to a request for a message: what is said, why it ends, and what it is charged for.
///
/// A token is four bytes. The stop reason follows from the request as the vendor's does: `max_tokens` when the text is
/// longer, `stop_sequence` when the text holds one, `tool_use` when tools are offered and one is asked for; a prompt's
/// `[[stop:REASON]]` goes before these, and the fault `refusal` is one of its own.
struct AnthropicMessage: Sendable {
    private let run: SimulatorBooks.Run
    private let text: String
    private let stopReason: String
    private let stopSequence: String?
    private let tool: JSONValue?
    private let outputTokens: Int64

    init(_ run: SimulatorBooks.Run) {
        self.run = run
        let input = run.order.input
        var text = "You asked: \(run.order.prompt.prefix(2_000))"
        var reason = "end_turn"
        var sequence: String?
        let stops = input["stop_sequences"]?.arrayValue?.compactMap(\.stringValue) ?? []
        if let stop = stops.first(where: { !$0.isEmpty && text.contains($0) }), let range = text.firstRange(of: stop) {
            text = String(text[..<range.lowerBound])
            (reason, sequence) = ("stop_sequence", stop)
        }
        let choice = input["tool_choice"]?["type"]?.stringValue
        let asksForTool = choice == "any" || choice == "tool" || run.order.prompt.contains("[[stop:tool_use]]")
        self.tool = asksForTool ? input["tools"]?.arrayValue?.first : nil
        if tool != nil { reason = "tool_use" }
        let maximum = input["max_tokens"]?.integerValue ?? 1
        if Self.tokens(text) > maximum {
            text = String(decoding: text.utf8.prefix(Int(maximum) * 4), as: UTF8.self)
            (reason, sequence) = ("max_tokens", nil)
        }
        if let marked = run.order.prompt.marker("stop") { reason = marked }
        if run.fault == .refusal {
            (reason, sequence, text) = ("refusal", nil, "I can't help with that.")
        }
        self.text = text
        self.stopReason = reason
        self.stopSequence = sequence
        self.outputTokens = min(maximum, max(1, Self.tokens(text)) + (tool == nil ? 0 : 20))
    }

    private static func tokens(_ text: String) -> Int64 { Int64((text.utf8.count + 3) / 4) }

    /// What a request counts as.
    static func inputTokens(of json: JSONValue) -> Int64 {
        let parts = [json["system"], json["messages"], json["tools"]].compactMap { $0?.description }
        return max(1, tokens(parts.joined()))
    }

    private func usage(outputTokens: Int64) -> JSONValue {
        [
            "input_tokens": .integer(Self.inputTokens(of: run.order.input)), "output_tokens": .integer(outputTokens),
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "server_tool_use": nil,
            "cache_creation": ["ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0],
            "service_tier": "standard",
        ]
    }

    private func envelope(content: JSONValue, stopReason: JSONValue, outputTokens: Int64) -> JSONValue {
        [
            "id": .string(run.id), "type": "message", "role": "assistant", "model": .string(run.order.model),
            "content": content, "stop_reason": stopReason,
            "stop_sequence": stopReason == .null ? .null : stopSequence.map { .string($0) } ?? .null,
            "usage": usage(outputTokens: outputTokens),
        ]
    }

    private func toolBlock(_ tool: JSONValue, input: JSONValue) -> JSONValue {
        [
            "type": "tool_use", "id": .string("toolu_\(run.id.dropFirst(4))"), "name": tool["name"] ?? "tool",
            "input": input,
        ]
    }

    /// The whole answer.
    var json: JSONValue {
        var content: [JSONValue] = [["type": "text", "text": .string(text)]]
        if let tool { content.append(toolBlock(tool, input: ["query": .string(run.order.prompt)])) }
        return envelope(content: .array(content), stopReason: .string(stopReason), outputTokens: outputTokens)
    }

    /// The same answer as a stream.
    var events: [ServerEvent] {
        let start = envelope(content: [], stopReason: nil, outputTokens: 1)
        var events = [ServerEvent("message_start", ["type": "message_start", "message": start])]
        events.append(blockStart(0, ["type": "text", "text": ""]))
        events.append(ServerEvent("ping", ["type": "ping"]))
        for piece in pieces(of: text) {
            events.append(blockDelta(0, ["type": "text_delta", "text": .string(piece)]))
        }
        events.append(blockStop(0))
        if let tool {
            events.append(blockStart(1, toolBlock(tool, input: [:])))
            let input: JSONValue = ["query": .string(run.order.prompt)]
            for piece in pieces(of: input.description) {
                events.append(blockDelta(1, ["type": "input_json_delta", "partial_json": .string(piece)]))
            }
            events.append(blockStop(1))
        }
        let delta: JSONValue = [
            "stop_reason": .string(stopReason), "stop_sequence": stopSequence.map { .string($0) } ?? .null,
        ]
        events.append(
            ServerEvent(
                "message_delta",
                ["type": "message_delta", "delta": delta, "usage": usage(outputTokens: outputTokens)]
            )
        )
        events.append(ServerEvent("message_stop", ["type": "message_stop"]))
        return events
    }

    private func blockStart(_ index: Int64, _ block: JSONValue) -> ServerEvent {
        ServerEvent(
            "content_block_start",
            ["type": "content_block_start", "index": .integer(index), "content_block": block]
        )
    }

    private func blockDelta(_ index: Int64, _ delta: JSONValue) -> ServerEvent {
        ServerEvent("content_block_delta", ["type": "content_block_delta", "index": .integer(index), "delta": delta])
    }

    private func blockStop(_ index: Int64) -> ServerEvent {
        ServerEvent("content_block_stop", ["type": "content_block_stop", "index": .integer(index)])
    }
}

/// A text in up to eight pieces, as a stream brings it.
func pieces(of text: String) -> [String] {
    let characters = Array(text)
    let size = max(1, (characters.count + 7) / 8)
    return stride(from: 0, to: characters.count, by: size).map { start in
        String(characters[start..<min(start + size, characters.count)])
    }
}
