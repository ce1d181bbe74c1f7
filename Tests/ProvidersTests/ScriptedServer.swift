import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Registry
import Synchronization

/// An HTTP server that answers by a script, and remembers what it was asked.
struct ScriptedServer: Sendable {
    /// A request that came.
    struct Received: Sendable {
        let method: String
        let uri: String
        let headers: HTTPHeaders
        let body: String

        var json: JSONValue { (try? JSONValue(text: body)) ?? .null }
    }

    /// What is answered.
    struct Reply: Sendable {
        var status = 200
        var headers: [String: String] = [:]
        /// Parts of the body, sent one by one.
        var parts: [String] = []
        /// Whether the connection is closed without an end.
        var isCut = false
        /// Whether nothing more comes, and the connection stays.
        var hangs = false
    }

    let port: Int
    private let channel: any Channel
    private let log: Log

    /// Everything that came.
    var received: [Received] { log.state.withLock { $0 } }

    private final class Log: Sendable {
        let state = Mutex<[Received]>([])
    }

    /// Listens on a free port.
    ///
    /// - Parameter answer: the answer to a request, given how often the same method and URI came before.
    static func start(_ answer: @escaping @Sendable (Received, Int, _ port: Int) -> Reply) async throws
        -> ScriptedServer
    {
        let log = Log()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(answer: answer, log: log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return ScriptedServer(port: channel.localAddress?.port ?? 0, channel: channel, log: log)
    }

    /// Listens, and answers by lines of `METHOD /path -> status [header=value …] body`. Lines for the same method and path
    /// answer one after the other, the last one again and again. `$HOST` stands for this server's URL.
    static func start(script: String) async throws -> ScriptedServer {
        var lines: [String: [String]] = [:]
        for line in script.split(separator: "\n").map(String.init) where !line.isEmpty {
            let parts = line.components(separatedBy: " -> ")
            lines[parts[0].trimmingCharacters(in: .whitespaces), default: []].append(
                parts.dropFirst().joined(separator: " -> ")
            )
        }
        let script = lines
        return try await start { request, count, port in
            guard let replies = script["\(request.method) \(request.uri)"] else {
                return Reply(status: 599, parts: ["nobody expected \(request.method) \(request.uri)"])
            }
            return reply(replies[min(count, replies.count - 1)], port: port)
        }
    }

    private static func reply(_ line: String, port: Int) -> Reply {
        var words = line.replacingOccurrences(of: "$HOST", with: "http://127.0.0.1:\(port)")
            .split(separator: " ", omittingEmptySubsequences: true)[...]
        guard let first = words.popFirst(), let status = Int(first) else { return Reply(isCut: true) }
        var headers: [String: String] = [:]
        while let word = words.first, !word.hasPrefix("{"), !word.hasPrefix("<"), word.contains("=") {
            let pair = word.split(separator: "=", maxSplits: 1)
            headers[String(pair[0])] = String(pair[1])
            words = words.dropFirst()
        }
        return Reply(status: status, headers: headers, parts: [words.joined(separator: " ")])
    }

    func stop() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let answer: @Sendable (Received, Int, Int) -> Reply
        private let log: Log
        private var head: HTTPRequestHead?
        private var body = ""

        init(answer: @escaping @Sendable (Received, Int, Int) -> Reply, log: Log) {
            self.answer = answer
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = ""
            case .body(let bytes): body += String(buffer: bytes)
            case .end:
                guard let head else { return }
                let request = Received(
                    method: head.method.rawValue,
                    uri: head.uri,
                    headers: head.headers,
                    body: body
                )
                let count = log.state.withLock { all in
                    defer { all.append(request) }
                    return all.count { $0.method == request.method && $0.uri == request.uri }
                }
                send(answer(request, count, context.localAddress?.port ?? 0), context)
            }
        }

        private func send(_ reply: Reply, _ context: ChannelHandlerContext) {
            guard !(reply.isCut && reply.parts.isEmpty) else {
                context.close(promise: nil)
                return
            }
            var headers = HTTPHeaders(reply.headers.map { ($0.key, $0.value) })
            if reply.isCut || reply.hangs || reply.parts.count > 1 {
                headers.add(name: "transfer-encoding", value: "chunked")
            } else {
                headers.add(name: "content-length", value: String(reply.parts.first?.utf8.count ?? 0))
            }
            let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: reply.status), headers: headers)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
            for part in reply.parts {
                context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: part)))), promise: nil)
            }
            if reply.isCut {
                context.close(promise: nil)
            } else if !reply.hangs {
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
