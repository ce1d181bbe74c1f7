public import CoreMetrics
import Synchronization

/// The metrics of a process, and the backend of swift-metrics for code that measures.
///
/// Every metric is described when the registry is made. One that is not described is a mistake in the program: it traps.
/// Handlers that it gives out count with atomics and wait for nobody; making one takes a lock, so code that measures often
/// keeps what it made.
public final class MetricRegistry: MetricsFactory, Sendable {
    private let families: [MetricFamily]
    private let familiesByName: [String: MetricFamily]
    private let samplers = Mutex<[@Sendable () -> Void]>([])

    /// Makes a registry.
    ///
    /// - Precondition: no name is described twice.
    public init(_ descriptions: [MetricDescription]) {
        self.families = descriptions.map(MetricFamily.init)
        self.familiesByName = Dictionary(uniqueKeysWithValues: families.map { ($0.description.name, $0) })
    }

    /// Has something measured each time the metrics are asked for: what is known at any time and needs no history.
    public func beforeExposition(_ sample: @escaping @Sendable () -> Void) { samplers.withLock { $0.append(sample) } }

    /// The metrics now, in Prometheus' text format.
    public func exposition() -> [UInt8] {
        for sample in samplers.withLock({ $0 }) { sample() }
        var text = ExpositionWriter()
        for family in families { text.append(family) }
        return text.bytes
    }

    // MARK: swift-metrics

    /// A counter that was described as one.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions)
    }

    /// A gauge that was described as one.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    /// A histogram when values are to be aggregated, a gauge otherwise.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        switch series(label, dimensions) {
        case .histogram(let histogram) where aggregate: return histogram
        case .gauge(let gauge) where !aggregate: return gauge
        default: mismatch(label)
        }
    }

    /// A histogram in seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        guard case .histogram(let histogram) = series(label, dimensions) else { mismatch(label) }
        return histogram
    }

    /// Nothing: what was counted stays in the exposition as long as the process lives.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// Nothing; see ``destroyCounter(_:)``.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// Nothing; see ``destroyCounter(_:)``.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Nothing; see ``destroyCounter(_:)``.
    public func destroyTimer(_ handler: any TimerHandler) {}

    func counter(_ label: String, _ dimensions: [(String, String)] = []) -> CounterSeries {
        guard case .counter(let counter) = series(label, dimensions) else { mismatch(label) }
        return counter
    }

    func gauge(_ label: String, _ dimensions: [(String, String)] = []) -> GaugeSeries {
        guard case .gauge(let gauge) = series(label, dimensions) else { mismatch(label) }
        return gauge
    }

    private func series(_ label: String, _ dimensions: [(String, String)]) -> MetricFamily.Series {
        guard let family = familiesByName[label] else { preconditionFailure("\(label) is not described") }
        let values = family.description.labels.map { name in
            guard let value = dimensions.first(where: { $0.0 == name })?.1 else {
                preconditionFailure("\(label) is measured without its label \(name)")
            }
            return value
        }
        precondition(dimensions.count == values.count, "\(label) is measured with a label that is not described")
        return family.series(with: values)
    }

    private func mismatch(_ label: String) -> Never { preconditionFailure("\(label) is described as another kind") }
}
