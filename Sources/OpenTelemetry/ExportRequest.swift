import Ledger
import Traces
import Tracing

/// The body of an export: `ExportTraceServiceRequest` of OTLP 1.x as Protocol Buffers.
enum ExportRequest {
    static func bytes(_ spans: [EndedSpan], resource: [(name: String, value: String)]) -> [UInt8] {
        var request = ProtobufWriter()
        request.message(1) { resourceSpans in
            resourceSpans.message(1) { message in
                for (name, value) in resource { message.attribute(1, name, .string(value)) }
            }
            resourceSpans.message(2) { scopeSpans in
                scopeSpans.message(1) { $0.text(1, "runledger") }
                for span in spans { scopeSpans.message(2) { $0.write(span) } }
            }
        }
        return request.bytes
    }
}

extension ProtobufWriter {
    fileprivate mutating func write(_ span: EndedSpan) {
        let trace = span.trace
        id(1, trace.traceID.high, trace.traceID.low)
        id(2, trace.spanID)
        if let state = trace.state { text(3, state) }
        if let parent = span.parentSpanID { id(4, parent) }
        text(5, span.name)
        integer(6, span.kind.code)
        fixed64(7, span.startNanoseconds)
        fixed64(8, span.endNanoseconds)
        attributes(9, span.attributes)
        for event in span.events {
            message(11) { message in
                message.fixed64(1, event.nanosecondsSinceEpoch)
                message.text(2, event.name)
                message.attributes(3, event.attributes)
            }
        }
        for link in span.links {
            message(13) { message in
                message.id(1, link.traceID.high, link.traceID.low)
                message.id(2, link.spanID)
                if let state = link.state { message.text(3, state) }
                message.fixed32(6, link.isSampled ? 1 : 0)
            }
        }
        if span.droppedLinks > 0 { integer(14, Int64(span.droppedLinks)) }
        if let status = span.status {
            message(15) { message in
                if let reason = status.message { message.text(2, reason) }
                message.integer(3, status.code == .error ? 2 : 1)
            }
        }
        // W3C's flags, then whether it is known that the parent is another process's, and whether it is.
        fixed32(16, 1 | 0x100 | (span.isParentRemote ? 0x200 : 0))
    }

    fileprivate mutating func attributes(_ field: UInt64, _ attributes: SpanAttributes) {
        var sorted: [(String, SpanAttribute)] = []
        attributes.forEach { sorted.append(($0, $1)) }
        for (name, value) in sorted.sorted(by: { $0.0 < $1.0 }) { attribute(field, name, value) }
    }

    fileprivate mutating func attribute(_ field: UInt64, _ name: String, _ value: SpanAttribute) {
        message(field) { pair in
            pair.text(1, name)
            pair.message(2) { $0.value(value) }
        }
    }

    private mutating func value(_ value: SpanAttribute) {
        switch value {
        case .int32(let number): integer(3, Int64(number))
        case .int64(let number): integer(3, number)
        case .double(let number): double(4, number)
        case .bool(let flag): boolean(2, flag)
        case .string(let text): self.text(1, text)
        case .stringConvertible(let some): text(1, some.description)
        case .stringArray(let texts): list(texts.map { .string($0) })
        case .int64Array(let numbers): list(numbers.map { .int64($0) })
        case .int32Array(let numbers): list(numbers.map { .int32($0) })
        case .doubleArray(let numbers): list(numbers.map { .double($0) })
        case .boolArray(let flags): list(flags.map { .bool($0) })
        case .stringConvertibleArray(let some): list(some.map { .string($0.description) })
        default: text(1, "\(value)")
        }
    }

    private mutating func list(_ values: [SpanAttribute]) {
        message(5) { list in
            for value in values { list.message(1) { $0.value(value) } }
        }
    }
}

extension SpanKind {
    /// As OTLP numbers them.
    fileprivate var code: Int64 {
        switch self {
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        default: 1
        }
    }
}
