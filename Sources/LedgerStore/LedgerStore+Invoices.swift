public import Ledger
import Postgres
public import Reconciliation

/// Which items of an import are asked for.
public struct InvoiceItemQuery: Hashable, Sendable {
    /// The most items of a page.
    public static let mostItems = 1_000
    /// The import.
    public let importID: InvoiceImportID
    /// Those after this number.
    public var after: Int64 = 0
    /// Those of one outcome; nil for all.
    public var outcome: InvoiceOutcome?
    /// Those in one state; nil for all.
    public var state: ItemState?
    /// Whether those that match are left out.
    public var isExceptions = false
    /// How many at most.
    public var limit = mostItems
    /// Asks for every item.
    public init(_ importID: InvoiceImportID) { self.importID = importID }

    /// Whether items that match may be among them.
    var isOfMatched: Bool {
        !isExceptions && (outcome ?? .matched) == .matched && (state ?? .matched) == .matched
    }
}

extension LedgerStore {
    /// Rows that one statement inserts at most.
    private static let rowsAtOnce = 5_000

    /// What an invoice is compared with: everything as one moment has it.
    public func reconciliationBasis(
        for lines: [InvoiceLine],
        of provider: String,
        in period: ClosedRange<Day>
    ) async throws(LedgerStoreError) -> ReconciliationBasis {
        let requests = Set(lines.compactMap(\.requestID)).sorted()
        let days = Set(lines.filter { $0.requestID == nil }.map(\.day)).sorted()
        let house = AccountID.house(of: JournalID(0), journalCount: journalCount)
        var unit = PipelineBatch()
        unit.begin(.repeatableReadOnly)
        unit.append(ReadJournalPositions())
        unit.append(LoadAccounts(journal: JournalID(0), accounts: [house]))
        unit.append(LoadCharges(provider: provider, period: period, requests: requests))
        unit.append(LoadEarlierParts(provider: provider, requests: requests))
        unit.append(LoadEarlierDays(provider: provider, days: days))
        unit.commit()
        let results = try await ask(unit)
        do throws(PostgresError) {
            var earlier = Matcher.Earlier()
            for row in try results[4].decode(as: LoadEarlierParts.self) where earlier.parts[row.part] == nil {
                earlier.parts[row.part] = row.importID
            }
            for row in try results[5].decode(as: LoadEarlierDays.self) where earlier.days[row.key] == nil {
                earlier.days[row.key] = row.importID
            }
            return ReconciliationBasis(
                positions: try results[1].decode(as: ReadJournalPositions.self).map(\.position),
                houseMoment: try results[2].decode(as: LoadAccounts.self).first?.lastRecordedAt,
                charges: try results[3].decode(as: LoadCharges.self),
                earlier: earlier
            )
        } catch {
            throw LedgerStoreError(error)
        }
    }

    /// Keeps an import, its lines and its result; they count from the event on that names the import.
    ///
    /// - Returns: SHA-256 over everything that was kept, which the event records.
    public func keepImport(
        _ value: InvoiceImport,
        _ lines: [InvoiceLine],
        _ result: ReconciledInvoice
    ) async throws(LedgerStoreError) -> Digest {
        let runs = result.items.flatMap { item in item.runs.map { (item: item.number, charge: $0) } }
        do {
            return try await client.withSession { session throws(PostgresError) in
                var opening = PipelineBatch()
                opening.begin()
                opening.append(InsertImport(value: value))
                _ = try await session.execute(opening)
                try await Self.insert(lines, session) { (part, unit) in
                    unit.append(InsertInvoiceLines(importID: value.id, provider: value.provider, lines: part))
                }
                try await Self.insert(result.items, session) { (part, unit) in
                    unit.append(InsertInvoiceItems(importID: value.id, items: part))
                }
                try await Self.insert(runs, session) { (part, unit) in
                    unit.append(InsertInvoiceItemRuns(importID: value.id, runs: part))
                }
                var closing = PipelineBatch()
                closing.append(DigestImport(importID: value.id))
                closing.commit()
                let kept = try await session.execute(closing)[0].decode(as: DigestImport.self)
                guard let digest = kept.first else { preconditionFailure("a statement that gives one row") }
                return digest
            }
        } catch let error as PostgresError {
            throw LedgerStoreError(error)
        } catch {
            throw LedgerStoreError(.unavailable, outcome: .unknown, "\(error)")
        }
    }

