/// A decimal number as it is written, without rounding: digits times a power of ten.
public struct ExactDecimal: Hashable, Sendable, CustomStringConvertible {
    private let digits: Int128
    private let decimals: Int
    /// The number as it was written.
    public let description: String

    /// One.
    public static let one = ExactDecimal(digits: 1, decimals: 0, description: "1")

    private init(digits: Int128, decimals: Int, description: String) {
        self.digits = digits
        self.decimals = decimals
        self.description = description
    }

    /// Reads `-12.50`, `+0.1` or `1.5e-05`: up to 30 digits, exponents from -30 to 30. Nil for anything else, such as digits
    /// in groups.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        guard (1...2).contains(parts.count) else { return nil }
        var exponent = 0
        if parts.count == 2 {
            guard let number = Int(parts[1]), (-30...30).contains(number) else { return nil }
            exponent = number
        }
        var number = parts[0]
        let isNegative = number.hasPrefix("-")
        if isNegative || number.hasPrefix("+") { number = number.dropFirst() }
        let halves = number.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(halves.count), !halves[0].isEmpty else { return nil }
        let all = halves.joined()
        guard (1...30).contains(all.utf8.count), all.utf8.allSatisfy({ (48...57).contains($0) }),
            halves.count == 1 || !halves[1].isEmpty, var digits = Int128(all)
        else { return nil }
        var decimals = (halves.count == 2 ? halves[1].utf8.count : 0) - exponent
        // Zeros at the end say nothing, and would only use up room.
        while digits != 0, digits % 10 == 0, decimals > 0 {
            digits /= 10
            decimals -= 1
        }
        while decimals < 0, digits != 0 {
            let (product, overflow) = digits.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            digits = product
            decimals += 1
        }
        self.init(
            digits: isNegative ? -digits : digits,
            decimals: digits == 0 ? 0 : decimals,
            description: String(text)
        )
    }

    /// Whether it is above zero.
    public var isPositive: Bool { digits > 0 }

    /// The product with two others in millionths, rounded half to even; nil when it does not fit in 64 bits.
    public func millionths(times factor: ExactDecimal, _ other: ExactDecimal) -> Int64? {
        let (first, isTooLarge) = digits.multipliedReportingOverflow(by: factor.digits)
        let (product, overflow) = first.multipliedReportingOverflow(by: other.digits)
        guard !isTooLarge, !overflow else { return nil }
        let shift = decimals + factor.decimals + other.decimals - 6
        guard shift > 0 else {
            guard let scale = Self.power(-shift) else { return product == 0 ? 0 : nil }
            let (scaled, overflow) = product.multipliedReportingOverflow(by: scale)
            return overflow ? nil : Int64(exactly: scaled)
        }
        // More than 38 places: the whole number is below half a millionth, as 39 digits do not fit.
        guard let scale = Self.power(shift) else { return 0 }
        var (quotient, remainder) = product.quotientAndRemainder(dividingBy: scale)
        let half = scale / 2
        if remainder.magnitude > half.magnitude || (remainder.magnitude == half.magnitude && quotient % 2 != 0) {
            quotient += remainder < 0 ? -1 : 1
            remainder = 0
        }
        return Int64(exactly: quotient)
    }

    private static func power(_ exponent: Int) -> Int128? {
        guard exponent <= 38 else { return nil }
        return (0..<exponent).reduce(Int128(1)) { power, _ in power * 10 }
    }
}
