public import Ledger
import LedgerStore

/// How operators write amounts, times and names; what can't be read is told with the rule that it breaks.
public enum OperatorText {
    /// Credits above zero, such as `250` or `12.5`.
    public static func amount(_ text: String) throws(OperationError) -> Credits {
        guard let amount = Credits(decimal: text), amount.isPositive else {
            throw OperationError(.usage, "`\(text)` is no amount: it must be a number above 0 with at most 6 decimals.")
        }
        return amount
    }

    /// What a credit is sold for in USD, such as `0.01`, as a plain decimal.
    public static func price(_ text: String) throws(OperationError) -> String {
        guard let price = Credits(decimal: text), price.isPositive else {
            throw OperationError(.usage, "`\(text)` is no price: it must be a number above 0 with at most 6 decimals.")
        }
        return price.description
    }

    /// Credits other than zero, such as `-12.5`.
    public static func signedAmount(_ text: String) throws(OperationError) -> Credits {
        guard let amount = Credits(decimal: text), amount != .zero else {
            throw OperationError(
                .usage,
                "`\(text)` is no amount: it must be a number other than 0 with at most 6 decimals."
            )
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

    /// A month of the books, such as `2027-01`.
    public static func month(_ text: String) throws(OperationError) -> CalendarMonth {
        guard let month = CalendarMonth(text) else {
            throw OperationError(.usage, "`\(text)` is no month: write it like 2027-01, from 1970-01 to 9998-12.")
        }
        return month
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

    /// A reference of the payment provider's, such as `cus_1`.
    public static func reference(_ text: String) throws(OperationError) -> String {
        guard PaymentMethod.isReference(text) else {
            let form = "1 to \(PaymentMethod.longestReference) printable characters without a space"
            throw OperationError(.usage, "`\(text.prefix(40))` is no reference: it must have \(form).")
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
