public import Ledger

/// A day of UTC, printed and stored as `2027-01-31`.
public struct Day: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01.
    public let number: Int64

    /// The day with a number since 1970-01-01.
    public init(number: Int64) { self.number = number }

    /// The day that a moment is in.
    public init(_ moment: Timestamp) { self.number = moment.microseconds / Self.microseconds }

    /// Reads `2027-01-31`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 10, let moment = Timestamp(rfc3339: "\(text)T00:00:00Z") else { return nil }
        self.init(moment)
    }

    /// Reads a day, or a moment: RFC 3339, the same with a blank and without a zone (then UTC), or Unix seconds or
    /// milliseconds. Nil for anything else.
    public init?(reading text: String) {
        if let day = Day(text) {
            self = day
            return
        }
        if let number = Int64(text), number > 0 {
            // 10 digits of seconds reach the year 2286, 13 of milliseconds the same.
            guard text.utf8.count == 10 || text.utf8.count == 13 else { return nil }
            self.init(number: number / (text.utf8.count == 10 ? 86_400 : 86_400_000))
            return
        }
        var moment = text.replacing(" UTC", with: "Z")
        if moment.utf8.count > 10, Array(moment.utf8)[10] == UInt8(ascii: " ") {
            moment = "\(moment.prefix(10))T\(moment.dropFirst(11))"
        }
        guard let read = Timestamp(rfc3339: moment) ?? Timestamp(rfc3339: moment + "Z") else { return nil }
        self.init(read)
    }

    /// Its first moment.
    public var start: Timestamp { Timestamp(microseconds: number * Self.microseconds) }
    /// The day after.
    public var next: Day { Day(number: number + 1) }
    /// `2027-01-31`.
    public var description: String { String(start.rfc3339.prefix(10)) }
    /// Orders by time.
    public static func < (left: Day, right: Day) -> Bool { left.number < right.number }

    private static let microseconds: Int64 = 86_400_000_000
}
