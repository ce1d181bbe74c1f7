internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// A provider's complete HTTP answer.
struct ProviderAnswer: Sendable {
    /// The HTTP status.
    let status: Int
    /// The seconds of a `Retry-After` header, when it has them.
    let retryAfterSeconds: Int64?
    /// The whole body.
    let body: ByteBuffer

    /// Whether the status is one of success.
    var isSuccess: Bool { (200..<300).contains(status) }
}

/// How sending one request ended.
enum Exchange: Sendable {
    /// A complete answer came.
    case answered(ProviderAnswer)
    /// Not one byte of the body left; whoever listens there can't have accepted anything.
    case notSent
    /// The request may have been read and acted on.
    case lost(LossReason)

    /// Why the answer is missing.
    enum LossReason: Sendable {
        case timedOut, connectionLost, answerTooLarge, interrupted
    }
}

/// Collects one answer up to a size, and remembers whether the request began to leave.
///
/// The client calls `didSendRequestHead` before it asks for the body's bytes, on the same event loop as everything else
/// here. A request with a body whose head is not known to be sent was therefore certainly not received whole.
final class AnswerCollector: HTTPClientResponseDelegate {
    struct TooLarge: Error {}

    private struct State {
        var hasSentHead = false
        var status = 0
        var retryAfterSeconds: Int64?
        var body = ByteBuffer()
    }

    private let maximumBytes: Int
    private let state = Mutex(State())

    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    /// Whether any of the request may have left.
    var hasSentHead: Bool { state.withLock { $0.hasSentHead } }

    func didSendRequestHead(task: HTTPClient.Task<ProviderAnswer>, _ head: HTTPRequestHead) {
        state.withLock { $0.hasSentHead = true }
    }

    func didReceiveHead(task: HTTPClient.Task<ProviderAnswer>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > maximumBytes {
            return task.eventLoop.makeFailedFuture(TooLarge())
        }
        state.withLock {
            $0.status = Int(head.status.code)
            $0.retryAfterSeconds = head.headers.first(name: "retry-after").flatMap { Int64($0) }
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<ProviderAnswer>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        let fits = state.withLock { state in
            guard state.body.readableBytes + buffer.readableBytes <= maximumBytes else { return false }
            if state.body.readableBytes == 0 {
                state.body = buffer
            } else {
                state.body.writeImmutableBuffer(buffer)
            }
            return true
        }
        return fits ? task.eventLoop.makeSucceededVoidFuture() : task.eventLoop.makeFailedFuture(TooLarge())
    }

    func didFinishRequest(task: HTTPClient.Task<ProviderAnswer>) throws -> ProviderAnswer {
        state.withLock {
            ProviderAnswer(status: $0.status, retryAfterSeconds: $0.retryAfterSeconds, body: $0.body)
        }
    }
}
