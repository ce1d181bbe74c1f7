public import Tracing

/// Begins spans for whoever records them. Where nobody does, beginning one is one comparison.
///
/// A span is recorded if the one that it is under is: whether a trace is recorded is decided once, where it enters.
public struct Spans: Sendable {
    private let tracer: (any Tracer)?

    /// Records nothing.
    public static let off = Spans(recordedBy: nil)

    /// Begins spans for a tracer, which has to put a `TraceContext` into its spans' contexts; nil for none.
    public init(recordedBy tracer: (any Tracer)?) { self.tracer = tracer }

    /// Begins a span under another of this process.
    ///
    /// - Parameters:
    ///   - name: what is done; of few values, so never with an id.
    ///   - kind: whether it is work of our own, or a request to somebody.
    ///   - parent: the span that it is under.
    /// - Returns: nil when it is not recorded.
    public func begin(
        _ name: @autoclosure () -> String,
        _ kind: OpenSpan.Kind = .work,
        under parent: TraceContext? = .current
    ) -> OpenSpan? {
        guard let tracer, let parent, parent.isSampled else { return nil }
        var context = ServiceContext.topLevel
        context.traceOrigin = .parent(parent)
        return OpenSpan(tracer.startSpan(name(), context: context, ofKind: kind == .request ? .client : .internal))
    }

    /// Begins the span of a request that came in; the sampler decides whether it is recorded.
    ///
    /// - Parameters:
    ///   - name: what is known of it.
    ///   - sender: the span that it was sent in, as its headers say; nil for a trace that begins here.
    /// - Returns: the span, nil when it is not recorded, and what goes on with the request.
    public func beginRequest(
        _ name: @autoclosure () -> String,
        from sender: TraceContext?
    ) -> (span: OpenSpan?, trace: TraceContext) {
        guard let tracer else { return (nil, sender?.child() ?? TraceContext()) }
        var context = ServiceContext.topLevel
        if let sender { context.traceOrigin = .sender(sender) }
        let span = tracer.startSpan(name(), context: context, ofKind: .server)
        let trace = span.context.trace ?? sender?.child() ?? TraceContext()
        return (OpenSpan(span), trace)
    }

    /// Begins a span in a trace of its own for work that was done for several requests at once; it has links to those.
    ///
    /// - Parameters:
    ///   - name: what is done.
    ///   - requests: the spans that it is done for. Without one that is recorded, neither is this.
    public func begin(_ name: @autoclosure () -> String, for requests: [TraceContext]) -> OpenSpan? {
        guard let tracer, !requests.isEmpty else { return nil }
        var context = ServiceContext.topLevel
        context.traceOrigin = .sampled
        let span = tracer.startSpan(name(), context: context)
        for request in requests {
            var linked = ServiceContext.topLevel
            linked.trace = request
            span.addLink(SpanLink(context: linked, attributes: [:]))
        }
        return OpenSpan(span)
    }
}

/// A span that has begun and is recorded.
public struct OpenSpan: Sendable {
    private let span: any Span
    /// Where it is in its trace, for what it leads to.
    public let trace: TraceContext

    fileprivate init?(_ span: any Span) {
        guard span.isRecording, let trace = span.context.trace else { return nil }
        self.span = span
        self.trace = trace
    }

    /// Names it anew, once more is known.
    public func rename(_ name: String) { span.operationName = name }

    /// Says something about it. Never a secret, an input or a result.
    public func set(_ values: KeyValuePairs<String, Value?>) {
        span.updateAttributes { attributes in
            for case (let name, let value?) in values { attributes.set(name, value: value.attribute) }
        }
    }

    /// Notes that it failed.
    ///
    /// - Parameter reason: a word for why, of few values.
    public func fail(_ reason: String) {
        span.updateAttributes { $0.set("error.type", value: .string(reason)) }
        span.setStatus(SpanStatus(code: .error))
    }

    /// Ends it; nothing more can be said about it then.
    public func end() { span.end() }

    /// What a span is.
    public enum Kind: Hashable, Sendable {
        /// Work of our own.
        case work
        /// A request to somebody else.
        case request
    }

    /// What can be said about a span.
    public enum Value: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
        case text(String)
        case number(Int64)

        /// A text.
        public init(stringLiteral value: String) { self = .text(value) }
        /// A number.
        public init(integerLiteral value: Int64) { self = .number(value) }

        fileprivate var attribute: SpanAttribute {
            switch self {
            case .text(let text): .string(text)
            case .number(let number): .int64(number)
            }
        }
    }
}

/// How a span comes into its trace.
public enum TraceOrigin: Hashable, Sendable {
    /// Under another span of this process.
    case parent(TraceContext)
    /// Under the span of whoever sent the request.
    case sender(TraceContext)
    /// As the first one of a trace that is recorded.
    case sampled
}

extension ServiceContext {
    private enum TraceKey: ServiceContextKey { typealias Value = TraceContext }
    private enum OriginKey: ServiceContextKey { typealias Value = TraceOrigin }

    /// Where a span is in its trace.
    public var trace: TraceContext? {
        get { self[TraceKey.self] }
        set { self[TraceKey.self] = newValue }
    }

    /// How a span that is to be begun comes into its trace; nil for the first one of a trace.
    public var traceOrigin: TraceOrigin? {
        get { self[OriginKey.self] }
        set { self[OriginKey.self] = newValue }
    }
}
