public import Ledger

/// SHA-256 over the items of a comparison, one after the other.
public struct ResultDigest: Sendable {
    private var bytes: [UInt8] = []

    /// Begins.
    public init() {}

    /// Adds the next item.
    ///
    /// - Parameter runs: the runs that it is about, in order of their ids.
    public mutating func add(
        number: Int64,
        outcome: InvoiceOutcome,
        line: Int64?,
        requestID: String?,
        day: Day,
        model: String?,
        billed: Int64,
        booked: Int64,
        earlier: InvoiceImportID?,
        runs: [ExecutionID]
    ) {
        let texts = [
            "\(number)", outcome.rawValue, line.map { "\($0)" } ?? "", requestID ?? "", "\(day)", model ?? "",
            "\(billed)", "\(booked)", earlier?.description ?? "",
        ]
        bytes += (texts + runs.map(\.description)).joined(separator: "\u{1F}").utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    /// The hash of what was added.
    public var value: Digest { Digest(of: bytes) }
}
