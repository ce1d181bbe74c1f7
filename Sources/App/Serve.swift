import AsyncHTTPClient
import Egress
import Hummingbird
import Ledger
import LedgerStore
public import Logging
import Postgres
import Providers
import Registry
import RunAPI
import Runs
public import ServiceLifecycle
import Synchronization
import UnixSignals
import Webhooks

/// The service as a whole: everything wired together, and run until it is told to stop.
public enum Serve {
    /// Builds the service and connects it; nothing listens before the group runs.
    ///
    /// - Parameters:
    ///   - configuration: what the process was told.
    ///   - logger: where it logs to.
    ///   - onListening: called with the port once requests are taken.
    /// - Returns: a group that runs until SIGTERM or SIGINT, then refuses new requests, finishes runs, and closes.
    /// - Throws: a `RegistryError` that names every problem of the definitions, a `PostgresError` or `LedgerStoreError`.
    public static func build(
        _ configuration: AppConfiguration,
        logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) async throws -> ServiceGroup {
        let registry = try configuration.loadRegistry()
        let port = ListeningPort(configuration.port)
        let media = try MediaStorage.open(configuration, port: { port.number })
        let connection = try await LedgerConnection.open(
            databaseURL: configuration.databaseURL,
            sessions: configuration.databaseSessions
        )
        let lease = InstanceLease(
            instance: Int64.random(in: 1...Int64(Int32.max)),
            configuration: try LedgerConnection.configuration(databaseURL: configuration.databaseURL)
        )
        try await lease.start()
        let library = await DefinitionLibrary.recording(registry, in: connection.store, configuration, logger)
        let httpClient = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .providers())
        let runs = RunService(
            ledger: connection.store,
            provider: ProviderRouter(client: httpClient),
            registry: registry,
            instance: lease.instance,
            clock: { SystemClock.now() },
            observer: RunLog(logger: logger),
            options: runOptions(configuration, connection, media, library)
        )
        let webhookClient = EgressClient(policy: WebhookDesk.policy(configuration.egressPolicy))
        let webhooks = WebhookDesk(store: connection.store, client: webhookClient, clock: { SystemClock.now() })
        let router = RunAPI.router(
            service: runs,
            authenticator: KeyAuthenticator(ledger: connection.store),
            executions: ExecutionDesk(for: runs, reader: connection.store, webhooks: webhooks),
            callbacks: configuration.publicURL == nil
                ? nil : CallbackDesk(for: runs, verifier: ProviderCallbacks(client: httpClient)),
            webhooks: webhooks,
            webhookAdministration: webhooks,
            adminToken: try configuration.checkedAdminToken(),
            clock: { SystemClock.now() },
            logger: logger,
            isReady: { connection.client.isHealthy }
        )
        media.addRoute(to: router)
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let server = Application(
            router: router,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: "runledger",
                backlog: 4_096
            ),
            onServerRunning: { channel in await onListening(port.learn(channel.localAddress?.port)) },
            logger: quiet
        )
        return group(configuration, connection, lease, runs, library, server, httpClient, media, webhookClient, logger)
    }

    private static func runOptions(
        _ configuration: AppConfiguration,
        _ connection: LedgerConnection,
        _ media: MediaStorage,
        _ library: DefinitionLibrary
    ) -> RunService.Options {
        var options = RunService.Options()
        options.tasks = connection.store
        options.definitions = library
        options.media = media.keeper
        options.publicURL = configuration.publicURL
        options.steps = configuration.workerSteps
        options.claim = .seconds(configuration.claimSeconds)
        return options
    }

    private static func group(
        _ configuration: AppConfiguration,
        _ connection: LedgerConnection,
        _ lease: InstanceLease,
        _ runs: RunService,
        _ library: DefinitionLibrary,
        _ server: some Service,
        _ httpClient: HTTPClient,
        _ media: MediaStorage,
        _ webhookClient: EgressClient,
        _ logger: Logger
    ) -> ServiceGroup {
        let grace = Duration.seconds(configuration.shutdownGraceSeconds)
        let recovery = RecoveryService(
            recovery: RunRecovery(
                for: runs,
                reports: DeliveryClaims(store: connection.store),
                clock: { SystemClock.now() },
                observer: RunLog(logger: logger)
            ),
            lease: lease,
            interval: .seconds(2),
            logger: logger
        )
        var settings = ServiceGroupConfiguration(
            services: [
                LedgerService(connection: connection, lease: lease),
                ProviderClientService(client: httpClient, media: media),
                recovery,
                RegistryService(
                    reloader: configuration.reloader(of: runs),
                    models: runs.models,
                    library: library,
                    logger: logger
                ),
                TidyService(store: connection.store, resultDays: configuration.resultDays, logger: logger),
                WorkerService(worker: RunWorker(for: runs), grace: grace),
                WebhookWorker(
                    store: connection.store,
                    instance: lease.instance,
                    client: webhookClient,
                    clock: { SystemClock.now() },
                    logger: logger
                ),
                ServingService(server: server, runs: runs, grace: grace, logger: logger),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        settings.maximumGracefulShutdownDuration = grace + .seconds(10)
        return ServiceGroup(configuration: settings)
    }
}

/// The port that was asked for, until it is known which one was given.
private final class ListeningPort: Sendable {
    private let state: Mutex<Int>

    init(_ number: Int) { self.state = Mutex(number) }

    var number: Int { state.withLock { $0 } }

    func learn(_ given: Int?) -> Int {
        state.withLock { number in
            number = given ?? number
            return number
        }
    }
}

/// Keeps the clients of providers and of storage open until runs have ended.
private struct ProviderClientService: Service {
    let client: HTTPClient
    let media: MediaStorage

    func run() async throws {
        try? await gracefulShutdown()
        await media.close()
        try await client.shutdown()
    }
}
