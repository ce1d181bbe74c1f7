/// One record of a CSV file.
struct CSVRecord: Hashable, Sendable {
    /// The line of the file on which it begins, from 1.
    let line: Int
    /// Its fields, without quotes.
    let fields: [String]
}

/// Reads CSV (RFC 4180) as it comes, in pieces of any size.
///
/// Lines end with LF or CRLF. A field in quotes may hold commas, line ends and doubled quotes. A byte order mark at the
/// start and empty lines are passed over.
///
///     start ─┬─ quote ─> quoted ─ quote ─> closed ─┬─ quote ─> quoted
///            └─ other ─> plain                     └─ comma or end ─> start
struct CSVReader {
    /// Bytes of one field at most.
    static let largestField = 65_536
    /// Fields of one record at most.
    static let mostFields = 1_000

    private enum State { case start, plain, quoted, closed }

    private var state = State.start
    private var line = 1
    private var recordLine = 1
    private var quoteLine = 1
    private var field: [UInt8] = []
    private var fields: [String] = []
    private var endsWithReturn = false
    private var offset = 0
    private var hasBegun = false

    /// Takes the next piece of the file.
    ///
    /// - Parameter record: takes each record that it completes.
    mutating func read(
        _ bytes: some Sequence<UInt8>,
        _ record: (CSVRecord) throws(InvoiceError) -> Void
    ) throws(InvoiceError) {
        for byte in bytes {
            defer { offset += 1 }
            // A byte order mark: EF BB BF.
            if offset < 3, byte == [0xEF, 0xBB, 0xBF][offset], !hasBegun { continue }
            hasBegun = true
            try take(byte, record)
        }
    }

    /// The file has ended: what is left is its last record, if it had no line end.
    mutating func finish(_ record: (CSVRecord) throws(InvoiceError) -> Void) throws(InvoiceError) {
        if state == .quoted { throw InvoiceError(line: quoteLine, "a quote is opened and never closed") }
        if endsWithReturn || state != .start || !fields.isEmpty { try endRecord(record) }
    }

    private mutating func take(
        _ byte: UInt8,
        _ record: (CSVRecord) throws(InvoiceError) -> Void
    ) throws(InvoiceError) {
        guard byte != 0 else { throw InvoiceError(line: line, "a NUL byte: this is no CSV text") }
        if endsWithReturn, byte != UInt8(ascii: "\n") {
            throw InvoiceError(line: line, "a carriage return that no line feed follows")
        }
        switch (state, byte) {
        case (.quoted, UInt8(ascii: "\"")): state = .closed
        case (.quoted, _):
            if byte == UInt8(ascii: "\n") { line += 1 }
            try append(byte)
        case (.closed, UInt8(ascii: "\"")):
            state = .quoted
            try append(byte)
        case (_, UInt8(ascii: ",")): try endField()
        case (_, UInt8(ascii: "\r")): endsWithReturn = true
        case (_, UInt8(ascii: "\n")):
            try endRecord(record)
            line += 1
            recordLine = line
        case (.start, UInt8(ascii: "\"")):
            state = .quoted
            quoteLine = line
        case (.closed, _): throw InvoiceError(line: line, "something follows a closing quote that is no comma")
        case (.plain, UInt8(ascii: "\"")):
            throw InvoiceError(line: line, "a quote inside a field without quotes; quote the field and double it")
        default:
            state = .plain
            try append(byte)
        }
    }

    private mutating func append(_ byte: UInt8) throws(InvoiceError) {
        guard field.count < Self.largestField else {
            throw InvoiceError(line: recordLine, "a field of more than \(Self.largestField) bytes")
        }
        field.append(byte)
    }

    private mutating func endField() throws(InvoiceError) {
        guard fields.count < Self.mostFields else {
            throw InvoiceError(line: recordLine, "more than \(Self.mostFields) fields")
        }
        guard let text = String(validating: field, as: UTF8.self) else {
            throw InvoiceError(line: recordLine, "field \(fields.count + 1) is not UTF-8")
        }
        fields.append(text)
        field.removeAll(keepingCapacity: true)
        state = .start
    }

    private mutating func endRecord(
        _ record: (CSVRecord) throws(InvoiceError) -> Void
    ) throws(InvoiceError) {
        endsWithReturn = false
        if state == .start, fields.isEmpty { return }
        try endField()
        let whole = CSVRecord(line: recordLine, fields: fields)
        fields.removeAll(keepingCapacity: true)
        try record(whole)
    }
}
