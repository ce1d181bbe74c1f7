import Administration
import Ledger
import LedgerStore
import Operations
import Reconciliation
import Registry

extension InvoiceOutcome {
    /// The class in words.
    var words: String { rawValue.replacing("_", with: " ") }

    fileprivate var style: Terminal.Style? {
        switch self {
        case .matched: .green
        case .priceDiffers: .yellow
        default: .red
        }
    }
}

extension SuspenseResolution {
    /// The resolution in words.
    var words: String { rawValue.replacing("_", with: " ") }
}

extension RecordedImport {
    /// The import with its items, as programs read them.
    func members(with items: [RecordedItem]) -> [String: JSONValue] {
        var members = json.objectValue ?? [:]
        members["items"] = .array(items.map(\.json))
        return members
    }
}

/// What the program prints of imports.
struct ReconciliationSheet {
    private let terminal: Terminal

    init(_ terminal: Terminal) { self.terminal = terminal }

    static func dollars(_ microUSD: Int64) -> String {
        let text = MicroUSD(microdollars: microUSD).description
        let parts = text.split(separator: ".")
        let decimals = parts.count > 1 ? String(parts[1]) : ""
        return "\(parts[0])." + decimals + String(repeating: "0", count: max(0, 6 - decimals.utf8.count))
    }

    private static func signed(_ microUSD: Int64) -> String { (microUSD > 0 ? "+" : "") + dollars(microUSD) }

    // MARK: An import

    func show(_ found: ComparedInvoice) {
        switch found.fate {
        case .known:
            let when = found.recordedAt.map { " on \(AccountSheet.time($0))" } ?? ""
            let who = found.actor.map { " by \($0)" } ?? ""
            terminal.line("This file was imported before\(when)\(who), as \(found.value.id). Nothing was changed.\n")
        case .tried: terminal.line("Only tried: nothing was changed.\n")
        case .imported: break
        }
        heading(found.value, id: found.fate == .tried ? nil : found.value.id)
        classes(found.classes.map { ($0, nil) }, billed: found.value.billed)
        if found.arrivedCount > 0 {
            let count = Numbers.count(found.arrivedCount, "run")
            terminal.line(
                "\n\(count) that earlier invoices lacked \(found.arrivedCount == 1 ? "is" : "are") billed by this one."
            )
        }
        if found.fate == .tried, !found.exceptions.isEmpty {
            terminal.line("")
            items(found.exceptions.map { Row($0) })
        } else if found.classes.contains(where: { $0.outcome != .matched }) {
            terminal.line("\n" + terminal.styled("Next:", .dim) + " runledger reconcile show \(found.value.id)")
        }
    }

    func show(_ record: RecordedImport, _ list: [RecordedItem]) {
        heading(record.value, id: record.value.id)
        classes(record.classes.map { ($0.sum, $0) }, billed: record.value.billed)
        guard !list.isEmpty else { return terminal.line("\nNo item of this kind.") }
        terminal.line("")
        items(list.map { Row($0) })
    }

    private func heading(_ value: InvoiceImport, id: InvoiceImportID?) {
        var list = FactList(terminal: terminal)
        if let id { list.add("import", "\(id)") }
        list.add(
            "invoice",
            "\(value.invoice) of \(value.provider), \(value.period.lowerBound) to \(value.period.upperBound)"
        )
        let skipped = value.skippedCount > 0 ? ", \(Numbers.grouped(value.skippedCount)) passed over" : ""
        let rate = value.rate.map { ", at \($0)" } ?? ""
        list.add("file", "\(Numbers.count(value.lineCount, "line"))\(skipped), mapping \(value.mapping)\(rate)")
        let percent = InvoiceImport.percent(value.tolerance.relativeMillionths)
        list.add("tolerance", "\(Self.dollars(value.tolerance.absoluteMicroUSD)) USD or \(percent) %")
        for line in list.lines { terminal.line(line) }
        terminal.line("")
    }

    private func classes(_ rows: [(sum: InvoiceClass, record: RecordedClass?)], billed: Int64) {
        let hasStates = rows.contains { $0.record != nil }
        var columns: [TextTable.Column] = [
            .init("class", width: 17), .init("items", width: 9, isRight: true),
            .init("billed USD", width: 16, isRight: true), .init("booked USD", width: 16, isRight: true),
            .init("difference", width: 16, isRight: true),
        ]
        if hasStates { columns.append(.init("open", width: 9, isRight: true)) }
        let table = TextTable(columns, terminal: terminal)
        terminal.line(table.heading)
        for (sum, record) in rows {
            var cells: [TextTable.Cell] = [
                .init(sum.outcome.words, sum.outcome.style), .init(Numbers.grouped(sum.count)),
                .init(Self.dollars(sum.billed)), .init(Self.dollars(sum.booked)), .init(Self.signed(sum.difference)),
            ]
            if let record { cells.append(.init(Numbers.grouped(record.openCount))) }
            terminal.line(table.row(cells))
        }
        let booked = rows.reduce(0) { $0 + $1.sum.booked }
        var cells: [TextTable.Cell] = [
            .init("all", .bold), .init(Numbers.grouped(rows.reduce(0) { $0 + $1.sum.count })),
            .init(Self.dollars(billed)), .init(Self.dollars(booked)), .init(Self.signed(billed - booked)),
        ]
        if hasStates { cells.append(.init(Numbers.grouped(rows.reduce(0) { $0 + ($1.record?.openCount ?? 0) }))) }
        terminal.line(table.row(cells))
    }

