public import Ledger

/// What one unit of a price is.
public enum PriceBasis: String, Hashable, Sendable, CaseIterable {
    /// One price for a run.
    case perCall
    /// Times the number of images.
    case perImage
    /// Times the seconds of output.
    case perSecond
    /// By the tokens that the model reads and writes.
    case perToken
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
    /// How many units were asked for: 1 for a price per call or per token.
    public let units: Int64
    /// What one unit costs with the options chosen; for a price per token, the amount.
    public let unitPrice: Credits
    /// The version of the price rule used.
    public let priceVersion: Int32
    /// The version of the definition used.
    public let definitionVersion: Int32
    /// What the provider is expected to charge us; for a price per token, the most.
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

/// A versioned rule that turns inputs into an amount.
public struct PriceRule: Hashable, Sendable {
    /// The version of the rule, counted up with every change of a price.
    public let version: Int32
    /// What one unit is.
    public let basis: PriceBasis
    /// What a unit costs.
    public let rates: Rates

    /// What a unit costs.
    public enum Rates: Hashable, Sendable {
        /// Calls, images or seconds.
        case units(UnitRates)
        /// Tokens.
        case tokens(TokenRates)
    }

    /// Whether what is charged depends on how many outputs come.
    public var countsOutputs: Bool {
        guard case .units(let rates) = rates else { return false }
        return basis == .perImage || rates.outputsPerCall != nil
    }

    /// The most that a run with these inputs can cost, in the terms of a quote.
    func most(for inputs: ValidatedInputs) throws(PricingError) -> (
        amount: Credits, units: Int64, unitPrice: Credits, wholesale: MicroUSD
    ) {
        switch rates {
        case .units(let rates):
            let units = try rates.units(of: inputs)
            let unitPrice = try rates.unitPrice(for: inputs)
            let amount = try UnitRates.total(unitPrice, units: units)
            return (amount, units, unitPrice, try rates.wholesale(units: units, inputs: inputs))
        case .tokens(let rates):
            let tokens = try rates.most(for: inputs)
            let amount = try rates.amount(of: tokens)
            return (amount, 1, amount, try rates.wholesale(of: tokens))
        }
    }

    /// What the customer owes for what was delivered; may be above the quote.
    func cost(of delivered: DeliveredUsage, inputs: ValidatedInputs) throws(PricingError) -> Credits {
        switch rates {
        case .units(let rates):
            let unitPrice = try rates.unitPrice(for: inputs)
            let total = try UnitRates.total(unitPrice, units: try units(delivered, rates, inputs))
            return basis == .perCall ? rates.share(of: total, delivered: delivered.units) : total
        case .tokens(let rates): return try rates.amount(of: try rates.tokens(of: delivered, inputs: inputs))
        }
    }

    /// What the provider charges us for what was delivered, by its wholesale price.
    func wholesale(of delivered: DeliveredUsage, inputs: ValidatedInputs) throws(PricingError) -> MicroUSD {
        switch rates {
        case .units(let rates):
            return try rates.wholesale(units: try units(delivered, rates, inputs), inputs: inputs)
        case .tokens(let rates): return try rates.wholesale(of: try rates.tokens(of: delivered, inputs: inputs))
        }
    }

    private func units(
        _ delivered: DeliveredUsage,
        _ rates: UnitRates,
        _ inputs: ValidatedInputs
    ) throws(PricingError) -> Int64 {
        let asked = try rates.units(of: inputs)
        return basis == .perCall ? asked : delivered.units ?? asked
    }
}
