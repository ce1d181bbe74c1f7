public import Ledger

/// The books as a text that another accountant reads: Beancount or hledger.
///
/// A transaction for each event that posts, dated by the day (UTC) on which it was recorded, with the event's place as
/// metadata, and a balance assertion for each account at the end of each month in which it moved. The text is made piece by
/// piece; what is kept meanwhile are sums by account and month.
public struct PlainTextBooks: Sendable {
    /// Whose format it is.
    public enum Format: String, Hashable, Sendable, CaseIterable {
        case beancount, hledger
    }

    /// Whose format it is.
    public let format: Format
    /// What the transactions so far have moved.
    public private(set) var balance = TrialBalance()
    /// Transactions so far.
    public private(set) var transactionCount = 0
    private var opened: [String: Int64] = [:]
    private var moved: [CalendarMonth: [String: Int64]] = [:]
    private var commodities: [String: Commodity] = [:]

    /// Books without transactions.
    public init(_ format: Format) { self.format = format }

    /// How the text begins.
    ///
    /// - Parameter title: the ledger's name. One line.
    public func heading(title: String) -> String {
        switch format {
        case .beancount:
            return "option \"title\" \"\(Self.quotable(title))\"\n\n"
        case .hledger:
            let commodities = Commodity.allCases.map { commodity in
                "commodity 1000.\(String(repeating: "0", count: commodity.decimals)) \(commodity.rawValue)\n"
            }
            return "; \(Self.quotable(title))\ndecimal-mark .\n" + commodities.joined() + "\n"
        }
    }

    /// What an account holds, or what was moved on it.
    public struct Sum: Hashable, Sendable {
        /// The account's full name.
        public let name: String
        /// The one commodity that it holds.
        public let commodity: Commodity
        /// How much.
        public let units: Int64
        /// Names a sum.
        public init(name: String, commodity: Commodity, units: Int64) {
            self.name = name
            self.commodity = commodity
            self.units = units
        }
    }

    /// A transaction that gives the accounts what they held before the first event of the books; empty when they held nothing.
    ///
    /// - Parameters:
    ///   - sums: by account; those of each commodity sum to zero.
    ///   - day: not after the first event's.
    ///   - place: up to which events.
    public mutating func open(_ sums: [Sum], on day: String, place: String) -> String {
        let sums = sums.filter { $0.units != 0 }.sorted { $0.name < $1.name }
        guard !sums.isEmpty else { return "" }
        for sum in sums {
            commodities[sum.name] = sum.commodity
            opened[sum.name] = sum.units
        }
        return transaction(on: day, "opening balances", place: place, sums)
    }

    /// Takes in transactions that are written elsewhere: what they move on an account in a month.
    public mutating func move(_ sum: Sum, in month: CalendarMonth) {
        commodities[sum.name] = sum.commodity
        moved[month, default: [:]][sum.name, default: 0] &+= sum.units
    }

    /// The line that makes another file of transactions a part of this one.
    public func include(_ file: String) -> String {
        switch format {
        case .beancount: "include \"\(file)\"\n"
        case .hledger: "include \(file)\n"
        }
    }

    /// The transaction of an event; empty when it posts nothing.
    ///
    /// - Throws: when the event says too little for its rule.
    public mutating func transaction(_ event: Event) throws(PostingError) -> String {
        let postings = try Posting.postings(of: event.content)
        guard !postings.isEmpty else { return "" }
        try balance.add(postings)
        transactionCount += 1
        let day = event.content.recordedAt.rfc3339.prefix(10)
        guard let month = CalendarMonth(day.prefix(7)) else { throw PostingError("a day that no calendar has: \(day)") }
        // The sum of a part of what the balance sums up fits where that fits.
        let sums = postings.map { Sum(name: $0.name, commodity: $0.commodity, units: $0.units) }
        for sum in sums { move(sum, in: month) }
        return transaction(
            on: String(day),
            event.content.type.rawValue,
            place: "\(event.journal)/\(event.position)",
            sums
        )
    }

    private func transaction(on day: String, _ title: String, place: String, _ sums: [Sum]) -> String {
        var text: String
        switch format {
        case .beancount: text = "\(day) * \"\(title)\"\n  place: \"\(place)\"\n"
        case .hledger: text = "\(day) * (\(place)) \(title)\n"
        }
        for sum in sums {
            text += "  \(sum.name)  \(sum.commodity.text(sum.units)) \(sum.commodity.rawValue)\n"
        }
        return text + "\n"
    }

    /// How the text ends: every account that was used, and what each must hold at the end of each month.
    public func ending() -> String {
        var text = ""
        for (name, commodity) in commodities.sorted(by: { $0.key < $1.key }) {
            switch format {
            case .beancount: text += "1970-01-01 open \(name) \(commodity.rawValue)\n"
            case .hledger: text += "account \(name)\n"
            }
        }
        text += "\n"
        var sums = opened
        for (month, changes) in moved.sorted(by: { $0.key < $1.key }) {
            if format == .hledger { text += "\(month.lastDay) * balances at the end of the day\n" }
            for (name, change) in changes.sorted(by: { $0.key < $1.key }) {
                guard let commodity = commodities[name] else { continue }
                sums[name, default: 0] &+= change
                let amount = commodity.text(sums[name, default: 0])
                switch format {
                // Without a tolerance of its own Beancount accepts a difference of one in the last place.
                case .beancount: text += "\(month.next.firstDay) balance \(name)  \(amount) ~ 0 \(commodity.rawValue)\n"
                case .hledger: text += "  \(name)  0 \(commodity.rawValue) = \(amount) \(commodity.rawValue)\n"
                }
            }
            text += "\n"
        }
        return text
    }

    private static func quotable(_ title: String) -> String {
        String(title.unicodeScalars.map { $0 == "\"" || $0 == "\\" || $0.value < 0x20 ? " " : Character($0) })
    }
}
