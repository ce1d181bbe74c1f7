internal import FoundationEssentials
internal import HTTPTypes
public import Hummingbird
public import Logging
internal import NIOCore
internal import Registry

/// Makes the provider simulator: an application that speaks the wires of every vendor that definitions name.
///
/// | path | stands for |
/// |---|---|
/// | `/v1/text/generate`, `/v1/images/generate` (also below `/text`, `/image`) | plain HTTP providers |
/// | `/api/v1/jobs/…` (also below `/kie`) | api.kie.ai |
/// | `/fal/run/…`, `/fal/queue/…`, `/fal/.well-known/jwks.json` | fal.run, queue.fal.run, rest.fal.ai |
/// | `/anthropic/v1/…` | api.anthropic.com |
/// | `/openai/v1/…` | api.openai.com |
/// | `/ark/…`, `/ark/api/v3/…` | ark.ap-southeast.bytepluses.com |
/// | `/suno/api/v1/…` | api.sunoapi.org |
/// | `/kling/…` | api-singapore.klingai.com |
/// | `/replicate/v1/…` | api.replicate.com |
/// | `/stripe/v1/payment_intents` | api.stripe.com |
/// | `/files/:name` | the media that results point to |
/// | `POST /_simulator/script` | sets the faults and latencies of some runs, see `SimulatorScript` |
/// | `POST /_simulator/settings` | sets keys, slots and secrets, see `SimulatorSettings` |
/// | `GET /_simulator/count`, `/_simulator/runs`, `/_simulator/books` | what it was asked to do |
/// | `DELETE /_simulator/runs` | forgets that |
/// | `POST /_simulator/skip` | lets `{"milliseconds"}` pass at once, for tasks |
///
/// A run is counted under its `X-Client-Request-Id`. A prompt with `[[fault:NAME]]` brings its own fault, one with
/// `[[bytes:N]]` the size of its media.
///
/// - Parameters:
///   - host: the address to listen on.
///   - port: the port; 0 for any that is free.
///   - script: how it behaves until it is told otherwise.
///   - settings: its keys, slots and secrets until it is told otherwise.
///   - clock: the time that tasks go by.
///   - logger: where Hummingbird logs to.
///   - onListening: called with the port once it listens.
public func buildSimulator(
    host: String = "127.0.0.1",
    port: Int,
    script: SimulatorScript = .fast,
    settings: SimulatorSettings = SimulatorSettings(),
    clock: SimulatorClock = .system,
    logger: Logger,
    onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
) -> some ApplicationProtocol {
    let desk = SimulatorDesk(
        books: SimulatorBooks(script: script, clock: clock),
        settings: SettingsHolder(settings),
        callbacks: CallbackSender()
    )
    let router = Router(context: SimulatorContext.self)
    PlainWire(desk: desk).addRoutes(to: router)
    KieWire(desk: desk).addRoutes(to: router)
    FalWire(desk: desk).addRoutes(to: router)
    AnthropicWire(desk: desk).addRoutes(to: router)
    OpenAIWire(desk: desk).addRoutes(to: router)
    ArkWire(desk: desk).addRoutes(to: router)
    SunoWire(desk: desk).addRoutes(to: router)
    KlingWire(desk: desk).addRoutes(to: router)
    ReplicateWire(desk: desk).addRoutes(to: router)
    StripeWire(desk: desk).addRoutes(to: router)
    MediaFile(desk: desk).addRoutes(to: router)
    SimulatorAdministration(desk: desk).addRoutes(to: router)
    return Application(
        router: router,
        // 4,096: a burst of as many connections is accepted without a dropped handshake.
        configuration: ApplicationConfiguration(
            address: .hostname(host, port: port),
            serverName: "simulator",
            backlog: 4_096
        ),
        services: [desk.callbacks],
        onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
        logger: logger
    )
}

extension SimulatorClock {
    /// The time of day when the process began, and from then on what has passed: it never goes back.
    public static let system: SimulatorClock = {
        let start = Int64(Date().timeIntervalSince1970 * 1_000)
        let began = ContinuousClock.now
        return SimulatorClock {
            let passed = (ContinuousClock.now - began).components
            return start + passed.seconds * 1_000 + passed.attoseconds / 1_000_000_000_000_000
        }
    }()
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
    let desk: SimulatorDesk

    func addRoutes(to router: Router<SimulatorContext>) {
        router.post("/_simulator/script") { request, _ in
            try await set(request) { json throws(SimulatorScript.Malformed) in
                let (scope, script) = try SimulatorScript.parse(json)
                desk.books.setScript(script, for: scope)
            }
        }
        router.post("/_simulator/settings") { request, _ in
            try await set(request) { json throws(SimulatorScript.Malformed) in
                desk.settings.current = try SimulatorSettings.parse(json)
            }
        }
        router.post("/_simulator/skip") { request, _ in
            try await set(request) { json throws(SimulatorScript.Malformed) in
                guard let milliseconds = json["milliseconds"]?.integerValue, (0...86_400_000).contains(milliseconds)
                else {
                    throw SimulatorScript.Malformed(message: "milliseconds must be a whole number from 0 to 86400000")
                }
                desk.books.skip(milliseconds: milliseconds)
            }
        }
        router.get("/_simulator/count") { _, _ in Response.json(desk.books.count()) }
        router.get("/_simulator/runs") { _, _ in Response.json(desk.books.list()) }
        router.get("/_simulator/books") { _, _ in Response.json(desk.books.statement()) }
        router.delete("/_simulator/runs") { _, _ in
            desk.books.reset()
            return Response(status: .noContent)
        }
    }

    private func set(
        _ request: Request,
        _ apply: (JSONValue) throws(SimulatorScript.Malformed) -> Void
    ) async throws -> Response {
        let bytes = try await request.body.collect(upTo: 1 << 20)
        do {
            try apply(try JSONValue(parsing: bytes.readableBytesView))
            return Response(status: .noContent)
        } catch let error as JSONParseError {
            return .json(["error": .string(error.description)], status: .badRequest)
        } catch let error as SimulatorScript.Malformed {
            return .json(["error": .string(error.message)], status: .badRequest)
        }
    }
}
