/// Where spans go and which, as OpenTelemetry's own variables say.
public struct TraceSettings: Hashable, Sendable {
    /// The address of the collector's traces, `/v1/traces` included.
    public var url: String
    /// Headers of every export. May hold secrets.
    public var headers: [Header] = []
    /// What every span says of its process.
    public var resource: [Header]
    /// Which traces are recorded.
    public var sampler: Sampler
    /// How long an export may take, in milliseconds.
    public var timeoutMilliseconds: Int64 = 10_000
    /// Spans that wait for an export at most.
    public var queueLimit = 16_384

    /// A header or an attribute.
    public struct Header: Hashable, Sendable {
        /// Its name.
        public let name: String
        /// Its value.
        public let value: String
    }

    /// A variable that can't be used.
    public struct Invalid: Error, Hashable, CustomStringConvertible {
        /// The variable's name and what it has to be.
        public let description: String
    }

    /// Reads `OTEL_EXPORTER_OTLP_ENDPOINT` (or `_TRACES_ENDPOINT`, which has the whole path), `_HEADERS`, `_TIMEOUT` and
    /// `_PROTOCOL`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` and `_ARG`,
    /// `OTEL_BSP_MAX_QUEUE_SIZE` and `OTEL_SDK_DISABLED`.
    ///
    /// - Parameter environment: the process's variables; those that are empty count as not there.
    /// - Returns: nil when there is no endpoint, or all is switched off.
    /// - Throws: what can't be used. Never with a header's value, which may be a secret.
    public init?(_ environment: [String: String], version: String) throws(Invalid) {
        func text(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        func number(_ name: String, _ range: ClosedRange<Int64>) throws(Invalid) -> Int64? {
            guard let text = text(name) else { return nil }
            guard let number = Int64(text), range.contains(number) else {
                throw Invalid(
                    description: "\(name) must be a number from \(range.lowerBound) to \(range.upperBound)"
                )
            }
            return number
        }
        guard text("OTEL_SDK_DISABLED")?.lowercased() != "true" else { return nil }
        let whole = text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        let base = text("OTEL_EXPORTER_OTLP_ENDPOINT")
        guard let endpoint = whole ?? base else { return nil }
        let name = whole == nil ? "OTEL_EXPORTER_OTLP_ENDPOINT" : "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
        guard
            ["http://", "https://"].contains(where: { endpoint.hasPrefix($0) && endpoint.utf8.count > $0.utf8.count })
        else { throw Invalid(description: "\(name) must begin with http:// or https://, and name a host") }
        self.url = whole ?? (endpoint.hasSuffix("/") ? endpoint + "v1/traces" : endpoint + "/v1/traces")
        if let wire = text("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? text("OTEL_EXPORTER_OTLP_PROTOCOL"),
            wire != "http/protobuf"
        {
            throw Invalid(description: "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf: nothing else is spoken")
        }
        let headerName = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
        self.headers = try Self.pairs(
            text(headerName) ?? text("OTEL_EXPORTER_OTLP_HEADERS") ?? "",
            of: text(headerName) == nil ? "OTEL_EXPORTER_OTLP_HEADERS" : headerName
        )
        var resource = try Self.pairs(text("OTEL_RESOURCE_ATTRIBUTES") ?? "", of: "OTEL_RESOURCE_ATTRIBUTES")
        if let service = text("OTEL_SERVICE_NAME") ?? (resource.named("service.name") ? nil : "runledger") {
            resource.removeAll { $0.name == "service.name" }
            resource.append(Header(name: "service.name", value: service))
        }
        if !resource.named("service.version") { resource.append(Header(name: "service.version", value: version)) }
        self.resource = resource
        self.sampler = try Self.sampler(text("OTEL_TRACES_SAMPLER"), text("OTEL_TRACES_SAMPLER_ARG"))
        if let limit = try number("OTEL_EXPORTER_OTLP_TIMEOUT", 1...600_000) { self.timeoutMilliseconds = limit }
        if let limit = try number("OTEL_BSP_MAX_QUEUE_SIZE", 1...1_000_000) { self.queueLimit = Int(limit) }
    }

    private static func sampler(_ name: String?, _ argument: String?) throws(Invalid) -> Sampler {
        let name = name ?? "parentbased_always_on"
        guard Sampler.names.contains(name) else {
            throw Invalid(description: "OTEL_TRACES_SAMPLER must be one of \(Sampler.names.joined(separator: ", "))")
        }
        var ratio = 1.0
        if name.hasSuffix("traceidratio"), let argument {
            guard let number = Double(argument), (0...1).contains(number) else {
                throw Invalid(description: "OTEL_TRACES_SAMPLER_ARG must be a share from 0 to 1, such as 0.1")
            }
            ratio = number
        }
        guard let sampler = Sampler(name: name, ratio: ratio) else { preconditionFailure("the name was checked") }
        return sampler
    }

    /// `name=value,name=value`, with the values percent-encoded.
    private static func pairs(_ text: String, of variable: String) throws(Invalid) -> [Header] {
        var pairs: [Header] = []
        for member in text.split(separator: ",") {
            let parts = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0]).trimmed
            guard parts.count == 2, !name.isEmpty, let value = String(parts[1]).trimmed.percentDecoded,
                !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
            else {
                throw Invalid(description: "\(variable) must be name=value,name=value, with values percent-encoded")
            }
            pairs.append(Header(name: name, value: value))
        }
        return pairs
    }
}

extension [TraceSettings.Header] {
    fileprivate func named(_ name: String) -> Bool { contains { $0.name == name } }
}

extension String {
    fileprivate var trimmed: String {
        let start = drop { $0 == " " }
        return String(start[..<(start.lastIndex { $0 != " " }.map { start.index(after: $0) } ?? start.startIndex)])
    }

    /// Nil for what is not percent-encoded UTF-8.
    fileprivate var percentDecoded: String? {
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let decoded = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(decoded)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
