import OpenTelemetry
import Testing
import Traces

/// Goal: OpenTelemetry's own variables mean here what they mean elsewhere, and what can't be used is named.
@Suite("the settings of traces")
struct SettingsTests {
    private static let endpoint = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"]

    private static func read(_ more: [String: String]) throws(TraceSettings.Invalid) -> TraceSettings? {
        try TraceSettings(endpoint.merging(more) { $1 }, version: "1")
    }

    @Test("nothing is traced without a collector, nor when it is switched off")
    func off() throws {
        #expect(try TraceSettings([:], version: "1") == nil)
        #expect(try TraceSettings(["OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_SERVICE_NAME": "x"], version: "1") == nil)
        #expect(try Self.read(["OTEL_SDK_DISABLED": "true"]) == nil)
    }

    @Test("the endpoint is a base, unless it is that of traces; headers and attributes are percent-decoded")
    func values() throws {
        let settings = try #require(
            try Self.read([
                "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%3Db , x=",
                "OTEL_RESOURCE_ATTRIBUTES": "zone=eu,service.name=no",
                "OTEL_SERVICE_NAME": "ledger", "OTEL_BSP_MAX_QUEUE_SIZE": "7", "OTEL_EXPORTER_OTLP_TIMEOUT": "250",
            ])
        )
        #expect(settings.url == "http://collector:4318/v1/traces")
        #expect(settings.headers.map { "\($0.name): \($0.value)" } == ["api-key: a=b", "x: "])
        let resource = settings.resource.map { "\($0.name)=\($0.value)" }
        #expect(resource == ["zone=eu", "service.name=ledger", "service.version=1"])
        #expect(settings.queueLimit == 7 && settings.timeoutMilliseconds == 250)
        let own = try Self.read(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://other/x"])
        #expect(own?.url == "https://other/x" && own?.sampler == Sampler(name: "parentbased_always_on"))
        #expect(own?.resource.first?.value == "runledger")
    }

    @Test(
        "what can't be used is refused by name, and a secret is not repeated",
        arguments: [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "k=%zz"), ("OTEL_EXPORTER_OTLP_HEADERS", "k=secret%0d%0ax"),
            ("OTEL_RESOURCE_ATTRIBUTES", "=x"), ("OTEL_TRACES_SAMPLER", "sometimes"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ]
    )
    func refused(name: String, value: String) {
        let error = #expect(throws: TraceSettings.Invalid.self) { try Self.read([name: value]) }
        #expect(error?.description.hasPrefix("\(name) must be ") == true || name.hasSuffix("ENDPOINT"))
        #expect(error?.description.contains(name) == true && error?.description.contains("secret") == false)
    }

    @Test("a share is one from 0 to 1", arguments: ["-0.1", "1.1", "half", "nan"])
    func share(text: String) {
        #expect(throws: TraceSettings.Invalid.self) {
            try Self.read(["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": text])
        }
    }
}

/// Goal: which traces are recorded follows from the sampler alone, and what is not recorded costs no span.
@Suite("spans")
struct SpanTests {
    private static func spans(_ sampler: String, _ ratio: Double = 1, limit: Int = 100) -> (Spans, SpanQueue) {
        let queue = SpanQueue(limit: limit)
        guard let sampler = Sampler(name: sampler, ratio: ratio) else { preconditionFailure("no such sampler") }
        return (Spans(recordedBy: SpanTracer(sampler: sampler, queue: queue)), queue)
    }

    @Test("a sender's decision is followed by those samplers that say so, and only by them")
    func senders() {
        for isSampled in [true, false] {
            let sender = TraceContext().child()
            let sent = TraceContext(traceID: sender.traceID, spanID: sender.spanID, isSampled: isSampled, state: "a=b")
            for (name, follows) in [
                ("always_on", true), ("always_off", false), ("parentbased_always_on", isSampled),
                ("parentbased_always_off", isSampled),
            ] {
                let (spans, queue) = Self.spans(name)
                let (span, trace) = spans.beginRequest("GET", from: sent)
                #expect(trace.traceID == sent.traceID && trace.spanID != sent.spanID && trace.state == "a=b")
                #expect(trace.isSampled == follows && (span != nil) == follows, "\(name)")
                let child = spans.begin("child", under: trace)
                #expect((child != nil) == follows && (child.map { $0.trace.traceID == trace.traceID } ?? true))
                child?.end()
                child?.end()
                span?.end()
                #expect(queue.count == (follows ? 2 : 0), "a span ends once")
            }
        }
    }

    @Test("a share of the traces is recorded, and every process decides the same of one")
    func ratio() {
        let (spans, _) = Self.spans("traceidratio", 0.25)
        let (others, _) = Self.spans("parentbased_traceidratio", 0.25)
        let count = (0..<4_000).count { _ in spans.beginRequest("GET", from: nil).trace.isSampled }
        #expect((800..<1_200).contains(count))
        for _ in 0..<100 {
            let (_, trace) = spans.beginRequest("GET", from: nil)
            let again = TraceContext(traceID: trace.traceID, spanID: 1, isSampled: false)
            #expect(others.beginRequest("GET", from: again).trace.isSampled == false)
            #expect(spans.beginRequest("GET", from: again).trace.isSampled == trace.isSampled)
        }
    }

    @Test("a queue that is full takes no more, and without a tracer nothing begins")
    func bounds() {
        let (spans, queue) = Self.spans("always_on", limit: 3)
        for _ in 0..<5 { spans.beginRequest("GET", from: nil).span?.end() }
        #expect(queue.count == 3)
        let (span, trace) = Spans.off.beginRequest("GET", from: nil)
        #expect(span == nil && !trace.isSampled && Spans.off.begin("x", under: trace) == nil)
        let recorded = TraceContext(traceID: trace.traceID, spanID: 1, isSampled: true)
        #expect(Spans.off.begin("x", under: recorded) == nil && Spans.off.begin("x", for: [recorded]) == nil)
        #expect(spans.begin("x", for: []) == nil)
    }
}
