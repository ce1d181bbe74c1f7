public import Ledger

/// Which trace a request belongs to, and which span of it is going on: what `traceparent` and `tracestate` say
/// (W3C Trace Context, level 1).
public struct TraceContext: Hashable, Sendable {
    /// The trace; not all zero.
    public let traceID: TraceID
    /// The span; not zero.
    public let spanID: UInt64
    /// Whether somebody upstream records the trace.
    public let isSampled: Bool
    /// What tracing systems hand on to themselves, as it came; nil for nothing.
    public let state: String?

    /// The trace of the request that is being answered; nil outside of one.
    @TaskLocal public static var current: TraceContext?

    /// Makes a context.
    public init(traceID: TraceID, spanID: UInt64, isSampled: Bool, state: String? = nil) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// Begins a trace that nobody records.
    public init() {
        guard let id = TraceID(high: .random(in: 1...UInt64.max), low: .random(in: 0...UInt64.max)) else {
            preconditionFailure("an id above zero is not zero")
        }
        self.init(traceID: id, spanID: .random(in: 1...UInt64.max), isSampled: false)
    }

    /// Goes on with a trace in a span of our own.
    ///
    /// - Parameters:
    ///   - parents: the values of every `traceparent` header. Only one that is well-formed is gone on with.
    ///   - states: the values of every `tracestate` header, in order. Malformed ones are left out, as a whole.
    /// - Returns: nil when a new trace has to begin.
    public init?(continuing parents: [String], states: [String]) {
        guard let sender = Self.sender(parents, states: states) else { return nil }
        self = sender.child()
    }

    /// The span that a request was sent in, as its headers say; nil when they say nothing that is well-formed.
    ///
    /// - Parameters:
    ///   - parents: as for `init(continuing:states:)`.
    ///   - states: as there.
    public static func sender(_ parents: [String], states: [String]) -> TraceContext? {
        guard parents.count == 1, let parent = read(parents[0]) else { return nil }
        return TraceContext(
            traceID: parent.traceID,
            spanID: parent.spanID,
            isSampled: parent.isSampled,
            state: state(states)
        )
    }

    /// The same trace in another span, for a request that is sent on.
    public func child() -> TraceContext {
        TraceContext(traceID: traceID, spanID: .random(in: 1...UInt64.max), isSampled: isSampled, state: state)
    }

    /// The value of `traceparent`.
    public var traceparent: String { "00-\(traceID)-\(spanID.hexadecimal)-\(isSampled ? "01" : "00")" }

    /// What is kept of it, to be gone on with by whichever process: of the state, its first members that have 512 bytes
    /// together, which is what has to be handed on at least.
    public var kept: TraceHeaders { TraceHeaders(parent: traceparent, state: state.flatMap { Self.kept($0) }) }

    private static func kept(_ state: String) -> String? {
        let most = 512
        guard state.utf8.count > most else { return state }
        guard let end = state.utf8.prefix(most + 1).lastIndex(of: UInt8(ascii: ",")) else { return nil }
        return String(state[..<end])
    }

    /// A context as it was kept; nil when that is malformed.
    public init?(_ kept: TraceHeaders) {
        guard let context = Self.sender([kept.parent], states: kept.state.map { [$0] } ?? []) else { return nil }
        self = context
    }

    /// The headers of a request that is sent in the span.
    public var headers: [(name: String, value: String)] {
        [("traceparent", traceparent)] + (state.map { [("tracestate", $0)] } ?? [])
    }

    private static func read(_ value: String) -> TraceContext? {
        let bytes = Array(value.utf8)
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = number(bytes[0..<2]), version != 0xFF,
            version == 0 ? bytes.count == 55 : bytes.count == 55 || bytes[55] == dash,
            let high = number(bytes[3..<19]), let low = number(bytes[19..<35]),
            let span = number(bytes[36..<52]), let flags = number(bytes[53..<55]),
            let trace = TraceID(high: high, low: low), span != 0
        else { return nil }
        return TraceContext(traceID: trace, spanID: span, isSampled: flags & 1 == 1)
    }

    /// Lower-case hexadecimal digits as a number; nil for any other character.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }

    private static func state(_ values: [String]) -> String? {
        let joined = values.joined(separator: ",")
        let members = joined.split(separator: ",").filter { !$0.allSatisfy { $0 == " " || $0 == "\t" } }
        guard !members.isEmpty, members.count <= 32, members.allSatisfy({ isMember($0) }) else { return nil }
        return joined
    }

    private static func isMember(_ text: Substring) -> Bool {
        let bytes = Array(text.utf8.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")), (1...256).contains(equals) else { return false }
        let isKey = bytes[..<equals].allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "_-*/@".utf8.contains(byte)
            }
        }
        let value = bytes[(equals + 1)...]
        return isKey && (1...256).contains(value.count)
            && value.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=") }
    }
}

extension UInt64 {
    fileprivate var hexadecimal: String {
        let text = String(self, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
