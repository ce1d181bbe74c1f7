import Histogram

/// Latencies of one kind of operation.
public struct LatencyRecorder: Sendable {
    private var microseconds: [UInt32] = []

    /// No latencies yet.
    public init() {}

    /// Adds one.
    public mutating func record(_ duration: Duration) {
        microseconds.append(UInt32(clamping: duration.microseconds))
    }

    /// Adds all of another recorder's.
    public mutating func merge(_ other: LatencyRecorder) { microseconds += other.microseconds }

    /// How many were added.
    public var count: Int { microseconds.count }

    /// The latencies that shares of all operations did not exceed, in milliseconds; 0 when there were none.
    public func milliseconds(atPercentiles percentiles: [Double]) -> [Double] {
        var histogram = Histogram<UInt64>(
            highestTrackableValue: UInt64(UInt32.max),
            numberOfSignificantValueDigits: .three
        )
        for value in microseconds { histogram.record(UInt64(value)) }
        return percentiles.map { Double(histogram.valueAtPercentile($0)) / 1_000 }
    }
}

extension Duration {
    /// Whole microseconds.
    public var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }

    /// Seconds as a decimal fraction.
    public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
