import CoreMetrics
import Synchronization

/// A number that code of any thread changes and the exposition reads; nothing waits for anything.
final class MetricNumber: Sendable {
    private let bits = Atomic<UInt64>(Double.zero.bitPattern)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, original) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = original
        }
    }
}

/// A number that only grows.
final class CounterSeries: CounterHandler, Sendable {
    private let number = MetricNumber()

    var value: Double { number.value }

    func increment(by amount: Int64) {
        precondition(amount >= 0, "a counter only grows")
        number.add(Double(amount))
    }

    func reset() { number.set(0) }

    /// Takes over a total that somebody else counts.
    func follow(_ total: Double) { number.set(total) }
}

/// A number that goes up and down.
final class GaugeSeries: MeterHandler, RecorderHandler, Sendable {
    private let number = MetricNumber()

    var value: Double { number.value }

    func set(_ value: Int64) { number.set(Double(value)) }
    func set(_ value: Double) { number.set(value) }
    func increment(by amount: Double) { number.add(amount) }
    func decrement(by amount: Double) { number.add(-amount) }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }
}

/// Observations by size. An observation is one search of the bounds and two atomic additions.
final class HistogramSeries: RecorderHandler, TimerHandler, Sendable {
    /// What a bucket holds; a class because an array holds no atomics.
    private final class Bucket: Sendable {
        let count = Atomic<Int64>(0)
    }

    let bounds: [Double]
    private let buckets: [Bucket]
    private let sum = MetricNumber()

    init(bounds: [Double]) {
        self.bounds = bounds
        self.buckets = (0...bounds.count).map { _ in Bucket() }
    }

    /// Observations in each bucket alone, the last of which has no bound; and the sum of all.
    var reading: (counts: [Int64], sum: Double) {
        (buckets.map { $0.count.load(ordering: .relaxed) }, sum.value)
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        var (low, high) = (0, bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        buckets[low].count.wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
