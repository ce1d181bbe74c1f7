import App
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Ledger
import LedgerStore
import LedgerTestSupport
import Logging
import NIOCore
import Registry
import RunAPI
import RunTestSupport
import Runs
import Testing

/// The public API as one process serves it: with its own memory of keys, and its own notes of their use.
struct APIProcess: Sendable {
    static let token = "an-admin-token-of-32-characters!"

    /// What a request proves who it is with.
    enum Credential: Sendable {
        case none
        case admin
        case key(String)
    }

    let store: LedgerStore
    let uses: KeyUseLog
    let provider: ScriptedProvider
    private let service: RunService
    private let authenticator: KeyAuthenticator
    private let clock: @Sendable () -> Timestamp

    /// A process on a store, whose provider does everything at once.
    init(
        _ store: LedgerStore,
        provider: ScriptedProvider = ScriptedProvider(),
        clock: @escaping @Sendable () -> Timestamp = SystemClock.now
    ) throws {
        self.store = store
        self.provider = provider
        self.clock = clock
        self.uses = KeyUseLog(store: store, clock: clock)
        self.authenticator = KeyAuthenticator(ledger: store, uses: uses)
        var options = RunService.Options()
        options.tasks = store
        options.answers = store
        options.workflows = store
        self.service = RunService(
            ledger: store,
            provider: provider,
            registry: try sampleRegistry(),
            instance: 1,
            clock: clock,
            observer: RecordingObserver(),
            options: options
        )
    }

    private var router: Router<APIContext> {
        RunAPI.router(
            service: service,
            authenticator: authenticator,
            executions: ExecutionDesk(for: service, reader: store),
            callers: CallerDesk(reader: store),
            keys: KeyDesk(ledger: store, directory: store, clock: clock),
            adminToken: AdminToken(Self.token),
            clock: clock,
            logger: Logger(label: "api") { _ in SwiftLogNoOpLogHandler() },
            isReady: { true }
        )
    }

    /// Sends one request.
    func send(
        _ method: HTTPRequest.Method,
        _ uri: String,
        as credential: Credential,
        headers: [String: String] = [:],
        body: String = ""
    ) async throws -> Reply {
        var fields: HTTPFields = [.contentType: "application/json"]
        switch credential {
        case .none: break
        case .admin: fields[.authorization] = "Bearer \(Self.token)"
        case .key(let text): fields[HTTPField.Name("x-api-key")!] = text
        }
        for (name, value) in headers { fields[HTTPField.Name(name)!] = value }
        let sent = fields
        return try await Application(router: router).test(.router) { client in
            Reply(
                try await client.execute(uri: uri, method: method, headers: sent, body: ByteBuffer(string: body))
            )
        }
    }

    /// Asks for a run of a model that costs 1.5 credits.
    func run(as key: String, _ model: String = "echo") async throws -> Reply {
        try await send(
            .post,
            "/api/models/\(model)/run",
            as: .key(key),
            body: #"{"inputs":{"prompt":"hi"}}"#
        )
    }

    /// Issues a key over the wire and gives its secret.
    func issueKey(to account: AccountID, _ wish: String) async throws -> (id: String, key: String) {
        let reply = try await send(.post, "/api/api-keys?account=u_\(account)", as: .admin, body: wish)
        try #require(reply.status == 201, "\(reply.body)")
        return (try #require(reply.json["id"]?.stringValue), try #require(reply.json["key"]?.stringValue))
    }

    /// A response.
    struct Reply: Sendable {
        let status: Int
        let headers: HTTPFields
        /// With a word in place of the request's id and of moments.
        let body: String
        let json: JSONValue
        let requestID: String

        init(_ response: TestResponse) {
            let text = String(buffer: response.body)
            let id = response.headers[HTTPField.Name("X-Request-Id")!] ?? ""
            status = response.status.code
            headers = response.headers
            requestID = id
            json = (try? JSONValue(text: text)) ?? .null
            body = text.replacing(id, with: "<request>")
                .replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z/, with: "<time>")
        }

        /// The status and the body in a line.
        var line: String { "\(status) \(body)" }

        /// A header by its name.
        func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }

        /// The body of an error without what every error has.
        static func error(_ status: Int, _ code: String, _ message: String, _ context: String = "") -> String {
            #"\#(status) {"success":false,"error":"\#(message)","code":"\#(code)","requestId":"<request>"\#(context)}"#
        }
    }
}

extension LedgerStore {
    /// Opens an account with credits and without a key.
    func openAccount(
        _ tier: Tier,
        role: Role = .user,
        isApproved: Bool = true,
        credits: Int64 = 1_000
    ) async throws -> AccountID {
        let tenant = Tenant(in: self)
        try await succeed(
            tenant.command(.openAccount(OpenAccount(tier: tier, role: role, isApproved: isApproved)))
        )
        if credits > 0 { try await succeed(tenant.addCredits(Credits(whole: credits))) }
        return tenant.account
    }

    /// Has something done to an account.
    func administer(_ action: Command.Action, of account: AccountID) async throws {
        try await succeed(Command(id: CommandID(FreshID.bits()), accountID: account, action: action))
    }
}
