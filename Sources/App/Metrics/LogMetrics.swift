import CoreMetrics
import Ledger
import Observability

/// How publishing the transparency log goes, in numbers.
final class LogMetrics: Sendable {
    private let sizes: HandleCache<String, Meter>
    private let completions: HandleCache<String, Meter>
    private let failures: HandleCache<Failure, Counter>

    private struct Failure: Hashable, Sendable {
        let log: String
        let kind: String
    }

    init(_ registry: MetricRegistry) {
        func gauges(_ name: String) -> HandleCache<String, Meter> {
            HandleCache { Meter(label: name, dimensions: [("log", $0)], factory: registry) }
        }
        self.sizes = gauges("runledger_log_size")
        self.completions = gauges("runledger_log_complete_timestamp_seconds")
        self.failures = HandleCache { key in
            Counter(
                label: "runledger_log_failures_total",
                dimensions: [("log", key.log), ("kind", key.kind)],
                factory: registry
            )
        }
    }

    /// A log is published to its end.
    func published(_ log: String, size: Int64, at now: Timestamp) {
        sizes[log].set(Double(size))
        completions[log].set(Double(now.microseconds) / 1e6)
    }

    /// A log could not be published.
    func failed(_ log: String, isFinal: Bool) {
        failures[Failure(log: log, kind: isFinal ? "final" : "passing")].increment()
    }
}
