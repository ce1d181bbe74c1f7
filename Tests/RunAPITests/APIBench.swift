import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Ledger
import Logging
import NIOCore
import RunAPI
import RunTestSupport
import Runs
import Synchronization

/// The public API over the real rules in memory and a provider that follows a script.
struct APIBench: Sendable {
    let ledger = InMemoryLedger()
    let provider: ScriptedProvider
    let account: SampleAccount
    let service: RunService
    let isReady = Switch(true)
    let logger: Logger

    init(
        tier: Tier = .business,
        credits: String = "1000",
        isApproved: Bool = true,
        capabilities: [String] = ["model:run"],
        logger: Logger = Logger(label: "api") { _ in SwiftLogNoOpLogHandler() },
        provider script: @escaping ScriptedProvider.Script = { _, _ in .done }
    ) throws {
        let ledger = ledger
        self.provider = ScriptedProvider(script)
        self.account = SampleAccount(
            in: ledger,
            tier: tier,
            credits: credits,
            isApproved: isApproved,
            capabilities: capabilities
        )
        self.logger = logger
        self.service = RunService(
            ledger: ledger,
            provider: provider,
            registry: try sampleRegistry(),
            instance: 7,
            clock: { ledger.now },
            observer: RecordingObserver()
        )
    }

    /// The application, as the service builds it.
    var app: some ApplicationProtocol { Application(router: router, logger: logger) }

    /// Its routes.
    var router: Router<APIContext> {
        let (ledger, isReady) = (ledger, isReady)
        return RunAPI.router(
            service: service,
            authenticator: KeyAuthenticator(ledger: ledger),
            clock: { ledger.now },
            logger: logger,
            isReady: { isReady.isOn }
        )
    }

    /// Asks once and returns the answer as text.
    func answer(_ request: APIRequest) async throws -> String {
        try await app.test(.router) { client in try await answer(request, from: client) }
    }

    /// Asks once and returns the answer as text.
    func answer(_ request: APIRequest, from client: some TestClientProtocol) async throws -> String {
        let response = try await client.execute(
            uri: request.uri,
            method: request.method,
            headers: request.fields(key: account.secret.text),
            body: ByteBuffer(bytes: request.body)
        )
        return transcript(response)
    }

    /// An answer as text: the status, the headers in the order of their names, an empty line, the body; with words in
    /// place of what differs from run to run.
    func transcript(_ response: TestResponse) -> String {
        var lines = ["\(response.status.code) \(response.status.reasonPhrase)"]
        var body = String(buffer: response.body)
        let length = HTTPField.Name.contentLength
        for field in response.headers.sorted(by: { $0.name.rawName.lowercased() < $1.name.rawName.lowercased() })
        where field.name != length {
            if field.name == .requestID {
                body = body.replacing(field.value, with: "<request>")
                lines.append("X-Request-Id: <request>")
            } else {
                lines.append("\(field.name.rawName): \(field.value)")
            }
        }
        for execution in ledger.state(of: account.id).executions.keys {
            body = body.replacing(execution.description, with: "<execution>")
        }
        body = body.replacing(/"ms":\d+/, with: #""ms":<ms>"#)
        return lines.joined(separator: "\n") + "\n\n" + body
    }
}

/// Something that is on or off.
final class Switch: Sendable {
    private let state: Atomic<Bool>

    init(_ isOn: Bool) { self.state = Atomic(isOn) }

    var isOn: Bool {
        get { state.load(ordering: .relaxed) }
        set { state.store(newValue, ordering: .relaxed) }
    }
}

/// A request to the API.
struct APIRequest: Sendable {
    /// What is sent as `x-api-key`.
    enum Key: Sendable { case own, none, text(String) }

    var method = HTTPRequest.Method.post
    var uri = "/api/models/echo/run"
    var key = Key.own
    var headers: [(String, String)] = []
    var body = Array(#"{"inputs":{"prompt":"hi"}}"#.utf8)

    init(
        _ uri: String = "/api/models/echo/run",
        method: HTTPRequest.Method = .post,
        key: Key = .own,
        headers: [(String, String)] = [],
        body: String = #"{"inputs":{"prompt":"hi"}}"#
    ) {
        self.uri = uri
        self.method = method
        self.key = key
        self.headers = headers
        self.body = Array(body.utf8)
    }

    func fields(key own: String) -> HTTPFields {
        var fields: HTTPFields = [.contentType: "application/json"]
        switch key {
        case .own: fields[.apiKey] = own
        case .none: break
        case .text(let text): fields[.apiKey] = text
        }
        for (name, value) in headers { fields[HTTPField.Name(name)!] = value }
        return fields
    }
}

extension HTTPField.Name {
    static let apiKey = HTTPField.Name("x-api-key")!
    static let requestID = HTTPField.Name("X-Request-Id")!
    static let allow = HTTPField.Name("Allow")!
}
