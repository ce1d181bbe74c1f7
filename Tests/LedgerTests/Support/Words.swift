import HistoryTestSupport
import Ledger

/// A line of a rule sheet that can't be understood.
struct SheetError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The words of a line, taken from the left.
struct Words {
    /// Midnight of the day on which every rule sheet plays: 2026-01-01T00:00:00Z.
    static let midnight = RandomHistory.midnight

    private var rest: ArraySlice<Substring>

    init(_ line: some StringProtocol) {
        self.rest = String(line).split(separator: " ")[...].map { $0 }[...]
    }

    var isEmpty: Bool { rest.isEmpty }
    var remaining: String { rest.joined(separator: " ") }

    /// Takes these words if they come next.
    mutating func take(_ words: String) -> Bool {
        let wanted = words.split(separator: " ")
        guard rest.starts(with: wanted) else { return false }
        rest = rest.dropFirst(wanted.count)
        return true
    }

    mutating func word(_ what: String) throws(SheetError) -> String {
        guard let first = rest.popFirst() else { throw SheetError("\(what) is missing") }
        return String(first)
    }

    mutating func credits() throws(SheetError) -> Credits {
        let text = try word("an amount")
        guard let amount = Credits(decimal: text) else { throw SheetError("\(text) is no amount") }
        return amount
    }

    mutating func number() throws(SheetError) -> Int64 {
        let text = try word("a number")
        guard let number = Int64(text) else { throw SheetError("\(text) is no number") }
        return number
    }

    /// A length of time such as `90s`, `5m`, `2h` or `1d`, in seconds.
    mutating func seconds() throws(SheetError) -> Int64 {
        let text = try word("a length of time")
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()) else {
            throw SheetError("\(text) is no length of time")
        }
        return count * unit
    }

    /// A time of day such as `10:00` or `10:00:59.999999`.
    mutating func time() throws(SheetError) -> Timestamp {
        let text = try word("a time")
        let parts = text.split(separator: ":")
        guard (2...3).contains(parts.count), let hours = Int64(parts[0]), let minutes = Int64(parts[1]),
            let seconds = parts.count == 3 ? Credits(decimal: parts[2]) : .zero
        else { throw SheetError("\(text) is no time") }
        let whole = Timestamp(microseconds: Self.midnight.microseconds + seconds.microcredits)
        return whole.adding(seconds: hours * 3_600 + minutes * 60)
    }

    mutating func tier() throws(SheetError) -> Tier {
        let text = try word("a plan")
        guard let tier = Tier(rawValue: text) else { throw SheetError("\(text) is no plan") }
        return tier
    }

    func end() throws(SheetError) {
        guard isEmpty else { throw SheetError("\"\(remaining)\" means nothing here") }
    }
}

extension Timestamp {
    /// The time of day, as rule sheets write it; fractions of a second are cut off.
    var clock: String {
        let seconds = (microseconds - Words.midnight.microseconds) / 1_000_000
        let pad = { (value: Int64) in value < 10 ? "0\(value)" : "\(value)" }
        let time = "\(pad(seconds / 3_600)):\(pad(seconds / 60 % 60))"
        return seconds % 60 == 0 ? time : time + ":" + pad(seconds % 60)
    }
}
