/// One line of an invoice.
public struct InvoiceLine: Hashable, Sendable {
    /// The line of the file, from 1.
    public let line: Int
    /// The provider's id of the request; nil where the file has none.
    public let requestID: String?
    /// What tells lines of one request apart; empty where nothing does.
    public let part: String
    /// The day.
    public let day: Day
    /// The model: our name where the mapping knows it, else the provider's.
    public let model: String?
    /// What is billed, in micro-dollars; below zero for a credit.
    public let billed: Int64

    /// Makes a line.
    public init(line: Int, requestID: String?, part: String = "", day: Day, model: String?, billed: Int64) {
        self.line = line
        self.requestID = requestID
        self.part = part
        self.day = day
        self.model = model
        self.billed = billed
    }
}

/// What a file says.
public struct Invoice: Hashable, Sendable {
    /// Its lines, in the file's order.
    public let lines: [InvoiceLine]
    /// Lines that were passed over, because the mapping says that they are no charges of runs.
    public let skippedCount: Int
    /// All that is billed, in micro-dollars.
    public let billed: Int64

    /// The first and the last day of the lines; nil without lines.
    public var days: ClosedRange<Day>? {
        guard let first = lines.map(\.day).min(), let last = lines.map(\.day).max() else { return nil }
        return first...last
    }
}

/// Reads an invoice from a CSV file as it comes.
public struct InvoiceReader {
    /// Lines of one file at most.
    public static let mostLines = 500_000
    /// Bytes of one file at most.
    public static let largestFile = 64 << 20

    private let mapping: InvoiceMapping
    private let provider: String
    private let currency: Currency?
    private var csv = CSVReader()
    private var layout: InvoiceLayout?
    private var lines: [InvoiceLine] = []
    private var skippedCount = 0
    private var billed: Int64 = 0
    private var byteCount = 0

    /// Makes a reader.
    ///
    /// - Parameters:
    ///   - mapping: which columns say what.
    ///   - provider: whose invoice it is.
    ///   - currency: the one currency besides USD that is taken, and its rate.
    public init(_ mapping: InvoiceMapping, provider: String, currency: Currency?) {
        self.mapping = mapping
        self.provider = provider
        self.currency = currency
    }

    /// Takes the next piece of the file.
    ///
    /// - Throws: the first thing that is wrong, with its line and column; the reader is then of no further use.
    public mutating func read(_ bytes: some Collection<UInt8>) throws(InvoiceError) {
        byteCount += bytes.count
        guard byteCount <= Self.largestFile else {
            throw InvoiceError("a file has at most \(Self.largestFile >> 20) MiB")
        }
        var records: [CSVRecord] = []
        try csv.read(bytes) { (record) throws(InvoiceError) in records.append(record) }
        for record in records { try take(record) }
    }

    /// The file has ended.
    ///
    /// - Throws: also when it has no line with a charge.
    public mutating func finish() throws(InvoiceError) -> Invoice {
        var records: [CSVRecord] = []
        try csv.finish { (record) throws(InvoiceError) in records.append(record) }
        for record in records { try take(record) }
        guard layout != nil else {
            throw InvoiceError(line: 1, "the file is empty; its first line must name the columns")
        }
        guard !lines.isEmpty else { throw InvoiceError("the file has no line with a charge of \(provider)") }
        return Invoice(lines: lines, skippedCount: skippedCount, billed: billed)
    }

    private mutating func take(_ record: CSVRecord) throws(InvoiceError) {
        guard let layout else {
            layout = try InvoiceLayout(record, mapping)
            return
        }
        guard record.fields.count == layout.columnCount else {
            throw InvoiceError(
                line: record.line,
                "\(record.fields.count) fields, where the first line names \(layout.columnCount) columns"
            )
        }
        guard let line = try layout.line(record, mapping, provider, currency) else {
            skippedCount += 1
            return
        }
        guard lines.count < Self.mostLines else {
            throw InvoiceError(line: record.line, "a file has at most \(Self.mostLines) lines")
        }
        let (sum, overflow) = billed.addingReportingOverflow(line.billed)
        guard !overflow else { throw InvoiceError(line: record.line, "the lines sum up to more than 64 bits hold") }
        billed = sum
        lines.append(line)
    }
}
