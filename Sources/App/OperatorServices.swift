import AdminAPI
import Administration
import Hummingbird
import Ledger
import LedgerStore
import Logging
import Registry
import RunAPI
import ServiceLifecycle

extension AppConfiguration {
    /// Adds the routes of operators, and Stripe's if its secret is known.
    func addAdminRoutes(to router: Router<APIContext>, _ desk: AdminDesk, _ metrics: ServiceMetrics) throws {
        let stripe = try checkedStripeSecret().map { secret in
            StripeEndpoint(secret: secret, desk: PaymentDesk(desk), clock: { SystemClock.now() }) { outcome in
                metrics.payments.told(outcome)
            }
        }
        AdminAPI.addRoutes(to: router, desk: desk, environmentToken: try checkedAdminToken(), stripe: stripe)
    }
}

/// Keeps a process's models up with what operators have switched, in whichever process.
struct ModelSwitchService: Service {
    let desk: AdminDesk
    let logger: Logger
    var interval: Duration = .seconds(2)

    func run() async throws {
        await repeatUntilShutdown(pausing: interval) { await look() }
    }

    private func look() async {
        do throws(AdminFailure) {
            let change = try await desk.applySwitches()
            guard !change.isEmpty else { return }
            logger.notice(
                "operators have switched models",
                metadata: ["changed": "\(change.changed.joined(separator: " "))"]
            )
        } catch {
            logger.warning("the switches of models can't be read", metadata: ["error": "\(error)"])
        }
    }
}

extension Event {
    /// Writes a line for something that somebody should look at.
    func logNotice(to logger: Logger) {
        var metadata: Logger.Metadata = ["account": "\(content.accountID)", "type": "\(content.type.rawValue)"]
        for name in ["balance", "threshold"] {
            if let amount = content.detail?[name]?.amountValue { metadata[name] = "\(amount)" }
        }
        if let amount = content.amount { metadata["amount"] = "\(amount)" }
        if let code = content.detail?["code"]?.stringValue { metadata["code"] = "\(code)" }
        let message: Logger.Message =
            switch content.type {
            case .alertRaised: "an account's balance is below its threshold"
            case .creditsShort: "a refund could not take back credits that were spent"
            default: "an attempt to top an account up has failed"
            }
        logger.warning(message, metadata: metadata)
    }
}
