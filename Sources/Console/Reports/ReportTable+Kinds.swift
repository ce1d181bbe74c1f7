import Ledger

/// The tables of what there is now, and of the books. Columns and order are those of `sql/reports`.
extension ReportTable {
    // MARK: What there is now

    static func liabilities(_ reading: ReportReading) throws(ReportDamage) -> [ReportTable] {
        func key(_ row: ReportReading.Row) -> (String, Int, String) {
            (row[0] ?? "", row[1] == nil ? 1 : 0, row[1] ?? "")
        }
        let pots = reading.tables[0].sorted { key($0) < key($1) }
        var rows: [[ReportCell]] = []
        var sums = [Int64](repeating: 0, count: 4)
        for row in pots {
            for index in sums.indices { sums[index] += try row.number(index + 2) }
            rows.append([.text(row[0]), .text(row[1])] + amounts(try row.numbers(2..<6)))
        }
        var grants: [[ReportCell]] = []
        for row in reading.tables[1].sorted(by: { ($0[0] ?? "", $0[1] ?? "") < ($1[0] ?? "", $1[1] ?? "") }) {
            let counts = [try row.count(2), try row.count(3), try row.count(4), try row.count(5)]
            grants.append([.text(row[0]), .text(row[1])] + counts.map { .count($0) })
        }
        return [
            ReportTable(
                id: "credits",
                title: "Credits, by pot and month of expiry",
                columns: [
                    .init("kind", "Pot"), .init("expires_in", "Expires in"), .init("pots", "Pots", isWideOnly: true),
                    .init("available", "Available"), .init("held", "On hold"),
                    .init("expired", "Expired", isWideOnly: true),
                ],
                rows: rows,
                total: rows.isEmpty ? nil : [.text("all"), .text(nil)] + amounts(sums),
                isTotalInCSV: true,
                empty: "No customer has credits.",
                note: "Expired credits are owed to nobody; the account's next event writes them off."
            ),
            ReportTable(
                id: "grants",
                title: "Free runs",
                columns: [
                    .init("model", "Model"), .init("kind", "Grant of"), .init("grants", "Grants"),
                    .init("runs_left", "Runs left"), .init("runs_held", "Under way", isWideOnly: true),
                    .init("runs_used", "Used", isWideOnly: true),
                ],
                rows: grants,
                empty: "No grant is outstanding."
            ),
        ]
    }

    private static func amounts(_ numbers: [Int64]) -> [ReportCell] {
        [.count(numbers[0])] + numbers.dropFirst().map { .credits($0) }
    }

    static func holds(_ reading: ReportReading) throws(ReportDamage) -> [ReportTable] {
        var holds: [[ReportCell]] = []
        var sums: (holds: Int64, overdue: Int64, amount: Int64) = (0, 0, 0)
        for row in reading.tables[0].sorted(by: { ($0[0] ?? "", $0[1] ?? "") < ($1[0] ?? "", $1[1] ?? "") }) {
            let numbers = try row.numbers(2..<5)
            sums = (sums.holds + numbers[0], sums.overdue + numbers[1], sums.amount + numbers[2])
            holds.append(
                [
                    .text(row[0]), .text(row[1]), .count(numbers[0]), .count(numbers[1]), .credits(numbers[2]),
                    .text(row[5]),
                ]
            )
        }
        var runs: [[ReportCell]] = []
        for row in reading.tables[1] {
            let account = try row.text(1)
            runs.append(
                [
                    .run(try row.text(0), account: account), .account(account), .text(row[2]),
                    .credits(try row.number(3)),
                ]
                    + row[4...7].map { .text($0) }
            )
        }
        return [
            ReportTable(
                id: "holds",
                title: "Holds that are open",
                columns: [
                    .init("model", "Model"), .init("status", "Status"), .init("holds", "Holds"),
                    .init("overdue", "Overdue", isWideOnly: true), .init("credits", "Credits"),
                    .init("oldest", "Oldest", isWideOnly: true),
                ],
                rows: holds,
                total: total(
                    holds.isEmpty,
                    1,
                    [.count(sums.holds), .count(sums.overdue), .credits(sums.amount), .text(nil)]
                ),
                empty: "No run is under way."
            ),
            ReportTable(
                id: "unresolved",
                title: "Unresolved runs, the oldest first",
                columns: [
                    .init("unresolved", "Run"), .init("account", "Account"), .init("model", "Model", isWideOnly: true),
                    .init("credits", "Credits"), .init("admitted", "Admitted", isWideOnly: true),
                    .init("expires", "Policy applies"), .init("policy", "Policy", isWideOnly: true),
                    .init("provider_request_id", "Provider's id", isWideOnly: true),
                ],
                rows: runs,
                empty: "Every run's fate is known.",
                note: runs.count == ReportSource.runsShown ? "There may be more than these." : nil
            ),
        ]
    }

