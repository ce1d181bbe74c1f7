internal import HTTPTypes
public import Hummingbird
public import Logging
internal import NIOCore
internal import Registry

/// Makes the provider simulator: an application that speaks the wires of the shipped definitions.
///
/// | route | what it is |
/// |---|---|
/// | `POST /v1/text/generate`, `POST /v1/images/generate` | plain HTTP providers |
/// | `POST /api/v1/jobs/createTask`, `GET /api/v1/jobs/recordInfo?taskId=` | a jobs API that is polled |
/// | `GET /files/:name` | the media that results point to |
/// | `POST /_simulator/script` | sets the faults and latencies of a model, see `SimulatorScript` |
/// | `GET /_simulator/count`, `GET /_simulator/runs`, `DELETE /_simulator/runs` | what it was asked to do; forget it |
///
/// A run is counted under its `X-Client-Request-Id`. A prompt with `[[fault:NAME]]` brings its own fault.
///
/// - Parameters:
///   - host: the address to listen on.
///   - port: the port; 0 for any that is free.
///   - script: how it behaves until it is told otherwise.
///   - logger: where Hummingbird logs to.
///   - onListening: called with the port once it listens.
public func buildSimulator(
    host: String = "127.0.0.1",
    port: Int,
    script: SimulatorScript = .fast,
    logger: Logger,
    onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
) -> some ApplicationProtocol {
    let books = SimulatorBooks(script: script)
    let router = Router(context: SimulatorContext.self)
    SimulatedProviders(books: books).addRoutes(to: router)
    SimulatorAdministration(books: books).addRoutes(to: router)
    return Application(
        router: router,
        // 4,096: a burst of as many connections is accepted without a dropped handshake.
        configuration: ApplicationConfiguration(
            address: .hostname(host, port: port),
            serverName: "simulator",
            backlog: 4_096
        ),
        onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
        logger: logger
    )
}

/// The context of a request, with the connection it came over, so that a fault can close it.
struct SimulatorContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.channel = source.channel
    }
}

/// The routes that tests and the demo control the simulator with.
struct SimulatorAdministration: Sendable {
    let books: SimulatorBooks

    func addRoutes(to router: Router<SimulatorContext>) {
        router.post("/_simulator/script") { request, _ in
            let bytes = try await request.body.collect(upTo: 1 << 20)
            do {
                let json = try JSONValue(parsing: bytes.readableBytesView)
                let (model, script) = try SimulatorScript.parse(json)
                books.setScript(script, model: model)
                return Response(status: .noContent)
            } catch let error as JSONParseError {
                return .json(["error": .string(error.description)], status: .badRequest)
            } catch let error as SimulatorScript.Malformed {
                return .json(["error": .string(error.message)], status: .badRequest)
            }
        }
        router.get("/_simulator/count") { _, _ in Response.json(books.count()) }
        router.get("/_simulator/runs") { _, _ in Response.json(books.list()) }
        router.delete("/_simulator/runs") { _, _ in
            books.reset()
            return Response(status: .noContent)
        }
    }
}

extension Response {
    /// A JSON answer.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.canonicalBytes))
        )
    }
}
