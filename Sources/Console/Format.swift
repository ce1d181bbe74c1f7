import Ledger

/// Numbers and moments as the pages show them.
enum Format {
    /// A count with thin spaces between thousands.
    static func count(_ number: Int64) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append("\u{202F}") }
            text.append(digit)
        }
        return (number < 0 ? "\u{2212}" : "") + text
    }

    /// Credits with all the decimals they have.
    static func credits(_ amount: Credits) -> String {
        let text = amount.description
        let unsigned = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let parts = unsigned.split(separator: ".")
        let whole = count(Int64(parts[0]) ?? 0)
        return (text.hasPrefix("-") ? "\u{2212}" : "") + whole + (parts.count > 1 ? "." + parts[1] : "")
    }

    /// An amount in millionths, with so many decimals.
    static func decimal(_ amount: Int64, _ decimals: Int) -> String {
        let parts = ReportCell.decimal(amount, decimals).split(separator: ".")
        let whole = count(Int64(parts[0]) ?? 0)
        // Without its whole part, the sign of what is between -1 and 0 would be lost.
        let sign = amount < 0 && whole == "0" ? "\u{2212}" : ""
        return sign + whole + (parts.count > 1 ? "." + parts[1] : "")
    }

    /// A change of credits, with its sign.
    static func change(_ amount: Credits) -> String { (amount.isPositive ? "+" : "") + credits(amount) }

    /// US dollars.
    static func dollars(_ amount: MicroUSD) -> String {
        let text = credits(Credits(microcredits: Int64(clamping: amount.microdollars.magnitude)))
        return (amount.microdollars < 0 ? "\u{2212}$" : "$") + text
    }

    /// A moment to the second, in UTC.
    static func moment(_ moment: Timestamp) -> String {
        let text = moment.rfc3339
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8))"
    }

    /// The first digits of an identifier, which tell it from others of a page.
    static func short(_ id: some CustomStringConvertible) -> String { String(id.description.prefix(8)) }

    /// A time span in the largest unit that fits.
    static func span(milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<1_000: "\(milliseconds) ms"
        case ..<60_000: "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100) s"
        case ..<3_600_000: "\(milliseconds / 60_000) min" + rest(milliseconds / 1_000 % 60, "s")
        default: "\(milliseconds / 3_600_000) h" + rest(milliseconds / 60_000 % 60, "min")
        }
    }

    private static func rest(_ number: Int64, _ unit: String) -> String { number == 0 ? "" : " \(number) \(unit)" }

    /// Credits with the word.
    static func inWords(_ amount: Credits) -> String {
        credits(amount) + (amount == Credits(whole: 1) ? " credit" : " credits")
    }
}

/// What a template is given: names and values. A member that is nil is there as `false`: the section of one that was missing
/// would take what a surrounding view has under that name.
struct View {
    private(set) var members: [String: Any] = [:]

    init(_ members: KeyValuePairs<String, Any?>) {
        for (name, value) in members { self.members[name] = value ?? false }
    }

    /// Takes over the members of another.
    mutating func add(_ other: View) { members.merge(other.members) { $1 } }

    /// A moment for a `time` element: what it shows, and what machines read.
    static func time(_ moment: Timestamp) -> [String: Any] {
        ["shown": Format.moment(moment), "exact": moment.rfc3339]
    }
}

extension Array where Element == View {
    var members: [[String: Any]] { map(\.members) }
}
