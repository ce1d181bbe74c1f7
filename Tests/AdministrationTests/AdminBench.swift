import AdminAPI
import Administration
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
import Synchronization
import TestSupport
import Testing

/// The operators' API over a ledger in PostgreSQL, with models that can be run.
struct AdminBench: Sendable {
    static let token = "an-admin-token-of-32-characters!"
    static let stripeSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    let store: LedgerStore
    let clock: TestClock
    let desk: AdminDesk
    let notices: Notices
    private let runs: APIHalf

    /// What the ledger told somebody to look at.
    final class Notices: Sendable {
        private let events = Mutex<[Event]>([])
        var types: [EventType] { events.withLock { $0.map(\.content.type) } }
        func add(_ event: Event) { events.withLock { $0.append(event) } }
    }

    /// The other API, over a ledger in memory: its models are the ones that operators switch.
    private struct APIHalf: Sendable {
        let ledger = InMemoryLedger()
        let account: SampleAccount
        let service: RunService

        init() throws {
            let ledger = ledger
            account = SampleAccount(in: ledger)
            service = RunService(
                ledger: ledger,
                provider: ScriptedProvider { _, _ in .done },
                registry: try sampleRegistry(),
                instance: 7,
                clock: { ledger.now },
                observer: RecordingObserver()
            )
        }
    }

    /// Gives a body a bench on the test's database, and looks that the ledger is sound and can be rebuilt afterwards.
    static func with(_ body: (AdminBench) async throws -> Void) async throws {
        let clock = TestClock()
        let notices = Notices()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        settings.options.onNotice = { notices.add($0) }
        try await withStore(settings) { store in
            let runs = try APIHalf()
            let desk = AdminDesk(store: store, models: runs.service.models, clock: { clock.now })
            try await body(AdminBench(store: store, clock: clock, desk: desk, notices: notices, runs: runs))
            try await expectSound(store)
            let live = try await projectionDump()
            for number in 0..<store.journalCount { _ = try await store.rebuild(JournalID(number)) }
            let rebuilt = try await projectionDump()
            #expect(live == rebuilt)
        }
    }

    /// What an answer said.
    struct Answer: CustomStringConvertible {
        let status: Int
        let headers: HTTPFields
        let text: String
        var json: JSONValue { (try? JSONValue(text: text)) ?? .null }
        var code: String? { json["code"]?.stringValue }
        var description: String { "\(status) \(text)" }
    }

    private static let logger = Logger(label: "api") { _ in SwiftLogNoOpLogHandler() }

    private var router: Router<APIContext> {
        let (runs, clock) = (runs, clock)
        let router = RunAPI.router(
            service: runs.service,
            authenticator: KeyAuthenticator(ledger: runs.ledger),
            keys: KeyDesk(ledger: store, directory: store, clock: { clock.now }),
            adminToken: AdminToken(Self.token),
            operators: desk,
            clock: { clock.now },
            logger: Self.logger,
            isReady: { true }
        )
        AdminAPI.addRoutes(
            to: router,
            desk: desk,
            environmentToken: AdminToken(Self.token),
            stripe: StripeEndpoint(secret: Self.stripeSecret, desk: PaymentDesk(desk), clock: { clock.now })
        )
        return router
    }

    private var app: some ApplicationProtocol { Application(router: router, logger: Self.logger) }

    /// Every route below `/admin` as the router has it, with what a path may name replaced by `ID`.
    var routes: [(method: HTTPRequest.Method, path: String)] {
        router.routes.map { ($0.method, $0.path.description.replacing(/\{[^}]*\}/, with: "ID")) }
            .filter { $0.path.hasPrefix("/admin") }
    }

    /// Asks several times at once.
    func ask(
        times: Int,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String = "",
        headers: [(String, String)] = [("authorization", "Bearer \(token)")]
    ) async throws -> [Answer] {
        try await app.test(.router) { client in
            try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<times {
                    group.addTask {
                        var fields = HTTPFields()
                        for (name, value) in headers { fields[HTTPField.Name(name)!] = value }
                        let response = try await client.execute(
                            uri: path,
                            method: method,
                            headers: fields,
                            body: ByteBuffer(string: body)
                        )
                        return Answer(
                            status: response.status.code,
                            headers: response.headers,
                            text: String(buffer: response.body)
                        )
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
    }

    /// Asks once.
    func ask(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String = "",
        headers: [(String, String)] = [("authorization", "Bearer \(token)")]
    ) async throws -> Answer {
        try #require(try await ask(times: 1, method, path, body, headers: headers).first)
    }

    /// Runs a model with a key.
    func runModel() async throws -> Answer {
        try await ask(
            .post,
            "/api/models/echo/run",
            #"{"inputs":{"prompt":"hello"}}"#,
            headers: [("x-api-key", runs.account.secret.text)]
        )
    }

    /// Opens an account, and gives its path.
    func open(_ tier: String = "business") async throws -> String {
        let made = try await ask(.post, "/admin/accounts", #"{"tier":"\#(tier)","approved":true}"#)
        #expect(made.status == 201, "\(made)")
        return "/admin/accounts/" + (try #require(made.json["account"]?["account"]?.stringValue))
    }

    /// The id in an account's path.
    func id(_ path: String) throws -> AccountID { try #require(AccountID(text: path.suffix(36))) }
}
