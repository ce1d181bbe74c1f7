import Ledger
public import Traces

/// Decides which traces are recorded, as `OTEL_TRACES_SAMPLER` names it.
public struct Sampler: Hashable, Sendable {
    /// The share of traces that begin here which are recorded, as a number of 2^63.
    private let threshold: UInt64
    /// Whether a trace that somebody else began is recorded here exactly if it is there.
    private let followsSender: Bool

    /// Every name, as the OpenTelemetry specification has them.
    public static let names = [
        "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
        "parentbased_traceidratio",
    ]

    /// The sampler with a name.
    ///
    /// - Parameters:
    ///   - name: one of ``names``.
    ///   - ratio: for those by ratio, the share of traces, from 0 to 1.
    /// - Returns: nil for another name or share.
    public init?(name: String, ratio: Double = 1) {
        guard Self.names.contains(name), (0...1).contains(ratio) else { return nil }
        self.followsSender = name.hasPrefix("parentbased_")
        switch name {
        case "always_off", "parentbased_always_off": self.threshold = 0
        case "traceidratio", "parentbased_traceidratio": self.threshold = UInt64(ratio * Double(UInt64(1) << 63))
        default: self.threshold = 1 << 63
        }
    }

    /// Whether a trace is recorded. Every process with the same ratio decides the same of it.
    ///
    /// - Parameters:
    ///   - trace: the trace.
    ///   - sender: who began it; nil for nobody else.
    public func records(_ trace: TraceContext, from sender: TraceContext?) -> Bool {
        if followsSender, let sender { return sender.isSampled }
        return trace.traceID.low >> 1 < threshold
    }
}
