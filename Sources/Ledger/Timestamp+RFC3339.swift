extension Timestamp {
    /// The moment as RFC 3339 in UTC with six decimals, such as `2026-01-02T03:04:05.678901Z`.
    public var rfc3339: String {
        let day = microseconds.flooredQuotient(86_400_000_000)
        let inDay = microseconds - day * 86_400_000_000
        // Days to a date in the proleptic Gregorian calendar, counted from 0000-03-01 in eras of 400 years.
        let shifted = day + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let seconds = inDay / 1_000_000
        return "\(year.padded(4))-\(month.padded(2))-\(dayOfMonth.padded(2))T\((seconds / 3_600).padded(2)):"
            + "\((seconds / 60 % 60).padded(2)):\((seconds % 60).padded(2)).\((inDay % 1_000_000).padded(6))Z"
    }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    fileprivate func padded(_ width: Int) -> String {
        let text = String(self)
        return String(repeating: "0", count: Swift.max(0, width - text.utf8.count)) + text
    }
}

extension Timestamp {
    /// Reads RFC 3339, such as `2026-01-02T03:04:05.678901+02:00`; nil for anything else, and before 1970.
    public init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        func digits(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count, bytes[range].allSatisfy({ (48...57).contains($0) }) else {
                return nil
            }
            return bytes[range].reduce(0) { $0 * 10 + Int64($1 - 48) }
        }
        func isAt(_ index: Int, _ characters: StaticString) -> Bool {
            index < bytes.count && characters.withUTF8Buffer { $0.contains(bytes[index]) }
        }
        guard let year = digits(0..<4), isAt(4, "-"), let month = digits(5..<7), isAt(7, "-"),
            let day = digits(8..<10), isAt(10, "Tt "), let hour = digits(11..<13), isAt(13, ":"),
            let minute = digits(14..<16), isAt(16, ":"), let second = digits(17..<19),
            year >= 1_970, (1...12).contains(month), (1...Self.days(of: month, year)).contains(day), hour < 24,
            minute < 60, second < 60
        else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if isAt(index, ".") {
            let start = index + 1
            index = start
            while isAt(index, "0123456789") { index += 1 }
            guard (1...9).contains(index - start), let value = digits(start..<min(index, start + 6)) else { return nil }
            fraction = (min(index - start, 6)..<6).reduce(value) { value, _ in value * 10 }
        }
        var offset: Int64 = 0
        if isAt(index, "Zz") {
            index += 1
        } else {
            guard isAt(index, "+-"), let hours = digits(index + 1..<index + 3), isAt(index + 3, ":"),
                let minutes = digits(index + 4..<index + 6), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (isAt(index, "-") ? -60 : 60)
            index += 6
        }
        guard index == bytes.count else { return nil }
        let days = Self.dayNumber(year, month, day)
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }

    private static func days(of month: Int64, _ year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return switch month {
        case 2: isLeap ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01; years start in March here, so that the leap day is the last.
    private static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
