public import Ledger
public import Reconciliation

/// An invoice that was compared with the ledger.
public struct InvoiceImport: Hashable, Sendable {
    /// The import.
    public let id: InvoiceImportID
    /// Whose invoice it is.
    public let provider: String
    /// Its number.
    public let invoice: String
    /// The days that it is for.
    public let period: ClosedRange<Day>
    /// SHA-256 of the file.
    public let file: Digest
    /// The mapping that the file was read with.
    public let mapping: String
    /// The stated rate, such as `EUR=1.0837`; nil where there is only USD.
    public let rate: String?
    /// Lines with charges.
    public let lineCount: Int64
    /// Lines that were passed over.
    public let skippedCount: Int64
    /// All that is billed, in micro-dollars.
    public let billed: Int64
    /// Up to which difference amounts were the same.
    public let tolerance: Tolerance

    /// Makes an import.
    public init(
        id: InvoiceImportID,
        provider: String,
        invoice: String,
        period: ClosedRange<Day>,
        file: Digest,
        mapping: String,
        rate: String?,
        lineCount: Int64,
        skippedCount: Int64,
        billed: Int64,
        tolerance: Tolerance
    ) {
        self.id = id
        self.provider = provider
        self.invoice = invoice
        self.period = period
        self.file = file
        self.mapping = mapping
        self.rate = rate
        self.lineCount = lineCount
        self.skippedCount = skippedCount
        self.billed = billed
        self.tolerance = tolerance
    }
}

/// An import as its event recorded it.
public struct RecordedImport: Hashable, Sendable {
    /// The import.
    public let value: InvoiceImport
    /// SHA-256 of the result.
    public let result: Digest
    /// The last position of each journal that was looked at, from journal 0 on.
    public let positions: [Int64]
    /// The position of its event, in journal 0.
    public let position: Int64
    /// When.
    public let recordedAt: Timestamp
    /// Who did it.
    public let actor: String?
    /// What was found.
    public let classes: [RecordedClass]
}

extension RecordedImport {
    init(_ record: RecordedImport, classes: [RecordedClass]) {
        self.init(
            value: record.value,
            result: record.result,
            positions: record.positions,
            position: record.position,
            recordedAt: record.recordedAt,
            actor: record.actor,
            classes: classes
        )
    }
}

/// Which imports are asked for.
public enum ImportChoice: Hashable, Sendable {
    /// The most imports of a page.
    public static let mostImports = 1_000
    /// All.
    case all
    /// The one with this id.
    case one(InvoiceImportID)
    /// Those of a file with this SHA-256.
    case file(Digest)
    /// Those of the invoice with this number, or whose ids begin so with four characters at least.
    case named(String)
}

/// What an import, or all of them, found in all.
public struct ImportTotal: Hashable, Sendable {
    /// Imports.
    public var importCount: Int64 = 0
    /// Items that match.
    public var matchedCount: Int64 = 0
    /// Items that differ.
    public var differingCount: Int64 = 0
    /// What is billed beyond what was booked, in micro-dollars.
    public var difference: Int64 = 0
    /// Items that wait in suspense.
    public var openCount: Int64 = 0
    /// What they sum up to, in micro-dollars.
    public var open: Int64 = 0
    /// What is claimed, in micro-dollars.
    public var claimed: Int64 = 0
}

/// An import of which something else is kept than its event recorded.
public struct ChangedImport: Hashable, Sendable, CustomStringConvertible {
    /// The import.
    public let id: InvoiceImportID
    /// Whose invoice it is.
    public let provider: String
    /// Its number.
    public let invoice: String
    /// The position of its event, in journal 0.
    public let position: Int64

    /// Which it is, for a person.
    public var description: String { "invoice \(invoice) of \(provider), import \(id)" }
}

/// What an import found of one outcome, and what is undecided of it.
public struct RecordedClass: Hashable, Sendable {
    /// The import.
    public let importID: InvoiceImportID
    /// What was found.
    public let sum: InvoiceClass
    /// Items that wait in suspense.
    public let openCount: Int64
    /// What they sum up to, in micro-dollars.
    public let open: Int64
    /// What is claimed, in micro-dollars.
    public let claimed: Int64
}

/// Where an item of an import stands.
public enum ItemState: String, Hashable, Sendable, CaseIterable {
    /// There is no difference that would matter.
    case matched
    /// It waits in suspense.
    case open
    /// How it was resolved last.
    case accepted, claimed, reversed, credited
    case writtenOff = "written_off"
}

/// An item of an import, as it stands.
public struct RecordedItem: Hashable, Sendable {
    /// Its number in the import, from 1.
    public let number: Int64
    /// What it is.
    public let outcome: InvoiceOutcome
    /// Where it stands.
    public let state: ItemState
    /// The file's first line that it is about; nil for what the invoice lacks.
    public let line: Int64?
    /// The provider's id of the request.
    public let requestID: String?
    /// The day.
    public let day: Day
    /// The model.
    public let model: String?
    /// What is billed, in micro-dollars.
    public let billed: Int64
    /// What was booked, in micro-dollars.
    public let booked: Int64
    /// The import that had the same before.
    public let earlier: InvoiceImportID?
    /// Why it was resolved as it was.
    public let reason: String?
    /// Who resolved it.
    public let resolvedBy: String?
    /// When.
    public let resolvedAt: Timestamp?
    /// The first of its runs; nil where there is none.
    public let run: ExecutionID?
    /// Whose run that is.
    public let account: AccountID?
    /// How many runs it is about.
    public let runCount: Int64

    /// What is billed beyond what was booked.
    public var difference: Int64 { billed - booked }
}

/// What an invoice is compared with, at one moment.
public struct ReconciliationBasis: Sendable {
    /// The last position of each journal, from journal 0 on.
    public let positions: [Int64]
    /// When the house account's last event was recorded; nil before it is opened.
    public let houseMoment: Timestamp?
    /// The provider's runs that ended in the period, and those that the lines name.
    public let charges: [Charge]
    /// What earlier imports have said.
    public let earlier: Matcher.Earlier
}
