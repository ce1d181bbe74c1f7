internal import Registry

/// Images, always in Base64.
struct OpenAIImages: OpenAIAnswer {
    private let run: SimulatorBooks.Run

    init(_ run: SimulatorBooks.Run) { self.run = run }

    /// What the vendor says against a body, and of which field; nil for a good one.
    static func problem(in json: JSONValue) -> (message: String, field: String)? {
        if let count = json["n"]?.scalarText.flatMap(Int.init), !(1...10).contains(count) {
            return ("Invalid 'n': integer out of range, 1 to 10.", "n")
        }
        if let prompt = json["prompt"]?.stringValue, prompt.count > 32_000 {
            return ("Invalid 'prompt': string too long. Maximum length 32000.", "prompt")
        }
        let qualities = ["low", "medium", "high", "xhigh", "max", "auto"]
        if let quality = json["quality"]?.stringValue, !qualities.contains(quality) {
            return ("Invalid value: '\(quality)'.", "quality")
        }
        return nil
    }

    private func member(_ name: String, _ other: String) -> JSONValue {
        guard let value = run.order.input[name], value != "auto" else { return .string(other) }
        return value
    }

    private var settings: [String: JSONValue] {
        [
            "created": .integer(run.progress.acceptedAt / 1_000), "background": "opaque",
            "output_format": member("output_format", "png"), "quality": member("quality", "medium"),
            "size": member("size", "1024x1024"), "usage": usage,
        ]
    }

    private var usage: JSONValue {
        let text = Int64((run.order.prompt.utf8.count + 3) / 4)
        let images = Int64(run.order.outputCount) * 1_056
        return [
            "input_tokens": .integer(text), "input_tokens_details": ["text_tokens": .integer(text), "image_tokens": 0],
            "output_tokens": .integer(images),
            "output_tokens_details": ["text_tokens": 0, "image_tokens": .integer(images)],
            "total_tokens": .integer(text + images),
        ]
    }

    private var image: JSONValue { .string(base64(MediaFile.png(byteCount: run.mediaBytes))) }

    var json: JSONValue {
        var answer = settings
        let image = image
        answer["data"] = .array((0..<run.order.outputCount).map { _ in ["b64_json": image] })
        return .object(answer)
    }

    var events: [ServerEvent] {
        let image = image
        let count = min(3, max(0, run.order.input["partial_images"]?.integerValue ?? 0))
        var events = (0..<count).map { index in
            event("image_generation.partial_image", ["b64_json": image, "partial_image_index": .integer(index)])
        }
        events.append(event("image_generation.completed", ["b64_json": image]))
        return events
    }

    private func event(_ type: String, _ members: [String: JSONValue]) -> ServerEvent {
        var data = settings.merging(members) { $1 }
        data["type"] = .string(type)
        data["created_at"] = data.removeValue(forKey: "created")
        if type.hasSuffix("partial_image") { data["usage"] = nil }
        return ServerEvent(type, .object(data))
    }
}

/// A chat completion.
struct OpenAIChat: OpenAIAnswer {
    private let run: SimulatorBooks.Run
    private let text: String
    private let finishReason: String

    init(_ run: SimulatorBooks.Run) {
        self.run = run
        let (text, isCut) = Self.answer(run)
        self.text = text
        self.finishReason = isCut ? "length" : run.order.prompt.marker("stop") ?? "stop"
    }

    /// What is said, and whether it was cut at the most tokens that were asked for; a token is four bytes.
    static func answer(_ run: SimulatorBooks.Run) -> (text: String, isCut: Bool) {
        if run.fault == .refusal { return ("I can't help with that.", false) }
        let text = "You asked: \(run.order.prompt.prefix(2_000))"
        let input = run.order.input
        let maximum = input["max_output_tokens"] ?? input["max_completion_tokens"] ?? input["max_tokens"]
        guard let maximum = maximum?.integerValue, text.utf8.count > maximum * 4 else { return (text, false) }
        return (String(decoding: text.utf8.prefix(Int(maximum) * 4), as: UTF8.self), true)
    }

    /// The last text of a body's messages or input.
    static func lastText(in json: JSONValue) -> String {
        let messages = json["messages"] ?? json["input"]
        if let text = messages?.stringValue { return text }
        guard let content = messages?.arrayValue?.last?["content"] else { return "" }
        return content.stringValue ?? content.arrayValue?.lazy.compactMap { $0["text"]?.stringValue }.last ?? ""
    }

    /// What a run counts as: tokens read, and tokens written.
    static func tokens(_ run: SimulatorBooks.Run, text: String) -> (input: Int64, output: Int64) {
        let input = [run.order.input["messages"], run.order.input["input"], run.order.input["instructions"]]
            .compactMap { $0?.description.utf8.count }
            .reduce(0, +)
        return (Int64(max(1, (input + 3) / 4)), Int64(max(1, (text.utf8.count + 3) / 4)))
    }

