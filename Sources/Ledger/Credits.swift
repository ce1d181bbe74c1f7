/// An amount of money as the customer sees it, counted in whole micro-credits (1 credit = 1,000,000 micro-credits).
///
/// Arithmetic is checked: an overflow traps, because a wrapped balance is a broken invariant, not an error to handle.
/// No floating point is involved anywhere between the wire and the table.
public struct Credits: Hashable, Comparable, Sendable {
    /// The amount in micro-credits; may be negative for a difference.
    public let microcredits: Int64

    /// No credits at all.
    public static let zero = Credits(microcredits: 0)

    /// Micro-credits in one credit.
    public static let scale: Int64 = 1_000_000

    /// Makes an amount from a count of micro-credits.
    public init(microcredits: Int64) {
        self.microcredits = microcredits
    }

    /// Makes an amount from a count of whole credits; traps when the product does not fit.
    public init(whole: Int64) {
        self.microcredits = whole * Self.scale
    }

    /// Whether the amount is above zero.
    public var isPositive: Bool { microcredits > 0 }

    /// Whether the amount is below zero.
    public var isNegative: Bool { microcredits < 0 }

    /// Orders by amount.
    public static func < (left: Credits, right: Credits) -> Bool { left.microcredits < right.microcredits }

    /// The sum; traps on overflow.
    public static func + (left: Credits, right: Credits) -> Credits {
        Credits(microcredits: left.microcredits + right.microcredits)
    }

    /// The difference; traps on overflow.
    public static func - (left: Credits, right: Credits) -> Credits {
        Credits(microcredits: left.microcredits - right.microcredits)
    }

    /// Adds in place; traps on overflow.
    public static func += (left: inout Credits, right: Credits) { left = left + right }

    /// Subtracts in place; traps on overflow.
    public static func -= (left: inout Credits, right: Credits) { left = left - right }

    /// The negated amount; traps for the one value without a counterpart.
    public static prefix func - (value: Credits) -> Credits { Credits(microcredits: -value.microcredits) }

    /// The product with a whole count, or nil when it does not fit in 64 bits.
    public func multiplied(by count: Int64) -> Credits? {
        let (product, overflow) = microcredits.multipliedReportingOverflow(by: count)
        return overflow ? nil : Credits(microcredits: product)
    }

    /// The sum, or nil when it does not fit in 64 bits.
    public func adding(_ other: Credits) -> Credits? {
        let (sum, overflow) = microcredits.addingReportingOverflow(other.microcredits)
        return overflow ? nil : Credits(microcredits: sum)
    }
}

extension Credits {
    /// Reads a decimal number of credits with at most six decimals, such as `12`, `-0.5` or `1000.000001`.
    ///
    /// Returns nil for anything else: an exponent, a bare point, a seventh decimal, or an amount beyond 64 bits.
    public init?(decimal text: some StringProtocol) {
        var digits = Substring(text)
        let isNegative = digits.first == "-"
        if isNegative { digits = digits.dropFirst() }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = parts.first else { return nil }
        let fraction = parts.count == 2 ? parts[1] : "0"
        guard !whole.isEmpty, !fraction.isEmpty, fraction.utf8.count <= 6 else { return nil }
        let isDigits = { (part: Substring) in part.utf8.allSatisfy { (48...57).contains($0) } }
        guard isDigits(whole), isDigits(fraction) else { return nil }
        let padded = String(fraction) + String(repeating: "0", count: 6 - fraction.utf8.count)
        guard let wholeValue = Int64(whole), let fractionValue = Int64(padded) else { return nil }
        let (scaled, scaleOverflow) = wholeValue.multipliedReportingOverflow(by: Self.scale)
        let (sum, sumOverflow) = scaled.addingReportingOverflow(fractionValue)
        guard !scaleOverflow, !sumOverflow else { return nil }
        self.init(microcredits: isNegative ? -sum : sum)
    }
}

extension Credits: CustomStringConvertible {
    /// The amount in credits as a plain decimal: at most six decimals, no trailing zeros, never an exponent.
    ///
    /// The same text is a valid JSON number, which is how responses carry it (api-contract, section 8.9).
    public var description: String {
        let magnitude = microcredits.magnitude
        let scale = UInt64(Self.scale)
        let sign = isNegative ? "-" : ""
        let fraction = magnitude % scale
        guard fraction != 0 else { return sign + String(magnitude / scale) }
        let unpadded = String(fraction)
        var decimals = Substring(String(repeating: "0", count: 6 - unpadded.utf8.count) + unpadded)
        while decimals.last == "0" { decimals = decimals.dropLast() }
        return sign + String(magnitude / scale) + "." + decimals
    }
}