    private static func insert<Row>(
        _ rows: [Row],
        _ session: PostgresSession,
        _ append: (ArraySlice<Row>, inout PipelineBatch) -> Void
    ) async throws(PostgresError) {
        for start in stride(from: 0, to: rows.count, by: rowsAtOnce) {
            var unit = PipelineBatch()
            append(rows[start..<min(start + rowsAtOnce, rows.count)], &unit)
            _ = try await session.execute(unit)
        }
    }

    /// A page of imports, the latest first, with what they found.
    ///
    /// - Parameters:
    ///   - choice: which.
    ///   - position: those before this position of journal 0; nil for the latest.
    ///   - limit: how many at most.
    public func invoiceImports(
        _ choice: ImportChoice = .all,
        before position: Int64? = nil,
        limit: Int = ImportChoice.mostImports
    ) async throws(LedgerStoreError) -> [RecordedImport] {
        let imports = try await ask(LoadImports(choice: choice, before: position ?? .max, limit: Int64(limit)))
        let rows: [RecordedClass]
        switch imports.count {
        case 0: return []
        case 1: rows = try await ask(LoadImportClasses(id: imports[0].value.id))
        default: rows = try await ask(LoadManyImportClasses(imports: imports.map(\.value.id)))
        }
        let classes = Dictionary(grouping: rows, by: \.importID)
        return imports.map { record in
            let own = classes[record.value.id, default: []]
            return RecordedImport(
                record,
                classes: InvoiceOutcome.allCases.compactMap { outcome in own.first { $0.sum.outcome == outcome } }
            )
        }
    }

    /// A page of imports, the latest first, with what each found in all; what it costs does not depend on their items.
    ///
    /// - Parameters:
    ///   - position: those before this position of journal 0; nil for the latest.
    ///   - limit: how many at most.
    public func summedImports(
        before position: Int64?,
        limit: Int
    ) async throws(LedgerStoreError) -> [(record: RecordedImport, total: ImportTotal)] {
        let imports = try await ask(LoadImports(choice: .all, before: position ?? .max, limit: Int64(limit)))
        let totals = try await ask(LoadImportTotals(imports: imports.map(\.value.id)))
        let byImport = Dictionary(totals.map { ($0.importID, $0.total) }) { first, _ in first }
        return imports.map { ($0, byImport[$0.value.id] ?? ImportTotal()) }
    }

    /// What all imports found together.
    public func importTotal() async throws(LedgerStoreError) -> ImportTotal {
        try await ask(SumImports()).first ?? ImportTotal()
    }

    /// A page of an import's items, in order.
    public func invoiceItems(_ query: InvoiceItemQuery) async throws(LedgerStoreError) -> [RecordedItem] {
        try await query.isOfMatched ? ask(LoadImportItems(query: query)) : ask(LoadDifferingItems(query: query))
    }

    /// Items that wait for runs which a later import of the provider bills, with that one's invoice.
    public func arrivedItems(
        of provider: String
    ) async throws(LedgerStoreError) -> [(item: SuspenseItem, invoice: String)] {
        try await ask(LoadArrivedItems(provider: provider))
    }

    /// Hashes anew everything that is kept of every import.
    ///
    /// - Returns: the imports of which it is not what their events recorded, the first one first.
    public func changedImports() async throws(LedgerStoreError) -> [ChangedImport] {
        var changed: [ChangedImport] = []
        var after: Int64 = 0
        while true {
            let page = try await ask(CheckImports(after: after))
            changed += page.filter { !$0.isKept }.map(\.item)
            guard let last = page.last else { return changed }
            after = last.item.position
        }
    }

    /// When the last event of journal 0's house account was recorded; nil before it is opened.
    public func houseMoment() async throws(LedgerStoreError) -> Timestamp? {
        let house = AccountID.house(of: JournalID(0), journalCount: journalCount)
        return try await ask(LoadAccounts(journal: JournalID(0), accounts: [house])).first?.lastRecordedAt
    }
}
