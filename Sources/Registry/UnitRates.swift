public import Ledger

/// A price for units: unit price × multipliers of the chosen options × units.
public struct UnitRates: Hashable, Sendable {
    /// How many units a run asks for.
    public let count: UnitCount
    /// What one unit costs before multipliers.
    public let base: OptionTable<Credits>
    /// Per field, what each of its values does to the unit price.
    public let multipliers: [String: [String: Multiplier]]
    /// What the provider charges us for one unit.
    public let wholesale: OptionTable<MicroUSD>
    /// How many outputs the price of a call is for; nil where it does not depend on what comes.
    public let outputsPerCall: Int64?

    /// How many units a run asks for.
    public enum UnitCount: Hashable, Sendable {
        /// One.
        case one
        /// The value of a field.
        case field(String)
        /// At most what the chosen value of a field stands for: for output whose length the inputs do not say.
        case byField(String, [String: Int64])
    }

    /// A value that is the same for every run, or chosen by the value of a field.
    public enum OptionTable<Value: Hashable & Sendable>: Hashable, Sendable {
        /// The same for every run.
        case fixed(Value)
        /// Chosen by the value of a field.
        case byField(String, [String: Value])

        /// Every value that a run can lead to.
        var all: [Value] {
            switch self {
            case .fixed(let value): [value]
            case .byField(_, let table): Array(table.values)
            }
        }

        /// The value that the inputs lead to.
        func value(for inputs: ValidatedInputs) throws(PricingError) -> Value {
            switch self {
            case .fixed(let value): return value
            case .byField(let field, let table):
                guard let text = inputs[field]?.scalarText, let chosen = table[text] else {
                    throw .unknownOption(field: field)
                }
                return chosen
            }
        }
    }

    /// A factor with at most six decimals, above zero.
    public struct Multiplier: Hashable, Sendable {
        /// The factor in millionths.
        public let millionths: Int64

        /// Makes a factor from millionths.
        public init(millionths: Int64) { self.millionths = millionths }
    }

    /// How many units the inputs ask for.
    func units(of inputs: ValidatedInputs) throws(PricingError) -> Int64 {
        switch count {
        case .one: return 1
        case .field(let field):
            guard let text = inputs[field]?.scalarText, let units = Int64(text), units > 0 else {
                throw .unknownUnits(field: field)
            }
            return units
        case .byField(let field, let table):
            guard let text = inputs[field]?.scalarText, let units = table[text] else {
                throw .unknownUnits(field: field)
            }
            return units
        }
    }

    /// What one unit costs with the options chosen.
    func unitPrice(for inputs: ValidatedInputs) throws(PricingError) -> Credits {
        let price = try base.value(for: inputs)
        var chosen: [Multiplier] = []
        for (field, factors) in multipliers {
            guard let value = inputs[field]?.scalarText, let factor = factors[value] else {
                throw .unknownOption(field: field)
            }
            chosen.append(factor)
        }
        return try Self.scaled(price, by: chosen)
    }

    /// A price times factors, rounded up to a whole micro-credit once, after all of them.
    static func scaled(_ price: Credits, by factors: [Multiplier]) throws(PricingError) -> Credits {
        var product = Int128(price.microcredits)
        var divisor: Int128 = 1
        for factor in factors {
            let (next, overflow) = product.multipliedReportingOverflow(by: Int128(factor.millionths))
            guard !overflow else { throw .overflow }
            // At most four factors have a price, so the divisor is at most 10^24.
            (product, divisor) = (next, divisor * 1_000_000)
        }
        let rounded = product / divisor + (product % divisor > 0 ? 1 : 0)
        guard let amount = Int64(exactly: rounded) else { throw .overflow }
        return Credits(microcredits: amount)
    }

    /// Price × units.
    static func total(_ unitPrice: Credits, units: Int64) throws(PricingError) -> Credits {
        guard let total = unitPrice.multiplied(by: units) else { throw .overflow }
        return total
    }

    /// What a call costs that delivered so many outputs: their share of its price, rounded up to a whole micro-credit, and
    /// never more than the price.
    func share(of price: Credits, delivered: Int64?) -> Credits {
        guard let outputsPerCall, let delivered, delivered < outputsPerCall else { return price }
        let product = Int128(price.microcredits) * Int128(max(delivered, 0))
        let rounded = (product + Int128(outputsPerCall) - 1) / Int128(outputsPerCall)
        // Less than the price, so it fits.
        return Credits(microcredits: Int64(rounded))
    }

    /// What the provider charges us for so many units.
    func wholesale(units: Int64, inputs: ValidatedInputs) throws(PricingError) -> MicroUSD {
        let each = try wholesale.value(for: inputs).microdollars
        let (product, overflow) = each.multipliedReportingOverflow(by: units)
        guard !overflow else { throw .overflow }
        return MicroUSD(microdollars: product)
    }

    /// The cheapest and the dearest unit price that options can lead to; nil when the dearest does not fit in 64 bits.
    public var range: ClosedRange<Credits>? {
        let prices = base.all.sorted()
        let factors = multipliers.values.map { $0.values.sorted { $0.millionths < $1.millionths } }
        guard let low = prices.first, let high = prices.last,
            let least = try? Self.scaled(low, by: factors.compactMap(\.first)),
            let most = try? Self.scaled(high, by: factors.compactMap(\.last))
        else { return nil }
        return least...most
    }
}
