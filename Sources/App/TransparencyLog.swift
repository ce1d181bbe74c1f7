import AdminAPI
import Administration
import AsyncHTTPClient
public import Configuration
import Foundation
import Hummingbird
public import Ledger
public import LedgerStore
public import LogFiles
public import LogPublishing
import Logging
import ObjectStorage
import RunAPI
public import Runs
import ServiceLifecycle
import TransparencyLog

/// Where the ledger's transparency log is, as the process is told from outside.
public struct LogSettings: Sendable {
    /// The file with the signing key; nil for a ledger that publishes no log.
    public var keyFile: String?
    /// The folder of the log's files, when there is no bucket.
    public var folder = ".runledger/tlog"
    /// The bucket of the log's files; its storage and keys are those of media.
    public var bucket: String?
    /// The file that says who cosigns; nil for nobody.
    public var policyFile: String?
    /// Milliseconds that an event waits for a checkpoint at the most.
    public var intervalMilliseconds = 1_000

    /// No log.
    public init() {}

    /// Reads `TLOG_KEY`, `TLOG_FOLDER`, `TLOG_BUCKET`, `TLOG_POLICY` and `TLOG_INTERVAL_MS`, each after `RUNLEDGER_`.
    public init(reading own: ConfigReader) {
        func text(_ key: ConfigKey) -> String? { own.string(forKey: key).flatMap { $0.isEmpty ? nil : $0 } }
        self.keyFile = text("tlog.key")
        self.folder = text("tlog.folder") ?? folder
        self.bucket = text("tlog.bucket")
        self.policyFile = text("tlog.policy")
        self.intervalMilliseconds = min(max(100, own.int(forKey: "tlog.interval.ms", default: 1_000)), 3_600_000)
    }
}

/// The ledger's transparency log, opened: what publishes it, what reads it, and the client that both may need.
public struct LogConnection: Sendable {
    /// The logs.
    public let logs: LedgerLogSet
    private let client: HTTPClient

    /// Opens the log that the settings name.
    ///
    /// - Returns: nil when they name none.
    /// - Throws: a `KeyFile.Fault`, an `S3ConfigurationError`, or what is wrong with the policy file.
    public static func open(_ configuration: AppConfiguration, _ store: LedgerStore) throws -> LogConnection? {
        let settings = configuration.log
        guard let keyFile = settings.keyFile else { return nil }
        let signer = try KeyFile.read(keyFile, kind: .log)
        let policy = try settings.policy()
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .objectStorage)
        do {
            return LogConnection(
                logs: LedgerLogSet(
                    store: store,
                    storage: try storage(configuration, client),
                    signer: signer,
                    witnesses: policy.map { WitnessCircle(policy: $0, client: client) }
                ),
                client: client
            )
        } catch {
            Task { try? await client.shutdown() }
            throw error
        }
    }

    /// Closes what the log needs.
    public func close() async { try? await client.shutdown() }

    /// Reads a log that is in a bucket, with the storage and keys of media: without the ledger and without the log's key.
    ///
    /// - Parameters:
    ///   - name: the bucket.
    ///   - media: the storage and the keys.
    ///   - body: receives the log's files.
    /// - Throws: an `S3ConfigurationError` before anything is read; what the body throws.
    public static func withBucket<Value: Sendable>(
        _ name: String,
        _ media: MediaSettings,
        _ body: (any LogReading) async throws -> Value
    ) async throws -> Value {
        let s3 = try media.s3(bucket: name)
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .objectStorage)
        do {
            let value = try await body(bucket(s3, client))
            try await client.shutdown()
            return value
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private static func storage(_ configuration: AppConfiguration, _ client: HTTPClient) throws -> any LogStorage {
        guard let name = configuration.log.bucket else { return LogFolder(configuration.log.folder) }
        return bucket(try configuration.media.s3(bucket: name), client)
    }

    private static func bucket(_ s3: S3Configuration, _ client: HTTPClient) -> LogBucket {
        LogBucket(S3Client(s3, client: client) { SystemClock.now().microseconds / 1_000_000 })
    }
}

extension LogSettings {
    /// Who cosigns; nil for nobody.
    func policy() throws -> WitnessPolicy? {
        guard let policyFile else { return nil }
        guard let data = FileManager.default.contents(atPath: policyFile) else {
            throw SettingError(description: "RUNLEDGER_TLOG_POLICY: \(policyFile) can't be read")
        }
        do throws(WitnessPolicy.Fault) {
            return try WitnessPolicy(String(decoding: data, as: UTF8.self))
        } catch {
            throw SettingError(description: "RUNLEDGER_TLOG_POLICY: \(policyFile): \(error)")
        }
    }
}

extension LedgerLogSet: ReceiptSource {
    /// A run's receipts as text; nil while they are not published.
    public func receipt(of execution: Execution, for account: AccountID) async throws -> String? {
        let bundle: ReceiptBundle? = try await receipt(of: execution, account: account)
        return bundle?.description
    }
}

extension AppConfiguration {
    /// Adds the routes of the log's files, if there is a log.
    func addLogRoutes(to router: Router<APIContext>, _ desk: AdminDesk, _ log: LogConnection?) throws {
        guard let files = log?.logs.storage else { return }
        AdminAPI.addLogRoutes(to: router, desk: desk, environmentToken: try checkedAdminToken(), files: files)
    }
}

/// Publishes the log, behind the writers, in one process at a time.
struct LogService: Service {
    let log: LogConnection
    let publisher: LedgerPublisher
    let lease: PublisherLease
    let logger: Logger
    /// From one look at what there is to publish to the next: one statement.
    var interval = Duration.milliseconds(250)

    init(_ log: LogConnection, _ configuration: AppConfiguration, _ metrics: ServiceMetrics, _ logger: Logger) throws {
        var cadence = LedgerPublisher.Cadence()
        cadence.interval = .milliseconds(configuration.log.intervalMilliseconds)
        self.log = log
        self.publisher = LedgerPublisher(
            logs: log.logs,
            cadence: cadence,
            observer: LogReporter(metrics: metrics, logger: logger)
        )
        self.lease = PublisherLease(
            configuration: try LedgerConnection.configuration(databaseURL: configuration.databaseURL)
        )
        self.logger = logger
    }

    func run() async throws {
        try await lease.start()
        logger.info("the log is published", metadata: ["key": "\(log.logs.verifier.description)"])
        await repeatUntilShutdown(pausing: interval) { await publish() }
        await lease.stop()
    }

    private func publish() async {
        guard await lease.isHeld() else { return }
        do {
            try await publisher.publish()
        } catch {
            logger.debug("the ledger can't be asked what there is to publish", metadata: ["error": "\(error)"])
        }
    }
}

/// Tells the log and the metrics how publishing goes.
struct LogReporter: PublishingObserver {
    let metrics: ServiceMetrics
    let logger: Logger

    func published(_ log: LogID, size: Int64) {
        metrics.logs.published(log.description, size: size, at: SystemClock.now())
    }

    func failed(_ log: LogID, _ error: any Error, isFinal: Bool) {
        guard !(error is CancellationError) else { return }
        metrics.logs.failed(log.description, isFinal: isFinal)
        let metadata: Logger.Metadata = ["log": "\(log)", "error": "\(error)"]
        if isFinal {
            logger.critical("a log is not published any more: somebody has to look", metadata: metadata)
        } else {
            logger.warning("a log can't be published now", metadata: metadata)
        }
    }
}
