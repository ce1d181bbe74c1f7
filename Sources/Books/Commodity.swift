/// What the books count. Amounts are whole numbers of the commodity's smallest unit.
public enum Commodity: String, Hashable, Comparable, Sendable, CaseIterable {
    /// Credits, in micro-credits.
    case credit = "CREDIT"
    /// What providers charge, in micro-dollars.
    case usd = "USD"
    /// Free runs of grants, in runs.
    case grantRun = "GRANTRUN"

    /// Decimals of an amount as people write it: its smallest unit is 10^-decimals of one.
    public var decimals: Int {
        switch self {
        case .credit, .usd: 6
        case .grantRun: 0
        }
    }

    /// An amount with all of its decimals, such as `-1.500000`: no rounding, no grouping.
    ///
    /// - Parameter units: the amount in smallest units.
    public func text(_ units: Int64) -> String {
        guard decimals > 0 else { return String(units) }
        let digits = String(units.magnitude)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.utf8.count)) + digits
        return (units < 0 ? "-" : "") + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    /// Orders by name.
    public static func < (left: Commodity, right: Commodity) -> Bool { left.rawValue < right.rawValue }
}
