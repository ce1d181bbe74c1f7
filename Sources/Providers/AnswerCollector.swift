internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Collects one answer up to a size, and remembers whether the request began to leave.
///
/// The client calls `didSendRequestHead` before it asks for the body's bytes, on the same event loop as everything else
/// here. A request with a body whose head is not known to be sent was therefore certainly not received whole.
final class AnswerCollector: HTTPClientResponseDelegate {
    struct TooLarge: Error {}
    struct Silent: Error {}

    private struct State {
        var hasSentHead = false
        var status = 0
        var headers = HTTPHeaders()
        var body = ByteBuffer()
        var count = 0
        var isEventStream = false
        var watchdog: Scheduled<Void>?
    }

    private let maximumBytes: Int
    private let idleTimeout: TimeAmount?
    private let events: (@Sendable (ByteBuffer) -> Void)?
    private let state = Mutex(State())

    /// Makes a collector for one request.
    ///
    /// - Parameters:
    ///   - maximumBytes: the largest answer that is read.
    ///   - idleTimeout: the longest silence after the request was sent.
    ///   - events: takes the bytes of an answer that is a stream of events, as they come.
    init(maximumBytes: Int, idleTimeout: TimeAmount? = nil, events: (@Sendable (ByteBuffer) -> Void)? = nil) {
        self.maximumBytes = maximumBytes
        self.idleTimeout = idleTimeout
        self.events = events
    }

    /// Whether any of the request may have left.
    var hasSentHead: Bool { state.withLock { $0.hasSentHead } }

    func didSendRequestHead(task: HTTPClient.Task<ProviderAnswer>, _ head: HTTPRequestHead) {
        state.withLock { $0.hasSentHead = true }
        watch(task)
    }

    func didReceiveHead(task: HTTPClient.Task<ProviderAnswer>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        watch(task)
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > maximumBytes {
            return task.eventLoop.makeFailedFuture(TooLarge())
        }
        let type = head.headers.first(name: "content-type")?.lowercased() ?? ""
        state.withLock {
            $0.status = Int(head.status.code)
            $0.headers = head.headers
            $0.isEventStream = events != nil && head.status.code == 200 && type.hasPrefix("text/event-stream")
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<ProviderAnswer>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        watch(task)
        let (fits, isEventStream) = state.withLock { state in
            state.count += buffer.readableBytes
            guard state.count <= maximumBytes else { return (false, false) }
            if !state.isEventStream {
                if state.body.readableBytes == 0 {
                    state.body = buffer
                } else {
                    state.body.writeImmutableBuffer(buffer)
                }
            }
            return (true, state.isEventStream)
        }
        guard fits else { return task.eventLoop.makeFailedFuture(TooLarge()) }
        if isEventStream { events?(buffer) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<ProviderAnswer>) throws -> ProviderAnswer {
        state.withLock {
            $0.watchdog?.cancel()
            return ProviderAnswer(status: $0.status, headers: $0.headers, body: $0.body)
        }
    }

    func didReceiveError(task: HTTPClient.Task<ProviderAnswer>, _ error: any Error) {
        state.withLock { $0.watchdog?.cancel() }
    }

    private func watch(_ task: HTTPClient.Task<ProviderAnswer>) {
        guard let idleTimeout else { return }
        state.withLock {
            $0.watchdog?.cancel()
            $0.watchdog = task.eventLoop.scheduleTask(in: idleTimeout) { task.fail(reason: Silent()) }
        }
    }
}
