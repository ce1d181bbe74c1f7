import Ledger
import Synchronization
import Traces
public import Tracing

/// What is known of a span that has ended.
struct EndedSpan: Sendable {
    var trace: TraceContext
    var parentSpanID: UInt64?
    var isParentRemote = false
    var name: String
    var kind: SpanKind
    var startNanoseconds: UInt64
    var endNanoseconds: UInt64 = 0
    var attributes: SpanAttributes = [:]
    var events: [SpanEvent] = []
    var links: [TraceContext] = []
    var droppedLinks = 0
    var status: SpanStatus?

    /// Links that a span has at most, as OpenTelemetry's default is.
    static let linkLimit = 128
    /// Events that a span has at most.
    static let eventLimit = 128
}

/// A span of ours. One that is not recorded only carries its context on.
public final class RecordedSpan: Span {
    /// Says where it is in its trace.
    public let context: ServiceContext
    /// Whether it is exported once it has ended.
    public let isRecording: Bool
    private let queue: SpanQueue?
    private let state: Mutex<(span: EndedSpan, hasEnded: Bool)>

    init(_ span: EndedSpan, in queue: SpanQueue?) {
        var context = ServiceContext.topLevel
        context.trace = span.trace
        self.context = context
        self.isRecording = queue != nil
        self.queue = queue
        self.state = Mutex((span, false))
    }

    private func change(_ body: (inout EndedSpan) -> Void) {
        guard isRecording else { return }
        state.withLock { state in
            if !state.hasEnded { body(&state.span) }
        }
    }

    /// What is done.
    public var operationName: String {
        get { state.withLock(\.span.name) }
        set { change { $0.name = newValue } }
    }

    /// What was said about it.
    public var attributes: SpanAttributes {
        get { state.withLock(\.span.attributes) }
        set { change { $0.attributes = newValue } }
    }

    /// Notes how it ended.
    public func setStatus(_ status: SpanStatus) { change { $0.status = status } }

    /// Notes something that happened meanwhile; of many, the first ones.
    public func addEvent(_ event: SpanEvent) {
        change { if $0.events.count < EndedSpan.eventLimit { $0.events.append(event) } }
    }

    /// Notes an error by its type. What it says may be a customer's, and is left out.
    public func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        var attributes = attributes
        attributes.set("exception.type", value: .string("\(type(of: error))"))
        addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
    }

    /// Notes another span that it has to do with; of many, the first ones.
    public func addLink(_ link: SpanLink) {
        guard let trace = link.context.trace else { return }
        change { span in
            if span.links.count < EndedSpan.linkLimit { span.links.append(trace) } else { span.droppedLinks += 1 }
        }
    }

    /// Ends it, once: from then on nothing can be changed.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard let queue else { return }
        let nanoseconds = instant().nanosecondsSinceEpoch
        let ended: EndedSpan? = state.withLock { state in
            guard !state.hasEnded else { return nil }
            state.hasEnded = true
            state.span.endNanoseconds = max(nanoseconds, state.span.startNanoseconds)
            return state.span
        }
        if let ended { queue.offer(ended) }
    }
}

/// Makes spans and puts those that have ended into a queue.
public struct SpanTracer: Tracer {
    private let sampler: Sampler
    private let queue: SpanQueue

    /// Makes a tracer.
    public init(sampler: Sampler, queue: SpanQueue) {
        self.sampler = sampler
        self.queue = queue
    }

    /// Begins a span where the context's `traceOrigin` says.
    public func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> ServiceContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> RecordedSpan {
        var trace = TraceContext()
        var parent: TraceContext?
        var isRemote = false
        var isSampled: Bool?
        switch context().traceOrigin {
        case .parent(let span): (trace, parent, isSampled) = (span.child(), span, span.isSampled)
        case .sender(let span): (trace, parent, isRemote) = (span.child(), span, true)
        case .sampled: isSampled = true
        case nil: break
        }
        let isRecorded = isSampled ?? sampler.records(trace, from: isRemote ? parent : nil)
        trace = TraceContext(
            traceID: trace.traceID,
            spanID: trace.spanID,
            isSampled: isRecorded,
            state: trace.state
        )
        let span = EndedSpan(
            trace: trace,
            parentSpanID: parent?.spanID,
            isParentRemote: isRemote,
            name: operationName,
            kind: kind,
            startNanoseconds: instant().nanosecondsSinceEpoch
        )
        return RecordedSpan(span, in: isRecorded ? queue : nil)
    }

    /// Nothing: the exporter sends what waits, each second and at the end.
    public func forceFlush() {}

    /// Reads `traceparent` and `tracestate`.
    public func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        let parents = [extractor.extract(key: "traceparent", from: carrier)].compactMap(\.self)
        let states = [extractor.extract(key: "tracestate", from: carrier)].compactMap(\.self)
        if let sender = TraceContext.sender(parents, states: states) { context.traceOrigin = .sender(sender) }
    }

    /// Writes `traceparent` and `tracestate`.
    public func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let trace = context.trace else { return }
        injector.inject(trace.traceparent, forKey: "traceparent", into: &carrier)
        if let state = trace.state { injector.inject(state, forKey: "tracestate", into: &carrier) }
    }
}
