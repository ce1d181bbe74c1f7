internal import Registry
internal import Runs

/// What has been received of a message of Anthropic's, from the events of its stream. Pure.
///
///     message_start ─► (content_block_start ─► content_block_delta … ─► content_block_stop) … ─► message_delta ─► message_stop
///
/// `ping` can come anywhere, and `error` ends it. Usage is cumulative: what was reported last counts.
struct AnthropicMessage: Sendable {
    /// The vendor's id of the message.
    private(set) var id: String?
    /// Text written so far, of all blocks.
    private(set) var text = ""
    /// Why the model stopped; nil as long as it has not.
    private(set) var stopReason: String?
    /// The error that ended the stream.
    private(set) var error: JSONValue?
    private var usage: [String: Int64] = [:]

    /// Nothing received.
    init() {}

    /// A message that came whole, not as a stream.
    init(whole message: JSONValue) {
        start(message)
        for block in message["content"]?.arrayValue ?? [] where block["type"] == "text" {
            text += block["text"]?.stringValue ?? ""
        }
        stopReason = message["stop_reason"]?.stringValue
    }

    /// Tokens read, those of the cache too: the three counts don't overlap.
    var inputTokens: Int64? {
        let counts = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"].compactMap { usage[$0] }
        guard !counts.isEmpty else { return nil }
        return counts.reduce(0) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
    }

    /// Tokens written.
    var outputTokens: Int64? { usage["output_tokens"] }

    /// Takes the next event; what it does not know is passed over, as the vendor asks of its clients.
    mutating func receive(_ event: ServerSentEvent) {
        guard let data = try? JSONValue(text: event.data) else { return }
        switch data["type"]?.stringValue ?? event.type {
        case "message_start": start(data["message"] ?? .null)
        case "content_block_start":
            if data["content_block"]?["type"] == "text" { text += data["content_block"]?["text"]?.stringValue ?? "" }
        case "content_block_delta":
            if data["delta"]?["type"] == "text_delta" { text += data["delta"]?["text"]?.stringValue ?? "" }
        case "message_delta":
            if let reason = data["delta"]?["stop_reason"]?.stringValue { stopReason = reason }
            count(data["usage"])
        case "error": error = data
        default: break
        }
    }

    private mutating func start(_ message: JSONValue) {
        id = message["id"]?.stringValue
        count(message["usage"])
    }

    private mutating func count(_ reported: JSONValue?) {
        for (name, value) in reported?.objectValue ?? [:] {
            if let number = value.integerValue, number >= 0 { usage[name] = number }
        }
    }
}
