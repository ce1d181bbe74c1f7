/// Writes Prometheus' text format, version 0.0.4:
/// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
struct ExpositionWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ family: MetricFamily) {
        let description = family.description
        bytes += "# HELP \(description.name) \(Self.escapedHelp(description.help))\n".utf8
        bytes += "# TYPE \(description.name) \(description.kind.name)\n".utf8
        for (values, series) in family.all {
            let labels = zip(description.labels, values).map { "\($0)=\"\(Self.escapedValue($1))\"" }
            switch series {
            case .counter(let counter): append(description.name, labels, Self.number(counter.value))
            case .gauge(let gauge): append(description.name, labels, Self.number(gauge.value))
            case .histogram(let histogram): append(histogram, description.name, labels)
            }
        }
    }

    private mutating func append(_ histogram: HistogramSeries, _ name: String, _ labels: [String]) {
        let (counts, sum) = histogram.reading
        var total: Int64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
            append("\(name)_bucket", labels + ["le=\"\(bound)\""], "\(total)")
        }
        append("\(name)_sum", labels, Self.number(sum))
        append("\(name)_count", labels, "\(total)")
    }

    private mutating func append(_ name: String, _ labels: [String], _ value: String) {
        bytes += name.utf8
        if !labels.isEmpty { bytes += "{\(labels.joined(separator: ","))}".utf8 }
        bytes += " \(value)\n".utf8
    }

    /// Backslashes and line feeds, which would end the line.
    static func escapedHelp(_ text: String) -> String { escaped(text, quote: false) }

    /// As in a help text, and the quote that would end the value.
    static func escapedValue(_ text: String) -> String { escaped(text, quote: true) }

    private static func escaped(_ text: String, quote: Bool) -> String {
        // By scalar: a carriage return and a line feed are one character.
        text.unicodeScalars.reduce(into: "") { escaped, scalar in
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quote: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
    }

    /// The shortest digits that read as the same number.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
        return "\(value)"
    }
}
