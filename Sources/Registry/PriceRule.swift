public import Ledger

/// What one unit of a price is.
public enum PriceBasis: String, Hashable, Sendable, CaseIterable {
    /// One price for a run.
    case perCall
    /// Times the number of images.
    case perImage
    /// Times the seconds of output.
    case perSecond
}

/// Why a run can't be priced. A run that can't be priced is refused.
public enum PricingError: Error, Hashable, Sendable {
    /// The field that says how many units are wanted is missing or no whole number above zero.
    case unknownUnits(field: String)
    /// A field that decides the price has no value, or one without a price.
    case unknownOption(field: String)
    /// The amount does not fit in 64 bits.
    case overflow
}

/// The most a run can cost, and what that was worked out from.
public struct Quote: Hashable, Sendable {
    /// The most the customer can be charged for the run.
    public let amount: Credits
    /// How many units were asked for: 1 for a price per call.
    public let units: Int64
    /// What one unit costs with the options chosen.
    public let unitPrice: Credits
    /// The version of the price rule used.
    public let priceVersion: Int32
    /// The version of the definition used.
    public let definitionVersion: Int32
    /// What the provider is expected to charge us.
    public let wholesale: MicroUSD

    /// Makes a quote.
    public init(
        amount: Credits,
        units: Int64,
        unitPrice: Credits,
        priceVersion: Int32,
        definitionVersion: Int32,
        wholesale: MicroUSD
    ) {
        self.amount = amount
        self.units = units
        self.unitPrice = unitPrice
        self.priceVersion = priceVersion
        self.definitionVersion = definitionVersion
        self.wholesale = wholesale
    }
}

/// A versioned rule that turns inputs into an amount: unit price × multipliers of the chosen options × units.
public struct PriceRule: Hashable, Sendable {
    /// The version of the rule, counted up with every change of a price.
    public let version: Int32
    /// What one unit is.
    public let basis: PriceBasis
    /// The field with the number of units; nil for a price per call.
    public let unitsField: String?
    /// What one unit costs before multipliers.
    public let base: BasePrice
    /// Per field, what each of its values does to the unit price.
    public let multipliers: [String: [String: Multiplier]]
    /// What the provider charges us for one unit.
    public let wholesalePerUnit: MicroUSD

    /// Where the unit price comes from.
    public enum BasePrice: Hashable, Sendable {
        /// The same for every run.
        case fixed(Credits)
        /// Chosen by the value of a field.
        case byField(String, [String: Credits])
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
        guard let unitsField else { return 1 }
        guard let text = inputs[unitsField]?.scalarText, let units = Int64(text), units > 0 else {
            throw .unknownUnits(field: unitsField)
        }
        return units
    }

    /// What one unit costs with the options chosen.
    func unitPrice(for inputs: ValidatedInputs) throws(PricingError) -> Credits {
        let price: Credits
        switch base {
        case .fixed(let fixed): price = fixed
        case .byField(let field, let prices):
            guard let value = inputs[field]?.scalarText, let chosen = prices[value] else {
                throw .unknownOption(field: field)
            }
            price = chosen
        }
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

    /// What the provider charges us for so many units.
    func wholesale(units: Int64) throws(PricingError) -> MicroUSD {
        let (product, overflow) = wholesalePerUnit.microdollars.multipliedReportingOverflow(by: units)
        guard !overflow else { throw .overflow }
        return MicroUSD(microdollars: product)
    }
}
