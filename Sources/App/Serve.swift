import AdminAPI
import Administration
import AsyncHTTPClient
import Console
import Egress
import Hummingbird
import Ledger
import LedgerStore
public import Logging
import OpenAPIFiles
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
        let topUps = try configuration.checkedTopUps()
        let port = ListeningPort(configuration.port)
        let metrics = ServiceMetrics()
        let tracing = try TraceExport(configuration, metrics, logger)
        let media = try MediaStorage.open(configuration, port: { port.number }, copied: metrics.copiedMedium)
        let (connection, lease) = try await openLedger(configuration, metrics, tracing, logger, closing: media)
        let library = await DefinitionLibrary.recording(registry, in: connection.store, configuration, logger)
        let httpClient = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .providers())
        let observer = RunLog(logger: logger, metrics: metrics)
        let providers = ProviderRouter(client: httpClient, observer: metrics, spans: tracing.spans)
        let runs = RunService(
            ledger: connection.store,
            provider: providers,
            registry: registry,
            instance: lease.instance,
            clock: { SystemClock.now() },
            observer: observer,
            options: runOptions(configuration, connection, media, library, tracing)
        )
        let log = try LogConnection.open(configuration, connection.store)
        let webhookClient = EgressClient(policy: WebhookDesk.policy(configuration.egressPolicy))
        let webhooks = WebhookDesk(store: connection.store, client: webhookClient, clock: { SystemClock.now() })
        let administration = AdminDesk(store: connection.store, models: runs.models, clock: { SystemClock.now() })
        let uses = KeyUseLog(store: connection.store, clock: { SystemClock.now() })
        let router = RunAPI.router(
            service: runs,
            authenticator: KeyAuthenticator(ledger: connection.store, uses: uses),
            executions: ExecutionDesk(for: runs, reader: connection.store, webhooks: webhooks),
            receipts: log?.logs,
            callbacks: configuration.publicURL == nil
                ? nil : CallbackDesk(for: runs, verifier: ProviderCallbacks(client: httpClient) { SystemClock.now() }),
            webhooks: webhooks,
            webhookAdministration: webhooks,
            callers: CallerDesk(reader: connection.store),
            keys: KeyDesk(ledger: connection.store, directory: connection.store, clock: { SystemClock.now() }),
            adminToken: try configuration.checkedAdminToken(),
            operators: administration,
            clock: { SystemClock.now() },
            logger: logger,
            observer: metrics,
            spans: tracing.spans,
            isReady: { connection.client.isHealthy }
        )
        metrics.watch(store: connection.store, router: providers, runs: runs) { connection.client.isHealthy }
        media.addRoute(to: router)
        let console = try await addRoutes(to: router, configuration, administration, log, metrics, logger)
        let server = server(configuration, router, logger) { await onListening(port.learn($0)) }
        let clients = (httpClient, webhookClient, log)
        let parts = (connection, lease, uses, runs, administration, console)
        return await group(configuration, parts, observer, tracing, library, server, clients, media, logger)
            .adding(try log.map { try LogService($0, configuration, metrics, logger) })
            .adding(topUps.map { TopUpService($0, administration, httpClient, metrics, logger) })
    }

    /// Adds what is there beside the run API: the operators' routes, the log's files, the console, and the description of
    /// them all, which comes last.
    private static func addRoutes(
        to router: Router<APIContext>,
        _ configuration: AppConfiguration,
        _ administration: AdminDesk,
        _ log: LogConnection?,
        _ metrics: ServiceMetrics,
        _ logger: Logger
    ) async throws -> DayBook? {
        try configuration.addAdminRoutes(to: router, administration, metrics)
        try configuration.addLogRoutes(to: router, administration, log)
        let console = try await configuration.addConsole(to: router, administration, log, metrics.auditBoard, logger)
        try ReferenceController(folder: OpenAPIFiles.folder(), style: try OpenAPIFiles.style(), logger: logger)
            .addRoutes(to: router)
        return console
    }

    private static func server(
        _ configuration: AppConfiguration,
        _ router: Router<APIContext>,
        _ logger: Logger,
        onListening: @escaping @Sendable (_ port: Int?) async -> Void
    ) -> some Service {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        return Application(
            router: router,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: "runledger",
                backlog: 4_096
            ),
            onServerRunning: { channel in await onListening(channel.localAddress?.port) },
            logger: quiet
        )
    }

    /// Opens the ledger; closes the media's storage when there is none to serve.
    private static func openLedger(
        _ configuration: AppConfiguration,
        _ metrics: ServiceMetrics,
        _ tracing: TraceExport,
        _ logger: Logger,
        closing media: MediaStorage
    ) async throws -> (LedgerConnection, InstanceLease) {
        do {
            return try await connect(configuration, metrics, tracing, logger)
        } catch {
            await media.close()
            throw error
        }
    }

    private static func connect(
        _ configuration: AppConfiguration,
        _ metrics: ServiceMetrics,
        _ tracing: TraceExport,
        _ logger: Logger
    ) async throws -> (LedgerConnection, InstanceLease) {
        var options = metrics.storeOptions
        options.spans = tracing.spans
        options.onNotice = { $0.logNotice(to: logger) }
        options.masterKeys = try configuration.checkedMasterKeys(logger)
        let connection = try await LedgerConnection.open(
            databaseURL: configuration.databaseURL,
            sessions: configuration.databaseSessions,
            options: options
        )
        try await connection.store.checkMasterKeys()
        let lease = InstanceLease(
            instance: Int64.random(in: 1...Int64(Int32.max)),
            configuration: try LedgerConnection.configuration(databaseURL: configuration.databaseURL)
        )
        try await lease.start()
        return (connection, lease)
    }

    private static func runOptions(
        _ configuration: AppConfiguration,
        _ connection: LedgerConnection,
        _ media: MediaStorage,
        _ library: DefinitionLibrary,
        _ tracing: TraceExport
    ) -> RunService.Options {
        var options = RunService.Options()
        options.spans = tracing.spans
        options.tasks = connection.store
        options.answers = connection.store
        options.workflows = connection.store
        options.caller = EgressCaller(client: EgressClient(policy: configuration.workflowPolicy))
        options.definitions = library
        options.media = media.keeper
        options.publicURL = configuration.publicURL
        options.steps = configuration.workerSteps
        options.claim = .seconds(configuration.claimSeconds)
        return options
    }

    private typealias Parts = (
        connection: LedgerConnection, lease: InstanceLease, uses: KeyUseLog, runs: RunService,
        administration: AdminDesk,
        console: DayBook?
    )

    private static func recovery(
        _ connection: LedgerConnection,
        _ lease: InstanceLease,
        _ runs: RunService,
        _ observer: RunLog,
        _ logger: Logger
    ) -> RecoveryService {
        RecoveryService(
            recovery: RunRecovery(
                for: runs,
                reports: DeliveryClaims(store: connection.store),
                clock: { SystemClock.now() },
                observer: observer
            ),
            lease: lease,
            interval: .seconds(2),
            logger: logger
        )
    }

    private static func group(
        _ configuration: AppConfiguration,
        _ parts: Parts,
        _ observer: RunLog,
        _ tracing: TraceExport,
        _ library: DefinitionLibrary,
        _ server: some Service,
        _ clients: (providers: HTTPClient, webhooks: EgressClient, log: LogConnection?),
        _ media: MediaStorage,
        _ logger: Logger
    ) -> ServiceGroup {
        let (connection, lease, uses, runs, administration, console) = parts
        let grace = Duration.seconds(configuration.shutdownGraceSeconds)
        var settings = ServiceGroupConfiguration(
            services: tracing.services + observer.metrics.services(configuration, connection.store, logger)
                + console.services + [
                    LedgerService(connection: connection, lease: lease),
                    SelfAudit(configuration, connection.store, observer.metrics, logger),
                    // Before those that take requests, and so told to stop after them.
                    KeyUseService(uses: uses, interval: .seconds(5), logger: logger),
                    ProviderClientService(client: clients.providers, media: media, log: clients.log),
                    recovery(connection, lease, runs, observer, logger),
                    RegistryService(
                        reloader: configuration.reloader(of: runs),
                        models: runs.models,
                        library: library,
                        logger: logger
                    ),
                    ModelSwitchService(desk: administration, logger: logger),
                    TidyService(
                        store: connection.store,
                        resultDays: configuration.resultDays,
                        idempotencyDays: configuration.idempotencyDays,
                        logger: logger
                    ),
                    ErasureService(store: connection.store, media: media, logger: logger),
                    WorkerService(worker: RunWorker(for: runs), grace: grace),
                    WebhookWorker(
                        store: connection.store,
                        instance: lease.instance,
                        client: clients.webhooks,
                        clock: { SystemClock.now() },
                        logger: logger,
                        options: observer.metrics.webhookOptions(tracing)
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

extension ServiceGroup {
    /// The group with one more service, which is told to stop before the others; itself for none.
    fileprivate func adding(_ service: (any Service)?) async -> ServiceGroup {
        if let service { await addServiceUnlessShutdown(service) }
        return self
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
    let log: LogConnection?

    func run() async throws {
        try? await gracefulShutdown()
        await media.close()
        await log?.close()
        try await client.shutdown()
    }
}
