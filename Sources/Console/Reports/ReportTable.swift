import Ledger

/// A value of a report.
enum ReportCell: Hashable, Sendable {
    /// A text; nil where there is none.
    case text(String?)
    /// The id of an account, or of a run of one.
    case account(String)
    case run(String, account: String)
    /// A whole number; nil where it makes no sense.
    case count(Int64?)
    /// Millionths of a credit; nil where it can't be known.
    case credits(Int64?)
    /// Millionths of a dollar; nil where it can't be known.
    case dollars(Int64?)

    /// As `psql` prints it, with `\pset null '-'`.
    var plain: String {
        switch self {
        case .text(let text): text ?? "-"
        case .account(let id): id
        case .run(let id, _): id
        case .count(let number): number.map { String($0) } ?? "-"
        case .credits(let amount), .dollars(let amount): amount.map { Self.decimal($0, 6) } ?? "-"
        }
    }

    /// What rows are sorted by. Nothing comes before everything.
    var key: (isNothing: Int, number: Int64, text: String) {
        switch self {
        case .text(let text): (text == nil ? 0 : 1, 0, text ?? "")
        case .account(let text): (1, 0, text)
        case .run(let text, _): (1, 0, text)
        case .count(let number), .credits(let number), .dollars(let number): (number == nil ? 0 : 1, number ?? 0, "")
        }
    }

    /// Decimals that an amount needs.
    var decimals: Int {
        guard case .credits(let amount?) = self else {
            guard case .dollars(let amount?) = self else { return 0 }
            return Self.decimals(of: amount)
        }
        return Self.decimals(of: amount)
    }

    private static func decimals(of amount: Int64) -> Int {
        var rest = amount.magnitude % 1_000_000
        guard rest > 0 else { return 0 }
        var count = 6
        while rest.isMultiple(of: 10) {
            rest /= 10
            count -= 1
        }
        return count
    }

    /// A number of millionths with so many decimals, of which no more than it needs are left out.
    static func decimal(_ amount: Int64, _ decimals: Int) -> String {
        let digits = String(amount.magnitude % 1_000_000)
        let padded = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        let whole = (amount < 0 ? "-" : "") + String(amount.magnitude / 1_000_000)
        return decimals == 0 ? whole : whole + "." + padded.prefix(decimals)
    }

    /// As a page shows it, with as many decimals as its column.
    func shown(_ decimals: Int) -> String? {
        switch self {
        case .text(let text): text
        // Ids begin with their time: those of an hour differ at their ends.
        case .account(let id), .run(let id, _): id.prefix(8) + "\u{2026}" + id.suffix(6)
        case .count(let number): number.map(Format.count)
        case .credits(let amount): amount.map { Format.decimal($0, decimals) }
        case .dollars(let amount):
            amount.map { ($0 < 0 ? "\u{2212}$" : "$") + Format.decimal(Int64(clamping: $0.magnitude), decimals) }
        }
    }

    /// Where it leads to.
    var address: String? {
        switch self {
        case .account(let id): "/console/accounts/\(id)"
        case .run(let id, let account): "/console/accounts/\(account)/runs/\(id)"
        default: nil
        }
    }
}

/// A table of a report.
struct ReportTable: Sendable {
    /// A column.
    struct Column: Hashable, Sendable {
        /// Its name in CSV, as `psql` has it; the same in the address of a sorted page.
        let key: String
        /// Its heading.
        let heading: String
        /// Whether it is left out on a phone.
        let isWideOnly: Bool

        init(_ key: String, _ heading: String, isWideOnly: Bool = false) {
            self.key = key
            self.heading = heading
            self.isWideOnly = isWideOnly
        }
    }

    /// Rows that a page shows; CSV has them all.
    static let rowsShown = 500

    /// What names it in addresses, and its file.
    let id: String
    let title: String
    let columns: [Column]
    var rows: [[ReportCell]]
    /// The row of totals; nil where there are none.
    var total: [ReportCell]?
    /// Whether the row of totals is in the CSV too, as `psql` has it.
    var isTotalInCSV = false
    /// What a page says when there is no row.
    let empty: String
    /// What else is to be said.
    var note: String?

