import NIOCore
import NIOPosix
import Synchronization

/// A server that reads whatever comes and answers with canned bytes, for answers that no honest server gives.
struct RawServer: Sendable {
    let port: Int
    private let channel: any Channel
    private let counter: Counter

    /// How many requests came, over all connections.
    var requestCount: Int { counter.value.withLock { $0 } }

    final class Counter: Sendable {
        let value = Mutex(0)
    }

    /// Listens on a free port.
    ///
    /// - Parameters:
    ///   - answer: the bytes of each answer.
    ///   - closes: whether the connection is closed after it.
    static func start(answer: String, closes: Bool) async throws -> RawServer {
        let counter = Counter()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(answer: answer, closes: closes, counter: counter)
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawServer(port: channel.localAddress?.port ?? 0, channel: channel, counter: counter)
    }

    func stop() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: String
        private let closes: Bool
        private let counter: Counter
        private var received = ""

        init(answer: String, closes: Bool, counter: Counter) {
            self.answer = answer
            self.closes = closes
            self.counter = counter
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            guard received.hasSuffix("}") else { return }
            received = ""
            counter.value.withLock { $0 += 1 }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            if closes { context.close(promise: nil) }
        }
    }
}