    // MARK: Items

    /// What stands in a row of items, whether they are kept or only looked at.
    private struct Row {
        let number: Int64
        let outcome: InvoiceOutcome
        let day: Day
        let billed: Int64
        let booked: Int64
        let state: String
        let subject: String

        init(_ item: RecordedItem) {
            number = item.number
            outcome = item.outcome
            day = item.day
            billed = item.billed
            booked = item.booked
            state = item.state.rawValue.replacing("_", with: " ")
            subject = [item.requestID, item.model, item.line.map { "line \($0)" }].compactMap { $0 }.joined(
                separator: ", "
            )
        }

        init(_ item: ReconciledItem) {
            number = Int64(item.number)
            outcome = item.outcome
            day = item.day
            billed = item.billed
            booked = item.booked
            state = "-"
            subject = [item.requestID, item.model, item.line.map { "line \($0)" }].compactMap { $0 }.joined(
                separator: ", "
            )
        }
    }

    private func items(_ rows: [Row]) {
        let table = TextTable(
            [
                .init("item", width: 6, isRight: true), .init("class", width: 17), .init("day", width: 10),
                .init("billed USD", width: 13, isRight: true), .init("booked USD", width: 13, isRight: true),
                .init("difference", width: 13, isRight: true), .init("state", width: 11),
                .init("request, model, line", width: 40),
            ],
            terminal: terminal
        )
        terminal.line(table.heading)
        for row in rows {
            terminal.line(
                table.row([
                    .init("\(row.number)"), .init(row.outcome.words, row.outcome.style), .init("\(row.day)"),
                    .init(Self.dollars(row.billed)), .init(Self.dollars(row.booked)),
                    .init(Self.signed(row.billed - row.booked)), .init(row.state), .init(row.subject),
                ])
            )
        }
    }

    static let csvHeading =
        "item,class,state,line,request,day,model,billed_usd,booked_usd,difference_usd,runs,execution,reason"

    static func csv(_ item: RecordedItem) -> String {
        let fields: [String] = [
            "\(item.number)", item.outcome.rawValue, item.state.rawValue, item.line.map { "\($0)" } ?? "",
            harmless(item.requestID), "\(item.day)", harmless(item.model), dollars(item.billed), dollars(item.booked),
            dollars(item.difference), "\(item.runCount)", item.run.map { "\($0)" } ?? "", harmless(item.reason),
        ]
        return fields.map { field in
            guard field.contains(where: { "\",\n\r".contains($0) }) else { return field }
            return "\"" + field.replacing("\"", with: "\"\"") + "\""
        }.joined(separator: ",")
    }

    /// A text that a spreadsheet takes for one, and not for a formula: the provider wrote it.
    private static func harmless(_ text: String?) -> String {
        guard let text, let first = text.first else { return "" }
        return "=+-@\t".contains(first) ? "'" + text : text
    }

    // MARK: All imports

    func show(_ imports: [RecordedImport]) {
        if imports.isEmpty {
            return terminal.line(
                "No invoice was imported. Import one with: runledger reconcile import FILE --provider NAME --invoice NUMBER"
            )
        }
        let table = TextTable(
            [
                .init("import", width: 36), .init("provider", width: 12), .init("days", width: 24),
                .init("billed USD", width: 15, isRight: true), .init("difference", width: 15, isRight: true),
                .init("open", width: 7, isRight: true), .init("invoice", width: 30),
            ],
            terminal: terminal
        )
        terminal.line(table.heading)
        for record in imports {
            let value = record.value
            let open = record.classes.reduce(0) { $0 + $1.openCount }
            terminal.line(
                table.row([
                    .init("\(value.id)"), .init(value.provider),
                    .init("\(value.period.lowerBound) \u{2013} \(value.period.upperBound)"),
                    .init(Self.dollars(value.billed)),
                    .init(Self.signed(record.classes.reduce(0) { $0 + $1.sum.difference })),
                    .init(Numbers.grouped(open), open > 0 ? .yellow : nil), .init(value.invoice),
                ])
            )
        }
    }
}
