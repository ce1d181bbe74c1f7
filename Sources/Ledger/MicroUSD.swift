/// What a provider charges us, in whole micro-dollars (1 USD = 1,000,000 micro-USD). Checked arithmetic, never a float.
public struct MicroUSD: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The amount in micro-USD.
    public let microdollars: Int64

    /// Nothing.
    public static let zero = MicroUSD(microdollars: 0)

    /// Makes an amount from a count of micro-dollars.
    public init(microdollars: Int64) {
        self.microdollars = microdollars
    }

    /// The amount in USD as a plain decimal: at most six decimals, no trailing zeros, never an exponent.
    public var description: String { Credits(microcredits: microdollars).description }

    /// Orders by amount.
    public static func < (left: MicroUSD, right: MicroUSD) -> Bool { left.microdollars < right.microdollars }

    /// The sum; traps on overflow.
    public static func + (left: MicroUSD, right: MicroUSD) -> MicroUSD {
        MicroUSD(microdollars: left.microdollars + right.microdollars)
    }
}
