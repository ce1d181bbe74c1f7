import Administration
import AsyncHTTPClient
import Ledger
import LedgerStore
import Logging
import Payments
import ServiceLifecycle

/// Tops accounts up by themselves, in each process that is told how to charge: the ledger sees to it that they start one
/// attempt between them.
struct TopUpService: Service {
    /// How long a request to the payment provider may go on once the service is told to stop. One that is interrupted is
    /// asked about by whoever looks next.
    private static let grace = Duration.seconds(5)

    private let desk: AdminDesk
    private let worker: TopUpWorker
    private let lookSeconds: Int64
    private let metrics: ServiceMetrics
    private let logger: Logger

    init(
        _ settings: CheckedTopUps,
        _ desk: AdminDesk,
        _ client: HTTPClient,
        _ metrics: ServiceMetrics,
        _ logger: Logger
    ) {
        self.desk = desk
        self.worker = TopUpWorker(
            desk,
            provider: StripePayments(client: client, baseURL: settings.url, secretKey: settings.secretKey),
            price: settings.price,
            // Long enough that whoever started an attempt has mostly ended it.
            patienceSeconds: 4 * settings.lookSeconds,
            note: { note in
                metrics.payments.note(note)
                note.log(to: logger)
            }
        )
        self.lookSeconds = settings.lookSeconds
        self.metrics = metrics
        self.logger = logger
    }

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await lookUntilShutdown() }
            group.addTask {
                try? await gracefulShutdown()
                try? await Task.sleep(for: Self.grace)
            }
            _ = await group.next()
            group.cancelAll()
        }
    }

    private func lookUntilShutdown() async {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            await look()
            // By up to a quarter shorter or longer, so that processes that were started together part.
            let pause = Duration.seconds(lookSeconds) * Double.random(in: 0.75...1.25)
            await cancelWhenGracefulShutdown { try? await Task.sleep(for: pause) }
        }
    }

    private func look() async {
        do throws(AdminFailure) {
            try await worker.look { !Task.isShuttingDownGracefully && !Task.isCancelled }
            let (open, broken) = try await desk.topUpCounts()
            metrics.payments.note(openAttempts: open, openBreakers: broken)
        } catch {
            logger.warning("accounts can't be topped up now", metadata: ["error": "\(error)"])
        }
    }
}

extension TopUpWorker.Note {
    /// Writes a line for what somebody may have to look at. Declines are events, which are logged where they are recorded.
    fileprivate func log(to logger: Logger) {
        switch self {
        case .answered(let charge, .paid(let reference)?, _):
            logger.info("a top-up is paid", metadata: charge.metadata(["payment": "\(reference)"]))
        case .answered: break
        case .failed(let charge, let failure, _):
            let metadata = charge.metadata(["error": "\(failure)"])
            switch failure.kind {
            case .refused: logger.error("the payment provider refuses us", metadata: metadata)
            case .rejected: logger.error("the payment provider does not take our request", metadata: metadata)
            case .unknown:
                logger.warning("it is not known what became of a payment; it is asked for again", metadata: metadata)
            }
        }
    }
}

extension TopUpCharge {
    fileprivate func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
        more.merging(["account": "\(accountID)", "attempt": "\(attempt)"]) { $1 }
    }
}
