public import Ledger

/// How operators write amounts, times and names; what can't be read is told with the rule that it breaks.
public enum OperatorText {
    /// Credits above zero, such as `250` or `12.5`.
    public static func amount(_ text: String) throws(OperationError) -> Credits {
        guard let amount = Credits(decimal: text), amount.isPositive else {
            throw OperationError(.usage, "`\(text)` is no amount: it must be a number above 0 with at most 6 decimals.")
        }
        return amount
    }

    /// A moment: RFC 3339 such as `2027-01-31T00:00:00Z`, a date, or a span from now such as `30d`, `12h` or `15m`.
    public static func moment(_ text: String, now: Timestamp) throws(OperationError) -> Timestamp {
        if let unit = text.last, let seconds = ["d": 86_400, "h": 3_600, "m": 60][unit] as Int64?,
            let count = Int64(text.dropLast()), (1...100_000_000).contains(count)
        {
            return now.adding(seconds: count * seconds)
        }
        guard let moment = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: text + "T00:00:00Z") else {
            throw OperationError(
                .usage,
                "`\(text)` is no moment: write it like 2027-01-31T12:00:00Z, or 2027-01-31, or 30d for 30 days from now."
            )
        }
        return moment
    }

    /// An id in the 8-4-4-4-12 form.
    public static func id<ID: LedgerIdentifier>(_ text: String, of kind: String) throws(OperationError) -> ID {
        guard let id = ID(text: text) else {
            throw OperationError(
                .usage,
                "`\(text)` is no id of \(kind): it has 32 hexadecimal digits, like "
                    + "019ab5d0-7c1e-7000-8f3a-5b1c2d3e4f50."
            )
        }
        return id
    }

    /// A capability.
    public static func capability(_ text: String) throws(OperationError) -> Capability {
        guard let capability = Capability(text) else {
            throw OperationError(
                .usage,
                "`\(text)` is no capability: write model:run, model:NAME:run, workflow:run, workflow:SLUG:run, "
                    + "workflow:read, workflow:write, execution:read, execution:cancel, webhook:receive or agent:invoke; "
                    + "an admin's key may hold * or RESOURCE:* too."
            )
        }
        return capability
    }

    /// The id of an account, with or without the `u_` that the API puts before it.
    public static func account(_ text: String) throws(OperationError) -> AccountID {
        try id(text.hasPrefix("u_") ? String(text.dropFirst(2)) : text, of: "an account")
    }

    /// An address of e-mail: something before one `@`, something after it, no blanks, 254 bytes at most.
    public static func email(_ text: String) throws(OperationError) -> String {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        let isPlain = text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), isPlain, text.utf8.count <= 254 else {
            throw OperationError(
                .usage,
                "`\(text.prefix(40))` is no address of e-mail: it is like name@example.com, at most 254 bytes."
            )
        }
        return text
    }

    /// The name of a model.
    public static func model(_ text: String) throws(OperationError) -> String {
        guard Slug.isValid(text) else {
            throw OperationError(
                .usage,
                "`\(text)` is no name of a model: it has 1 to \(Slug.longest) lower-case letters, digits and hyphens."
            )
        }
        return text
    }

    /// A label of at most so many bytes, on one line.
    public static func label(_ text: String, longest: Int) throws(OperationError) -> String {
        guard (1...longest).contains(text.utf8.count), !text.unicodeScalars.contains(where: { $0.value < 32 }) else {
            throw OperationError(
                .usage,
                "`\(text.prefix(40))` can't be taken: it must be one line of 1 to \(longest) bytes."
            )
        }
        return text
    }

    /// A whole number within bounds.
    public static func number(_ text: String, in range: ClosedRange<Int64>) throws(OperationError) -> Int64 {
        guard let number = Int64(text), range.contains(number) else {
            throw OperationError(
                .usage,
                "`\(text)` is out of bounds: it must be a whole number from \(range.lowerBound) to \(range.upperBound)."
            )
        }
        return number
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
