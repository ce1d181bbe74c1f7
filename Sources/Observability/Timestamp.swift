/// Times as logs show them.
enum Timestamp {
    /// `2026-01-31T23:59:59.000001Z` as ASCII, without Foundation's formatter, which takes longer than the rest of a line.
    ///
    /// - Parameters:
    ///   - unixSeconds: whole seconds since 1970, from the year 0 to 9999.
    ///   - microseconds: 0 to 999,999.
    static func iso8601(unixSeconds: Int, microseconds: Int) -> [UInt8] {
        let secondOfDay = ((unixSeconds % 86_400) + 86_400) % 86_400
        let date = civilDate(dayNumber: (unixSeconds - secondOfDay) / 86_400)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(27)
        append(date.year, digits: 4, to: &bytes, before: "-")
        append(date.month, digits: 2, to: &bytes, before: "-")
        append(date.day, digits: 2, to: &bytes, before: "T")
        append(secondOfDay / 3600, digits: 2, to: &bytes, before: ":")
        append(secondOfDay / 60 % 60, digits: 2, to: &bytes, before: ":")
        append(secondOfDay % 60, digits: 2, to: &bytes, before: ".")
        append(microseconds, digits: 6, to: &bytes, before: "Z")
        return bytes
    }

    /// Gregorian date of a day counted from 1970-01-01: years start in March, so that the leap day is the last.
    private static func civilDate(dayNumber: Int) -> (year: Int, month: Int, day: Int) {
        // 719,468 days lie between 0000-03-01 and 1970-01-01; 400 years have 146,097 days.
        let shifted = dayNumber + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // 153 days in each five months from March.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func append(_ number: Int, digits: Int, to bytes: inout [UInt8], before separator: Unicode.Scalar) {
        var divisor = (1..<digits).reduce(1) { value, _ in value * 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
        bytes.append(UInt8(ascii: separator))
    }
}