    /// Sorts by a column, if there is one of that key.
    mutating func sort(by key: String, isDescending: Bool) {
        guard let index = columns.firstIndex(where: { $0.key == key }) else { return }
        // Equal ones stay in the order of the report.
        rows = rows.enumerated().sorted { left, right in
            let (a, b) = (left.element[index].key, right.element[index].key)
            if a == b { return left.offset < right.offset }
            return isDescending ? a > b : a < b
        }.map(\.element)
    }

    /// RFC 4180 as `psql --csv` writes it: names first, lines that end with a line feed.
    var csv: String {
        var text = columns.map { Self.quoted($0.key) }.joined(separator: ",") + "\n"
        for row in rows + (isTotalInCSV ? total.map { [$0] } ?? [] : []) {
            text += row.map { Self.quoted($0.plain) }.joined(separator: ",") + "\n"
        }
        return text
    }

    private static func quoted(_ text: String) -> String {
        let needsQuotes = text.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) } || text == "\\."
        return needsQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }

    /// The members that its template is given.
    ///
    /// - Parameters:
    ///   - question: what the page was asked for.
    ///   - address: the report's page.
    func view(_ question: ReportQuestion, _ address: String) -> View {
        let all = rows + (total.map { [$0] } ?? [])
        // Amounts of a column are aligned by their points; credits and dollars each for themselves.
        let decimals = columns.indices.map { index in
            all.reduce(into: [ReportCell.Unit: Int]()) { most, row in
                most[row[index].unit] = max(most[row[index].unit] ?? 0, row[index].decimals)
            }
        }
        let isNumber = columns.indices.map { index in (rows.first ?? total)?[index].isNumber ?? false }
        func cells(_ row: [ReportCell]) -> [[String: Any]] {
            row.enumerated().map { index, cell in
                View([
                    "shown": cell.shown(decimals[index][cell.unit] ?? 0), "address": cell.address,
                    "isNumber": isNumber[index] ? true : nil, "isWideOnly": columns[index].isWideOnly ? true : nil,
                    "isFirst": index == 0 ? true : nil, "isMeta": cell.address == nil ? nil : true,
                ]).members
            }
        }
        let headings = columns.enumerated().map { index, column -> View in
            let isSorted = question.sort == "\(id).\(column.key)"
            // Numbers are asked for from the greatest down, texts from the first on.
            let isDescending = isSorted ? !question.isDescending : isNumber[index]
            let link = question.query(sort: "\(id).\(column.key)", isDescending: isDescending)
            return View([
                "heading": column.heading, "isNumber": isNumber[index] ? true : nil,
                "isWideOnly": column.isWideOnly ? true : nil, "link": "\(address)?\(link)#\(id)",
                "sorted": isSorted ? (question.isDescending ? "descending" : "ascending") : nil,
                "arrow": isSorted ? (question.isDescending ? "\u{2193}" : "\u{2191}") : nil,
            ])
        }
        return View([
            "id": id, "title": title, "headings": headings.members, "isSortable": rows.count > 1 ? true : nil,
            "rows": rows.prefix(Self.rowsShown).map { ["cells": cells($0)] },
            "total": total.map { ["cells": cells($0)] }, "hasRows": rows.isEmpty ? nil : true, "empty": empty,
            "note": note, "count": Format.count(Int64(rows.count)),
            "isOne": rows.count == 1 ? true : nil,
            "cut": rows.count > Self.rowsShown ? Format.count(Int64(Self.rowsShown)) : nil,
            "csv": "\(address)/\(id).csv?\(question.query())",
        ])
    }
}

extension ReportCell {
    /// What an amount is of.
    enum Unit: Hashable { case credits, dollars, none }

    var unit: Unit {
        switch self {
        case .credits: .credits
        case .dollars: .dollars
        case .text, .account, .run, .count: .none
        }
    }

    /// Whether it is aligned to the right.
    var isNumber: Bool {
        switch self {
        case .text, .account, .run: false
        case .count, .credits, .dollars: true
        }
    }
}
