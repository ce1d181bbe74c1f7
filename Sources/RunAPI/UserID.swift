import Ledger
import Registry

extension AccountID {
    /// Reads an account's id as the API shows it, `u_` and the id, or the id alone; nil for anything else.
    init?(userID text: String) {
        self.init(text: text.hasPrefix("u_") ? String(text.dropFirst(2)) : text)
    }
}

extension JSONValue {
    /// An account's id as the API shows it: `u_` and the id.
    static func userID(_ account: AccountID) -> JSONValue { .string("u_\(account)") }

    /// A number of units of 10 to the minus `decimals`, exactly, without trailing zeros and never in exponent form.
    static func number(_ units: Int64, decimals: Int) -> JSONValue {
        let digits = String(units.magnitude)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.utf8.count)) + digits
        var fraction = padded.suffix(decimals)
        while fraction.last == "0" { fraction.removeLast() }
        let whole = (units < 0 ? "-" : "") + padded.dropLast(decimals)
        return .decimal(fraction.isEmpty ? whole : "\(whole).\(fraction)")
    }
}
