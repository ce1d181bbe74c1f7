import HTTPTypes
import Hummingbird
import Ledger
import LedgerStore
import Logging
import Observability
import ServiceLifecycle
import Webhooks

extension ServiceMetrics {
    /// A store's options, with the metrics as its observer.
    var storeOptions: LedgerStore.Options {
        var options = LedgerStore.Options()
        options.observer = self
        return options
    }

    /// The webhooks' options, with the metrics as their observer.
    func webhookOptions(_ tracing: TraceExport) -> WebhookWorker.Options {
        var options = WebhookWorker.Options()
        options.observer = self
        options.spans = tracing.spans
        return options
    }

    /// What measures and what serves; nothing when nobody is told.
    func services(_ configuration: AppConfiguration, _ store: LedgerStore, _ logger: Logger) -> [any Service] {
        guard let port = configuration.metricsPort else { return [] }
        return [
            MetricsServer(registry: registry, host: configuration.metricsHost, port: port, logger: logger),
            LedgerSampler(store: store, metrics: self, logger: logger),
        ]
    }
}

/// Samples every journal every few seconds, off the path of runs: one bounded statement for each, one after the other.
struct LedgerSampler: Service {
    let store: LedgerStore
    let metrics: ServiceMetrics
    let logger: Logger
    var interval = Duration.seconds(5)

    func run() async throws {
        await repeatUntilShutdown(pausing: interval) { await sample() }
    }

    private func sample() async {
        do throws(LedgerStoreError) {
            for number in 0..<store.journalCount where !Task.isCancelled {
                let journal = JournalID(number)
                if let sample = try await store.sample(journal) { metrics.note(sample, of: journal) }
            }
            metrics.noteSampled(at: SystemClock.now())
        } catch {
            // The time of the last sample is a metric itself, and has an alert.
            logger.debug("the journals can't be sampled", metadata: ["error": "\(error)"])
        }
    }
}

/// Serves `/metrics` at an address of its own, which is for operators and never for customers.
struct MetricsServer: Service {
    let registry: MetricRegistry
    let host: String
    let port: Int
    let logger: Logger

    /// The content type of the format, with its version.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    func run() async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let (logger, host) = (logger, host)
        let server = Application(
            router: Self.router(registry),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: "runledger"),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                logger.info("metrics are served", metadata: ["host": "\(host)", "port": "\(port)"])
            },
            logger: quiet
        )
        do {
            try await server.run()
        } catch {
            throw SettingError(
                description: "RUNLEDGER_METRICS_HOST and _PORT: \(host):\(port) can't be listened on: \(error)"
            )
        }
    }

    static func router(_ registry: MetricRegistry) -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: registry.exposition()))
            )
        }
        return router
    }
}
