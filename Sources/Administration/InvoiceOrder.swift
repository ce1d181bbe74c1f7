import Crypto
public import Ledger
public import LedgerStore
public import Reconciliation

/// What is said about an invoice when it is imported.
public struct InvoiceOrder: Sendable {
    /// Whose invoice it is.
    public let provider: String
    /// Its number.
    public let invoice: String
    /// Which columns say what.
    public let mapping: InvoiceMapping
    /// The one currency besides USD that is taken, and its rate.
    public let currency: Currency?
    /// The days that it is for; nil for those from its first line's to its last.
    public let period: ClosedRange<Day>?
    /// Up to which difference amounts are the same.
    public let tolerance: Tolerance

    /// Makes an order of texts, as people write them.
    ///
    /// - Parameters:
    ///   - mapping: the name of a built-in mapping; nil for the provider's.
    ///   - file: a mapping of one's own, and its name; nil for a built-in one.
    ///   - rate: such as `EUR=1.0837`.
    ///   - from: the first day that the invoice is for; the month `2027-01` stands for all of its days.
    ///   - until: the last day.
    ///   - tolerances: rules of one's own; nil for those built in.
    /// - Throws: `.invalid` with every field that can't be taken.
    public init(
        provider: String?,
        invoice: String?,
        mapping: String? = nil,
        file: (name: String, text: String)? = nil,
        rate: String? = nil,
        from: String? = nil,
        until: String? = nil,
        tolerances: String? = nil
    ) throws(AdminFailure) {
        var issues: [FieldIssue] = []
        func read<Value>(_ field: String, _ body: () throws(InvoiceError) -> Value) -> Value? {
            do throws(InvoiceError) {
                return try body()
            } catch {
                issues.append(FieldIssue(field: field, message: error.description))
                return nil
            }
        }
        let name = provider ?? ""
        if !Operator.isName(name) {
            let message = "the name of a provider is needed, 1 to 64 lower-case letters, digits, dots and hyphens"
            issues.append(FieldIssue(field: "provider", message: message))
        }
        let number = invoice ?? ""
        if !(1...100).contains(number.utf8.count) || number.unicodeScalars.contains(where: { $0.value < 32 }) {
            issues.append(
                FieldIssue(field: "invoice", message: "the invoice's number is needed, one line of 1 to 100 bytes")
            )
        }
        let columns = read("mapping") { () throws(InvoiceError) in
            if let file { return try InvoiceMapping(yaml: file.text, name: file.name) }
            return try Self.mapping(mapping, of: name)
        }
        let currency = rate.flatMap { rate in read("rate") { () throws(InvoiceError) in try Currency(rate) } }
        let table = read("tolerance") { () throws(InvoiceError) in
            if let tolerances { return try ToleranceTable(tolerances) }
            return try BuiltInRules.tolerances()
        }
        let period = read("from") { () throws(InvoiceError) in try Self.period(from, until) } ?? nil
        guard issues.isEmpty, let columns, let table else { throw .invalid(issues) }
        self.provider = name
        self.invoice = number
        self.mapping = columns
        self.currency = currency
        self.period = period
        self.tolerance = table.tolerance(for: name)
    }

    /// A provider has the mapping of its own name, or of the part before a hyphen; FOCUS is for all others.
    private static func mapping(_ name: String?, of provider: String) throws(InvoiceError) -> InvoiceMapping {
        if let name {
            if let mapping = try BuiltInRules.mapping(named: name) { return mapping }
            throw InvoiceError(
                "there is no mapping \(name); there are \(BuiltInRules.mappingNames.joined(separator: ", "))"
            )
        }
        let family = String(provider.prefix { $0 != "-" })
        for name in [provider, family, "focus"] {
            if let mapping = try BuiltInRules.mapping(named: name) { return mapping }
        }
        throw InvoiceError("the program lacks its file focus.yaml")
    }

    private static func period(_ from: String?, _ until: String?) throws(InvoiceError) -> ClosedRange<Day>? {
        guard let from else {
            if until != nil { throw InvoiceError("it is missing: the first day that the invoice is for") }
            return nil
        }
        func day(_ text: String, isFirst: Bool) throws(InvoiceError) -> Day {
            if let month = CalendarMonth(text), let day = Day(isFirst ? month.firstDay : month.lastDay) { return day }
            guard let day = Day(text) else { throw InvoiceError("`\(text)` is no day such as 2027-01-31 and no month") }
            return day
        }
        let first = try day(from, isFirst: true)
        let last = try day(until ?? from, isFirst: false)
        guard first <= last else { throw InvoiceError("the first day, \(first), is after the last, \(last)") }
        return first...last
    }
}

/// An invoice's file as it comes in: its lines, and its SHA-256.
public struct InvoiceIntake {
    private var reader: InvoiceReader
    private var hash = SHA256()

    /// Begins a file.
    public init(_ order: InvoiceOrder) {
        reader = InvoiceReader(order.mapping, provider: order.provider, currency: order.currency)
    }

    /// Takes the next piece.
    ///
    /// - Throws: `.invalid`, for the field `file`, with the line and the column of the first thing that is wrong.
    public mutating func take(_ bytes: some Collection<UInt8>) throws(AdminFailure) {
        hash.update(data: Array(bytes))
        do throws(InvoiceError) { try reader.read(bytes) } catch { throw .invalid("file", error.description) }
    }

    /// The file has ended.
    public mutating func finish() throws(AdminFailure) -> InvoiceFile {
        do throws(InvoiceError) {
            let invoice = try reader.finish()
            guard let digest = Ledger.Digest(bytes: Array(hash.finalize())) else {
                preconditionFailure("a hash of 32 bytes")
            }
            return InvoiceFile(invoice: invoice, digest: digest)
        } catch {
            throw .invalid("file", error.description)
        }
    }
}

/// An invoice's file, read.
public struct InvoiceFile: Hashable, Sendable {
    /// What it says.
    public let invoice: Invoice
    /// Its SHA-256.
    public let digest: Ledger.Digest
}

/// An invoice that was compared with the ledger just now, or before.
public struct ComparedInvoice: Hashable, Sendable {
    /// What became of it.
    public enum Fate: String, Hashable, Sendable {
        /// It is recorded now.
        case imported
        /// The same file was imported before, and nothing was changed now.
        case known
        /// It was only looked at.
        case tried
    }

    /// What became of it.
    public let fate: Fate
    /// The import; its id means nothing for one that was only looked at.
    public let value: InvoiceImport
    /// What was found.
    public let classes: [InvoiceClass]
    /// The last position of each journal that was looked at.
    public let positions: [Int64]
    /// When it was recorded; nil for one that was only looked at.
    public let recordedAt: Timestamp?
    /// Who recorded it.
    public let actor: String?
    /// The first items that do not match, for one that was only looked at.
    public let exceptions: [ReconciledItem]
    /// Items of earlier imports that waited for runs which this one bills.
    public let arrivedCount: Int
}

extension InvoiceImport {
    init(_ id: InvoiceImportID, _ file: InvoiceFile, _ order: InvoiceOrder, _ period: ClosedRange<Day>) {
        self.init(
            id: id,
            provider: order.provider,
            invoice: order.invoice,
            period: period,
            file: file.digest,
            mapping: order.mapping.name,
            rate: order.currency.map { "\($0.code)=\($0.rate)" },
            lineCount: Int64(file.invoice.lines.count),
            skippedCount: Int64(file.invoice.skippedCount),
            billed: file.invoice.billed,
            tolerance: order.tolerance
        )
    }
}
