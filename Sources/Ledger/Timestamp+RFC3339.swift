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
