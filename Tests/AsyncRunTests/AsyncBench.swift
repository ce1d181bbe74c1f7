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
import Testing

/// Services on one ledger in PostgreSQL, each as a process would have it, with a provider that follows a script.
struct AsyncBench: Sendable {
    let store: LedgerStore
    let provider = StepProvider()
    let account: AccountID
    let secret: APIKeySecret
    let media: ScriptedMedia

    var identity: KeyAuthenticator.Identity { .init(accountID: account, keyID: secret.keyID) }

    /// Runs a body with a bench on the test's database, whose account has credits and a key for everything.
    static func with(
        tier: Tier = .business,
        capabilities: [String] = ["model:run", "execution:read", "execution:cancel"],
        media: ScriptedMedia = ScriptedMedia(),
        followsRules: Bool = true,
        clock: @escaping JournalClock = SystemClock.now,
        _ body: @Sendable (AsyncBench) async throws -> Void
    ) async throws {
        var settings = StoreSettings()
        settings.clock = clock
        try await withStore(settings) { store in
            let tenant = try await Tenant.open(in: store, tier: tier, credits: Credits(whole: 1_000))
            let secret = APIKeySecret(keyID: KeyID(FreshID.bits(in: tenant.journal)))
            let key = IssueKey(
                keyID: secret.keyID,
                name: "bench",
                secretDigest: secret.digest,
                capabilities: capabilities.compactMap { Capability($0) }
            )
            try await store.succeed(tenant.command(.issueKey(key)))
            let bench = AsyncBench(store: store, account: tenant.account, secret: secret, media: media)
            try await body(bench)
            try await expectSound(store, followsRules: followsRules)
        }
    }

    /// A service like a process of its own.
    func service(
        _ instance: Int64 = 1,
        steps: Int = 64,
        claim: Duration = .seconds(30),
        publicURL: String? = nil,
        caller: (any WorkflowCaller)? = nil,
        registry: ModelRegistry? = nil,
        provider: (any ModelProvider)? = nil,
        clock: @escaping @Sendable () -> Timestamp = { SystemClock.now() }
    ) throws -> RunService {
        var options = RunService.Options()
        options.tasks = store
        options.answers = store
        options.workflows = store
        options.caller = caller
        options.media = media
        options.steps = steps
        options.claim = claim
        options.publicURL = publicURL
        return RunService(
            ledger: store,
            provider: provider ?? self.provider,
            registry: try registry ?? polledRegistry(),
            instance: instance,
            clock: clock,
            observer: RecordingObserver(),
            options: options
        )
    }

    /// Asks for a run.
    func run(_ service: RunService, _ model: String = "clip", isAsync: Bool = true) async -> RunAnswer {
        await service.run(
            RunRequest(
                id: RequestID(FreshID.bits()),
                identity: identity,
                slug: model,
                body: Array(#"{"inputs":{"prompt":"hi"}}"#.utf8),
                isAsync: isAsync,
                receivedAt: .now
            )
        )
    }

    /// Asks for an asynchronous run, which must be accepted.
    func submit(_ service: RunService, _ model: String = "clip") async throws -> RunAnswer.Accepted {
        guard case .accepted(let accepted) = await run(service, model) else { throw NotAccepted() }
        return accepted
    }

    struct NotAccepted: Error {}

    func execution(_ id: ExecutionID) async throws -> Execution {
        try #require(try await store.execution(id, of: account))
    }

    func report(_ id: ExecutionID) async throws -> RunReport? {
        try await store.reports(of: [id], in: id.journal)[id]
    }

    /// Returns the run once it has a status.
    func wait(for status: Execution.Status, of id: ExecutionID) async throws -> Execution {
        try await eventually("\(id) is \(status)") { try await execution(id).status == status }
        return try await execution(id)
    }

    var available: Credits {
        get async throws { try #require(try await store.state(of: account)?.account?.available) }
    }

    /// Sends one request to a service's router and returns the answer as text.
    func answer(
        _ service: RunService,
        _ uri: String,
        _ method: HTTPRequest.Method = .get,
        key: String? = nil,
        headers: [(String, String)] = [],
        body: String = ""
    ) async throws -> TestResponse {
        let router = RunAPI.router(
            service: service,
            authenticator: KeyAuthenticator(ledger: store),
            executions: ExecutionDesk(for: service, reader: store),
            callbacks: CallbackDesk(for: service, verifier: nil),
            callers: CallerDesk(reader: store),
            clock: { SystemClock.now() },
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() },
            isReady: { true }
        )
        var fields: HTTPFields = [.contentType: "application/json"]
        fields[HTTPField.Name("x-api-key")!] = key ?? secret.text
        for (name, value) in headers { fields[HTTPField.Name(name)!] = value }
        let sent = fields
        return try await Application(router: router).test(.router) { client in
            try await client.execute(uri: uri, method: method, headers: sent, body: ByteBuffer(string: body))
        }
    }
}

/// Runs a body while a service's worker works.
func withWorker<Value: Sendable>(
    _ service: RunService,
    _ body: () async throws -> Value
) async throws -> Value {
    let worker = try #require(RunWorker(for: service, interval: .milliseconds(20)))
    let work = Task { await worker.run(grace: .zero) }
    do {
        let value = try await body()
        work.cancel()
        await work.value
        await service.drain(grace: .zero)
        return value
    } catch {
        work.cancel()
        await work.value
        await service.drain(grace: .zero)
        throw error
    }
}

/// Returns once something holds; fails the test after two minutes.
func eventually(
    _ what: Comment,
    location: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(120)
    while try await !condition() {
        try #require(ContinuousClock.now < end, what, sourceLocation: location)
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// Models: `clip`, which is polled every 20 ms and costs 3 credits, `brief`, the same with a deadline of a second, and
/// `plain`, which answers at once.
func polledRegistry() throws -> ModelRegistry {
    try ModelRegistry.load(
        files: [
            definition("clip", deadline: 300, provider: "polled"),
            definition("brief", deadline: 1, provider: "polled"),
            definition("plain", deadline: 60, provider: "plain"),
        ],
        providers: [polledProvider, plainProvider],
        variables: [:]
    )
}

let polledProvider = DefinitionFile(
    name: "polled.yaml",
    text: """
        name: polled
        kind: httpPolling
        baseURL: http://127.0.0.1:1
        submit:
          path: /submit
          body: "{inputs}"
          acceptedStatuses: [200]
          idPointer: /id
        poll:
          path: /poll/{taskId}
          firstMilliseconds: 20
          intervalMilliseconds: 20
          growthPercent: 100
          ceilingMilliseconds: 20
          statusPointer: /state
          statuses: {done: succeeded}
        result: {outputs: [/output]}
        """
)

let plainProvider = DefinitionFile(
    name: "plain.yaml",
    text: """
        name: plain
        kind: http
        baseURL: http://127.0.0.1:1
        submit: {path: /run, body: "{inputs}", acceptedStatuses: [200]}
        result: {outputs: [/output]}
        """
)

func definition(_ name: String, deadline: Int, provider: String) -> DefinitionFile {
    DefinitionFile(
        name: "\(name).yaml",
        text: """
            internalName: \(name)
            displayName: \(name)
            type: text
            requiredTier: business
            version: 1
            deadlineSeconds: \(deadline)
            unresolved: {holdSeconds: 600, policy: release}
            inputs:
              prompt: {type: string, required: true, minLength: 1, maxLength: 1000}
            price: {version: 1, rule: perCall, credits: "3", wholesaleMicroUSD: 900}
            provider: {use: \(provider)}
            """
    )
}
