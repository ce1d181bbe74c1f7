import AdminAPI
import Administration
import CoreMetrics
import Ledger
import Observability

/// What is measured of topping up by itself.
final class PaymentMetrics: Sendable {
    private let ends: HandleCache<String, Counter>
    private let calls: HandleCache<Call, Counter>
    private let events: HandleCache<StripeEndpoint.Outcome, Counter>
    private let openAttempts: Meter
    private let openBreakers: Meter

    private struct Call: Hashable, Sendable {
        let operation: String
        let outcome: String
    }

    static let descriptions = [
        MetricDescription(
            "runledger_top_ups_total",
            .counter,
            "Attempts to top an account up that have ended: paid or failed.",
            labels: ["outcome"]
        ),
        MetricDescription(
            "runledger_payment_calls_total",
            .counter,
            "What the payment provider was asked for, and what came of it; refused and rejected are ours to repair.",
            labels: ["operation", "outcome"]
        ),
        MetricDescription(
            "runledger_payment_events_total",
            .counter,
            "Events of Stripe: applied, ignored, refused, repeated, early or invalid; refused ones need a look.",
            labels: ["outcome"]
        ),
        MetricDescription(
            "runledger_top_up_attempts_open",
            .gauge,
            "Attempts whose end is not known, when this process last looked; at most 100 of each journal."
        ),
        MetricDescription(
            "runledger_top_up_breakers_open",
            .gauge,
            "Accounts that are topped up no more after failures in a row, when this process last looked."
        ),
    ]

    init(_ registry: MetricRegistry) {
        self.ends = HandleCache { outcome in
            Counter(label: "runledger_top_ups_total", dimensions: [("outcome", outcome)], factory: registry)
        }
        self.calls = HandleCache { call in
            Counter(
                label: "runledger_payment_calls_total",
                dimensions: [("operation", call.operation), ("outcome", call.outcome)],
                factory: registry
            )
        }
        self.events = HandleCache { outcome in
            Counter(
                label: "runledger_payment_events_total",
                dimensions: [("outcome", outcome.rawValue)],
                factory: registry
            )
        }
        self.openAttempts = Meter(label: "runledger_top_up_attempts_open", factory: registry)
        self.openBreakers = Meter(label: "runledger_top_up_breakers_open", factory: registry)
        // From zero on, so that the first one is an increase.
        for outcome in StripeEndpoint.Outcome.allCases { _ = events[outcome] }
    }

    /// An attempt has ended, by whoever told of it.
    func ended(_ end: EndTopUp) {
        switch end.outcome {
        case .paid: ends["paid"].increment()
        case .failed: ends["failed"].increment()
        }
    }

    /// The payment provider was asked.
    func note(_ note: TopUpWorker.Note) {
        let (outcome, isLookUp) =
            switch note {
            case .answered(_, let outcome, let isLookUp): (outcome?.word ?? "absent", isLookUp)
            case .failed(_, let failure, let isLookUp): (failure.kind.rawValue, isLookUp)
            }
        calls[Call(operation: isLookUp ? "look_up" : "charge", outcome: outcome)].increment()
    }

    /// Stripe has told of something.
    func told(_ outcome: StripeEndpoint.Outcome) { events[outcome].increment() }

    /// How many attempts and breakers are open.
    func note(openAttempts attempts: Int, openBreakers breakers: Int) {
        openAttempts.set(attempts)
        openBreakers.set(breakers)
    }
}

extension PaymentOutcome {
    fileprivate var word: String {
        switch self {
        case .paid: "paid"
        case .failed: "failed"
        case .pending: "pending"
        }
    }
}
