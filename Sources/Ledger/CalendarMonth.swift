/// A month of UTC, printed and stored as `2027-01`.
public struct CalendarMonth: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The year, from 1970 to 9998.
    public let year: Int
    /// The month of the year, from 1 to 12.
    public let month: Int

    /// Reads `2027-01`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count == 7, parts.count == 2, parts[0].utf8.count == 4,
            text.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: "-") }),
            let year = Int(parts[0]), let month = Int(parts[1]), (1_970...9_998).contains(year),
            (1...12).contains(month)
        else { return nil }
        self.year = year
        self.month = month
    }

    /// The month that a moment is in; nil before 1970 and after 9998.
    public init?(_ moment: Timestamp) { self.init(moment.rfc3339.prefix(7)) }

    private init(_ year: Int, _ month: Int) {
        self.year = year
        self.month = month
    }

    /// The month after.
    public var next: CalendarMonth { month == 12 ? CalendarMonth(year + 1, 1) : CalendarMonth(year, month + 1) }

    /// Its first day, as `2027-01-01`.
    public var firstDay: String { "\(self)-01" }

    /// Its last day, as `2027-01-31`.
    public var lastDay: String { String(Timestamp(microseconds: end.microseconds - 1).rfc3339.prefix(10)) }

    /// The first moment that is no longer in it.
    public var end: Timestamp { next.start }

    /// Its first moment.
    public var start: Timestamp {
        guard let start = Timestamp(rfc3339: "\(firstDay)T00:00:00Z") else {
            preconditionFailure("a month that does not begin: \(self)")
        }
        return start
    }

    /// `2027-01`.
    public var description: String {
        let digits = String(year)
        return String(repeating: "0", count: 4 - digits.utf8.count) + digits + (month < 10 ? "-0" : "-") + String(month)
    }

    /// Orders by time.
    public static func < (left: CalendarMonth, right: CalendarMonth) -> Bool {
        (left.year, left.month) < (right.year, right.month)
    }
}
