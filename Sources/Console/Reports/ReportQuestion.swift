import Ledger
import Registry

/// What a page of reports was asked for.
struct ReportQuestion: Hashable, Sendable {
    /// What the runs of a report are told apart by.
    enum Grouping: String, Hashable, Sendable, CaseIterable {
        case day, month, model, tier, provider, detail

        /// Its name on the page.
        var name: String {
            switch self {
            case .tier: "plan"
            case .detail: "day, model, plan and provider"
            default: rawValue
            }
        }
    }

    /// The first day that counts; nil for no bound.
    var from: String?
    /// The first day that no longer counts; nil for no bound.
    var until: String?
    /// What a credit is worth, in millionths of a dollar; nil when it was not said.
    var price: Int64?
    /// The same as it was said.
    var priceText: String?
    /// What runs are told apart by; nil for the report's own way.
    var grouping: Grouping?
    /// The table and the column that rows are sorted by; nil for the report's own order.
    var sort: String?
    var isDescending = false

    /// Reads a query. Without a period, it is the month that a moment is in.
    init(_ query: [String: String], at now: Timestamp) throws {
        func day(_ name: String) throws -> String? {
            guard let text = query[name], !text.isEmpty else { return nil }
            guard text.utf8.count == 10, Timestamp(rfc3339: text + "T00:00:00Z") != nil else {
                throw ConsoleRefusal.invalid("\(name): a day such as 2026-01-31 is needed, from 1970 on.")
            }
            return text
        }
        from = try day("from")
        until = try day("until")
        if let from, let until, from >= until {
            throw ConsoleRefusal.invalid("until: a day after \(from) is needed; it is the first that no longer counts.")
        }
        if query["from"] == nil, query["until"] == nil, let month = CalendarMonth(now) {
            from = month.firstDay
            until = month.next.firstDay
        }
        if let text = query["price"]?.trimmed, !text.isEmpty {
            price = try Self.price(text)
            priceText = text
        }
        if let text = query["by"], !text.isEmpty {
            guard let grouping = Grouping(rawValue: text) else {
                let known = Grouping.allCases.map(\.rawValue).joined(separator: ", ")
                throw ConsoleRefusal.invalid("by: one of \(known) is needed.")
            }
            self.grouping = grouping
        }
        sort = query["sort"].flatMap { $0.utf8.count <= 64 ? $0 : nil }
        isDescending = query["order"] == "desc"
    }

    /// What a credit is worth: up to 6 decimals, above 0, at most 1,000 dollars.
    static func price(_ text: String) throws -> Int64 {
        let form =
            "price: what a credit is worth in USD is needed, such as 0.01: above 0, at most 1000, 6 decimals at most."
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let decimals = parts.count > 1 ? String(parts[1]) : ""
        let isPlain = (String(parts[0]) + decimals).utf8.allSatisfy { (48...57).contains($0) }
        guard isPlain, (1...4).contains(parts[0].utf8.count), decimals.utf8.count <= 6,
            parts.count == 1 || !decimals.isEmpty,
            let amount = Int64(parts[0] + decimals + String(repeating: "0", count: 6 - decimals.utf8.count)),
            (1...1_000_000_000).contains(amount)
        else { throw ConsoleRefusal.invalid(form) }
        return amount
    }

    /// Whether a day counts.
    func includes(_ day: String) -> Bool { (from.map { day >= $0 } ?? true) && (until.map { day < $0 } ?? true) }

    /// The period in words.
    var period: String {
        switch (from, until) {
        case (nil, nil): "all days"
        case (let from?, nil): "from \(from) on"
        case (nil, let until?): "before \(until)"
        case (let from?, let until?): "\(from) until before \(until)"
        }
    }

    /// The same question as a query, or one sorted otherwise, or of another period.
    func query(
        sort: String? = nil,
        isDescending: Bool? = nil,
        period: (from: String, until: String)? = nil
    ) -> String {
        var parts = ["from=\(period?.from ?? from ?? "")", "until=\(period?.until ?? until ?? "")"]
        if let priceText { parts.append("price=\(priceText.percentEncoded)") }
        if let grouping { parts.append("by=\(grouping.rawValue)") }
        if let sort = sort ?? self.sort {
            parts.append("sort=\(sort.percentEncoded)")
            if isDescending ?? self.isDescending { parts.append("order=desc") }
        }
        return parts.joined(separator: "&")
    }
}
