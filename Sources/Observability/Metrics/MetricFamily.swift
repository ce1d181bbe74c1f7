import Synchronization

/// A metric with its series, one for each set of label values that was asked for.
final class MetricFamily: Sendable {
    /// The series of one set of label values.
    enum Series: Sendable {
        case counter(CounterSeries)
        case gauge(GaugeSeries)
        case histogram(HistogramSeries)
    }

    /// What stands for every label value beyond the metric's bound.
    static let overflow = "other"

    let description: MetricDescription
    private let series = Mutex<[[String]: Series]>([:])

    init(_ description: MetricDescription) {
        self.description = description
        // Without labels there is one series, and it is 0 before anything happens rather than missing.
        if description.labels.isEmpty { _ = series(with: []) }
    }

    /// The series with label values in the description's order. Whoever measures often keeps it.
    func series(with values: [String]) -> Series {
        precondition(values.count == description.labels.count, "\(description.name) has other labels")
        return series.withLock { series in
            if let known = series[values] { return known }
            let isFull = series.count >= description.maximumSeries
            let key = isFull ? description.labels.map { _ in Self.overflow } : values
            if isFull, let known = series[key] { return known }
            let new: Series =
                switch description.kind {
                case .counter: .counter(CounterSeries())
                case .gauge: .gauge(GaugeSeries())
                case .histogram(let bounds): .histogram(HistogramSeries(bounds: bounds))
                }
            series[key] = new
            return new
        }
    }

    /// Every series, in the order of the label values.
    var all: [(values: [String], series: Series)] {
        series.withLock { $0.map { (values: $0.key, series: $0.value) } }
            .sorted { $0.values.lexicographicallyPrecedes($1.values) }
    }
}
