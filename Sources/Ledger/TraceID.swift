/// The id of a trace over many services: 16 bytes that are not all zero.
public struct TraceID: Hashable, Sendable, CustomStringConvertible {
    /// The first 8 bytes.
    public let high: UInt64
    /// The last 8 bytes.
    public let low: UInt64

    /// Makes an id; nil when it is all zero.
    public init?(high: UInt64, low: UInt64) {
        guard high != 0 || low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    /// 32 lower-case hexadecimal digits.
    public var description: String {
        String(unsafeUninitializedCapacity: 32) { buffer in
            for digit in 0..<32 {
                let word = digit < 16 ? high : low
                buffer[digit] = Hexadecimal.digit(word >> UInt64(60 - 4 * (digit & 15)))
            }
            return 32
        }
    }
}

/// Where a request stands in its trace, in the words of the headers that say so (W3C Trace Context): what is kept of it
/// for whoever goes on with a run.
public struct TraceHeaders: Hashable, Sendable {
    /// The value of `traceparent`.
    public let parent: String
    /// The value of `tracestate`; nil for none.
    public let state: String?

    /// Makes the headers.
    public init(parent: String, state: String?) {
        self.parent = parent
        self.state = state
    }
}
