internal import NIOCore
internal import NIOHTTP1
internal import Registry

/// A provider's complete HTTP answer.
struct ProviderAnswer: Sendable {
    /// The HTTP status.
    let status: Int
    /// The headers.
    let headers: HTTPHeaders
    /// The whole body; empty when it was a stream of events that somebody else has read.
    let body: ByteBuffer

    /// Whether the status is one of success.
    var isSuccess: Bool { (200..<300).contains(status) }

    /// The body, when it is JSON.
    var json: JSONValue? { try? JSONValue(parsing: body.readableBytesView) }

    /// How long the provider asks to be left alone, at most an hour: `retry-after-ms`, or `Retry-After` in seconds.
    var retryAfter: Duration? {
        if let milliseconds = headers.first(name: "retry-after-ms").flatMap({ Int64($0) }), milliseconds >= 0 {
            return .milliseconds(min(milliseconds, 3_600_000))
        }
        guard let seconds = headers.first(name: "retry-after").flatMap({ Int64($0) }) else { return nil }
        return .seconds(max(0, min(seconds, 3_600)))
    }
}

/// How sending one request ended.
enum Exchange: Sendable {
    /// A complete answer came.
    case answered(ProviderAnswer)
    /// Not one byte of the body left; whoever listens there can't have accepted anything.
    case notSent
    /// There is nowhere to send it to: no link, or one to somebody else.
    case noAddress
    /// The request may have been read and acted on.
    case lost(LossReason)

    /// Why the answer is missing.
    enum LossReason: Sendable {
        case timedOut, connectionLost, answerTooLarge, interrupted
    }
}
