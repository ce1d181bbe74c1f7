import NIOCore
import NIOPosix
import Synchronization

/// A server on loopback that answers each request, whatever it is, by a script, and keeps what it was asked.
public final class LoopbackServer: Sendable {
    /// The port it listens on.
    public let port: Int
    private let channel: any Channel
    private let seen: Seen

    private final class Seen: Sendable {
        let messages = Mutex<[Message]>([])
        let connections = Mutex((open: 0, most: 0, all: 0))
    }

    /// A request that came.
    public struct Message: Sendable {
        /// Its first line and its headers.
        public let head: String
        /// Its body, if it announced a length.
        public let body: String
    }

    /// The requests that came.
    public var messages: [Message] { seen.messages.withLock { $0 } }
    /// The heads of the requests that came.
    public var requests: [String] { messages.map(\.head) }
    /// The bodies of the requests that came, those that announce their length.
    public var bodies: [String] { messages.map(\.body) }
    /// How many connections were opened.
    public var connectionCount: Int { seen.connections.withLock(\.all) }
    /// How many connections were open at a time.
    public var mostConnections: Int { seen.connections.withLock(\.most) }

    /// Runs a server for as long as the body runs.
    ///
    /// - Parameters:
    ///   - host: the loopback address to listen on.
    ///   - port: the port; 0 for any that is free.
    ///   - answer: makes an answer's bytes from a request's head, after which the connection is closed; nil for a
    ///     connection that stays open without an answer.
    ///   - body: receives the server.
    public static func with<Outcome>(
        host: String = "127.0.0.1",
        port: Int = 0,
        answer: @escaping @Sendable (_ head: String) async -> String?,
        _ body: (LoopbackServer) async throws -> Outcome
    ) async throws -> Outcome {
        let seen = Seen()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                seen.connections.withLock { counts in
                    counts.open += 1
                    counts.all += 1
                    counts.most = max(counts.most, counts.open)
                }
                channel.closeFuture.whenComplete { _ in seen.connections.withLock { $0.open -= 1 } }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(answer: answer, seen: seen))
                }
            }
            .bind(host: host, port: port).get()
        let server = LoopbackServer(channel: channel, seen: seen)
        do {
            let outcome = try await body(server)
            try await channel.close()
            return outcome
        } catch {
            try? await channel.close()
            throw error
        }
    }

    private init(channel: any Channel, seen: Seen) {
        self.port = channel.localAddress?.port ?? 0
        self.channel = channel
        self.seen = seen
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: @Sendable (_ head: String) async -> String?
        private let seen: Seen
        private var received: [UInt8] = []

        init(answer: @escaping @Sendable (_ head: String) async -> String?, seen: Seen) {
            self.answer = answer
            self.seen = seen
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received.append(contentsOf: unwrapInboundIn(data).readableBytesView)
            guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
            let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
            let length = head.lowercased().firstMatch(of: /\r\ncontent-length: *(\d+)/).flatMap { Int($0.1) } ?? 0
            let body = received[end.upperBound...]
            guard body.count >= length else { return }
            let text = String(decoding: body, as: UTF8.self)
            received = []
            seen.messages.withLock { $0.append(Message(head: head, body: text)) }
            let (channel, answer) = (context.channel, answer)
            Task {
                guard let text = await answer(head) else { return }
                try? await channel.writeAndFlush(ByteBuffer(string: text))
                try? await channel.close()
            }
        }
    }
}

extension String {
    /// An answer of HTTP/1.1 whose connection ends with it.
    public static func answer(_ status: String, headers: [String] = [], body: String = "") -> String {
        (["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)", "Connection: close"] + headers)
            .joined(separator: "\r\n") + "\r\n\r\n" + body
    }
}
