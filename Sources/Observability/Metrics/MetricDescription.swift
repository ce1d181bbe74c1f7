/// What a metric is: said once, before anything is measured, so that every exposition has its help and its type.
public struct MetricDescription: Hashable, Sendable {
    /// What its values mean.
    public enum Kind: Hashable, Sendable {
        /// A number that only grows.
        case counter
        /// A number that goes up and down.
        case gauge
        /// How many observations were at most each of these bounds, which ascend; and their sum.
        case histogram(bounds: [Double])

        /// The type, as the text format names it.
        var name: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    /// Its name, with the unit last: `runledger_journal_commit_seconds`.
    public let name: String
    /// What its values mean.
    public let kind: Kind
    /// A sentence for whoever reads the exposition.
    public let help: String
    /// The names of its labels, in the order in which they are written.
    public let labels: [String]
    /// How many label sets it may have; what comes after is counted under `other`.
    public let maximumSeries: Int

    /// Describes a metric.
    ///
    /// - Precondition: names are of the text format's alphabet, bounds ascend, and no label is `le`.
    public init(_ name: String, _ kind: Kind, _ help: String, labels: [String] = [], maximumSeries: Int = 256) {
        precondition(Self.isName(name, allowsColon: true), "\(name) is no name of a metric")
        for label in labels {
            precondition(Self.isName(label, allowsColon: false) && label != "le", "\(label) is no name of a label")
        }
        if case .histogram(let bounds) = kind {
            precondition(!bounds.isEmpty && zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds ascend")
        }
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.maximumSeries = maximumSeries
    }

    private static func isName(_ text: String, allowsColon: Bool) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"): allowsColon
            default: false
            }
        }
    }
}