    private var usage: JSONValue {
        let tokens = Self.tokens(run, text: text)
        return [
            "prompt_tokens": .integer(tokens.input), "completion_tokens": .integer(tokens.output),
            "total_tokens": .integer(tokens.input + tokens.output),
            "prompt_tokens_details": ["cached_tokens": 0, "audio_tokens": 0],
            "completion_tokens_details": ["reasoning_tokens": 0, "audio_tokens": 0],
        ]
    }

    private func envelope(_ object: String, choices: JSONValue, usage: JSONValue) -> JSONValue {
        [
            "id": .string("chatcmpl-\(run.id)"), "object": .string(object), "model": .string(run.order.model),
            "created": .integer(run.progress.acceptedAt / 1_000), "choices": choices, "usage": usage,
            "service_tier": "default",
        ]
    }

    var json: JSONValue {
        let message: JSONValue = ["role": "assistant", "content": .string(text), "refusal": nil, "annotations": []]
        let choice: JSONValue = [
            "index": 0, "message": message, "logprobs": nil, "finish_reason": .string(finishReason),
        ]
        return envelope("chat.completion", choices: [choice], usage: usage)
    }

    var events: [ServerEvent] {
        func chunk(_ delta: JSONValue, _ reason: JSONValue) -> ServerEvent {
            let choice: JSONValue = ["index": 0, "delta": delta, "logprobs": nil, "finish_reason": reason]
            return ServerEvent(envelope("chat.completion.chunk", choices: [choice], usage: nil))
        }
        var events = [chunk(["role": "assistant", "content": ""], nil)]
        events += pieces(of: text).map { chunk(["content": .string($0)], nil) }
        events.append(chunk([:], .string(finishReason)))
        if run.order.input["stream_options"]?["include_usage"]?.boolValue == true {
            events.append(ServerEvent(envelope("chat.completion.chunk", choices: [], usage: usage)))
        }
        events.append(ServerEvent(text: "[DONE]"))
        return events
    }
}

/// A response.
struct OpenAIResponse: OpenAIAnswer {
    private let run: SimulatorBooks.Run
    private let text: String
    private let isCut: Bool

    init(_ run: SimulatorBooks.Run) {
        self.run = run
        (self.text, self.isCut) = OpenAIChat.answer(run)
    }

    private var itemID: JSONValue { .string("msg_\(run.id)") }

    private func item(status: JSONValue, content: JSONValue) -> JSONValue {
        ["type": "message", "id": itemID, "role": "assistant", "status": status, "content": content]
    }

    private func part(_ text: String) -> JSONValue {
        ["type": "output_text", "text": .string(text), "annotations": [], "logprobs": []]
    }

    private func envelope(status: String, output: JSONValue, usage: JSONValue) -> JSONValue {
        [
            "id": .string("resp_\(run.id)"), "object": "response", "status": .string(status),
            "created_at": .integer(run.progress.acceptedAt / 1_000), "model": .string(run.order.model),
            "error": nil, "incomplete_details": status == "incomplete" ? ["reason": "max_output_tokens"] : nil,
            "instructions": run.order.input["instructions"] ?? .null, "metadata": [:], "output": output,
            "parallel_tool_calls": true, "temperature": .decimal("1.0"), "tool_choice": "auto", "tools": [],
            "top_p": .decimal("1.0"), "usage": usage,
        ]
    }

    var json: JSONValue {
        let tokens = OpenAIChat.tokens(run, text: text)
        let usage: JSONValue = [
            "input_tokens": .integer(tokens.input), "input_tokens_details": ["cached_tokens": 0],
            "output_tokens": .integer(tokens.output), "output_tokens_details": ["reasoning_tokens": 0],
            "total_tokens": .integer(tokens.input + tokens.output),
        ]
        let status = isCut ? "incomplete" : "completed"
        return envelope(status: status, output: [item(status: .string(status), content: [part(text)])], usage: usage)
    }

    var events: [ServerEvent] {
        var events: [ServerEvent] = []
        func add(_ type: String, _ members: [String: JSONValue]) {
            var data = members
            data["type"] = .string(type)
            data["sequence_number"] = .integer(Int64(events.count))
            events.append(ServerEvent(type, .object(data)))
        }
        let place: [String: JSONValue] = ["item_id": itemID, "output_index": 0, "content_index": 0]
        add("response.created", ["response": envelope(status: "in_progress", output: [], usage: nil)])
        add("response.in_progress", ["response": envelope(status: "in_progress", output: [], usage: nil)])
        add("response.output_item.added", ["output_index": 0, "item": item(status: "in_progress", content: [])])
        add("response.content_part.added", place.merging(["part": part("")]) { $1 })
        for piece in pieces(of: text) {
            let members: [String: JSONValue] = ["delta": .string(piece), "logprobs": []]
            add("response.output_text.delta", place.merging(members) { $1 })
        }
        add("response.output_text.done", place.merging(["text": .string(text), "logprobs": []]) { $1 })
        add("response.content_part.done", place.merging(["part": part(text)]) { $1 })
        add("response.output_item.done", ["output_index": 0, "item": item(status: "completed", content: [part(text)])])
        add(isCut ? "response.incomplete" : "response.completed", ["response": json])
        return events
    }
}