    static func balances(_ reading: ReportReading) throws(ReportDamage) -> ReportTable {
        var rows: [[ReportCell]] = []
        for row in reading.tables[0] {
            rows.append(
                [.account(try row.text(0)), .text(row[1])] + (try row.numbers(2..<6)).map { .credits($0) }
            )
        }
        guard let sums = try reading.tables[1].first?.numbers(0..<5) else { throw ReportDamage(value: nil) }
        let all = sums[0]
        return ReportTable(
            id: "balances",
            title: "Accounts, the largest balance first",
            columns: [
                .init("account", "Account"), .init("tier", "Plan"), .init("posted", "Posted"),
                .init("held", "On hold", isWideOnly: true), .init("available", "Available"),
                .init("expired", "Expired", isWideOnly: true),
            ],
            rows: rows,
            total: total(rows.isEmpty, 1, sums.dropFirst().map { .credits($0) }),
            empty: "There is no account yet.",
            note: all > Int64(rows.count)
                ? "The \(Format.count(Int64(rows.count))) largest of \(Format.count(all)) accounts; the totals are of all."
                : nil
        )
    }

    // MARK: The books

    static func trialBalance(_ reading: ReportReading) throws(ReportDamage) -> ReportTable {
        var rows: [[ReportCell]] = []
        var sums: [String: Int64] = [:]
        for row in reading.tables[0].sorted(by: { ($0[1] ?? "", $0[0] ?? "") < ($1[1] ?? "", $1[0] ?? "") }) {
            let units = try row.number(2)
            sums[try row.text(1), default: 0] += units
            rows.append([.text(row[0]), .text(row[1]), quantity(units, try row.text(1)), .text(row[3])])
        }
        let off = sums.filter { $0.value != 0 }.keys.sorted()
        return ReportTable(
            id: "books",
            title: "Every account of the books",
            columns: [
                .init("account", "Account"), .init("commodity", "In", isWideOnly: true), .init("balance", "Balance"),
                .init("meaning", "Meaning", isWideOnly: true),
            ],
            rows: rows,
            empty: "Nothing has been posted yet.",
            note: off.isEmpty
                ? "Every commodity sums to zero. Debits are above zero, credits below."
                : "The books do not balance: \(off.joined(separator: ", ")) does not sum to zero."
        )
    }

    static func months(_ reading: ReportReading) throws(ReportDamage) -> [ReportTable] {
        var rows: [[ReportCell]] = []
        func key(_ row: ReportReading.Row) -> (String, String, String) { (row[0] ?? "", row[3] ?? "", row[2] ?? "") }
        for row in reading.tables[0].sorted(by: { key($0) < key($1) }) {
            let state = row[1] == "t" ? "closed" : "open"
            rows.append(
                [
                    .text(row[0]), .text(state), .text(row[2]), .text(row[3]),
                    quantity(try row.number(4), try row.text(3)),
                ]
            )
        }
        var closed: [(month: String, journal: Int64, cells: [ReportCell])] = []
        for row in reading.tables[1] {
            let numbers = try row.numbers(1..<4)
            closed.append((try row.text(0), numbers[0], [.text(row[0])] + numbers.map { .count($0) } + [.text(row[4])]))
        }
        return [
            ReportTable(
                id: "months",
                title: "What moved, by month",
                columns: [
                    .init("month", "Month"), .init("state", "State", isWideOnly: true), .init("account", "Account"),
                    .init("commodity", "In", isWideOnly: true), .init("moved", "Moved"),
                ],
                rows: rows,
                empty: "Nothing has been posted yet.",
                note:
                    "Debits are above zero. A correction of a closed month is in the open month in which it was recorded."
            ),
            ReportTable(
                id: "periods",
                title: "Closed months, journal by journal",
                columns: [
                    .init("month", "Month"), .init("journal", "Journal"),
                    .init("first_position", "From", isWideOnly: true),
                    .init("last_position", "Through"), .init("running_hash", "Running hash", isWideOnly: true),
                ],
                rows: closed.sorted { ($0.month, $0.journal) < ($1.month, $1.journal) }.map(\.cells),
                empty: "No month is closed."
            ),
        ]
    }

    /// An amount of a commodity of the books, in its smallest units.
    private static func quantity(_ units: Int64, _ commodity: String) -> ReportCell {
        switch commodity {
        case "GRANTRUN": .count(units)
        case "USD": .dollars(units)
        default: .credits(units)
        }
    }

    /// A row of totals: the word, nothing below so many columns more, the sums.
    static func total(_ isEmpty: Bool, _ blanks: Int, _ sums: [ReportCell]) -> [ReportCell]? {
        isEmpty ? nil : [.text("all")] + [ReportCell](repeating: .text(nil), count: blanks) + sums
    }
}

extension [String?] {
    /// Whole numbers of a row that are never NULL.
    func numbers(_ range: Range<Int>) throws(ReportDamage) -> [Int64] {
        var numbers: [Int64] = []
        for index in range { numbers.append(try number(index)) }
        return numbers
    }
}
