import HTTPTypes
public import Hummingbird
public import Logging
import NIOCore

/// The HTTP interface of a witness (c2sp.org/tlog-witness).
public enum WitnessServer {
    /// Bodies above this many bytes are refused: 63 hashes and a note with its signatures are far fewer.
    public static let largestBodyBytes = 1 << 16

    /// Builds the server.
    ///
    /// - Parameters:
    ///   - desk: decides.
    ///   - logger: gets a line for each refusal, and for what the disk says.
    ///   - onListening: called with the port once requests are taken.
    public static func build(
        desk: WitnessDesk,
        host: String,
        port: Int,
        logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void
    ) -> some ApplicationProtocol {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        return Application(
            router: router(desk: desk, logger: logger),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                serverName: "runledger-witness"
            ),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
            logger: quiet
        )
    }

    /// The routes.
    public static func router(desk: WitnessDesk, logger: Logger) -> Router<BasicRequestContext> {
        let router = Router()
        router.post("/add-checkpoint") { request, _ -> Response in
            let body: ByteBuffer
            do {
                body = try await request.body.collect(upTo: largestBodyBytes)
            } catch {
                return respond(.text(413, "the body is larger than \(largestBodyBytes) bytes"))
            }
            let answer: WitnessDesk.Answer
            do {
                answer = try await desk.add(String(buffer: body))
            } catch {
                logger.error("nothing was cosigned", metadata: ["error": "\(error)"])
                answer = .text(500, "the witness can't keep what it would sign")
            }
            if answer.status != 200 {
                let reason = answer.body.split(separator: "\n").first.map(String.init) ?? ""
                logger.warning("refused", metadata: ["status": "\(answer.status)", "reason": "\(reason)"])
            }
            return respond(answer)
        }
        return router
    }

    private static func respond(_ answer: WitnessDesk.Answer) -> Response {
        Response(
            status: HTTPResponse.Status(code: answer.status),
            headers: [.contentType: answer.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: answer.body))
        )
    }
}
