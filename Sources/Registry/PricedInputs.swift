public import Ledger

/// What a price depends on, as it is recorded with a run: enough to price the run again, and nothing that its owner wrote.
extension ModelDefinition {
    /// The values of the inputs that the price looks at, as text by field: options and numbers, never a prompt.
    public func pricedInputs(_ inputs: ValidatedInputs) -> [String: String] {
        var fields: Set<String>
        switch price.rates {
        case .tokens(let rates): fields = [rates.outputCapField]
        case .units(let rates):
            fields = Set(rates.multipliers.keys)
            switch rates.count {
            case .one: break
            case .field(let field), .byField(let field, _): fields.insert(field)
            }
            if case .byField(let field, _) = rates.base { fields.insert(field) }
            if case .byField(let field, _) = rates.wholesale { fields.insert(field) }
        }
        var values: [String: String] = [:]
        for field in fields { values[field] = inputs[field]?.scalarText }
        return values
    }

    /// Prices a run that succeeded by this definition, from what was recorded of it.
    ///
    /// - Parameters:
    ///   - inputs: what `pricedInputs(_:)` gave when it was admitted.
    ///   - delivered: what its provider reported.
    /// - Returns: the most it could have cost, nil for a price per token, whose most depends on the length of the inputs;
    ///   and what it cost.
    /// - Throws: when the price looks at something that was not recorded, or does not know its value.
    public func price(
        recorded inputs: [String: String],
        delivered: DeliveredUsage
    ) throws(PricingError) -> (most: Credits?, cost: Credits) {
        let inputs = ValidatedInputs(values: inputs.mapValues { .string($0) })
        switch price.rates {
        case .units: return (try quote(inputs).amount, try actualCost(inputs, delivered: delivered))
        case .tokens(let rates):
            guard let input = delivered.inputTokens, let output = delivered.outputTokens else {
                throw .unknownUnits(field: "tokens")
            }
            return (nil, try rates.amount(of: TokenRates.Tokens(input: input, output: output)))
        }
    }
}

extension DeliveredUsage {
    /// What the provider reported, by name; what it did not report is left out.
    public var reported: [String: Int64] {
        var numbers: [String: Int64] = [:]
        numbers["units"] = units
        numbers["input_tokens"] = inputTokens
        numbers["output_tokens"] = outputTokens
        return numbers
    }

    /// Reads back what was reported.
    public init(reported numbers: [String: Int64]) {
        self.init(
            units: numbers["units"],
            cost: nil,
            inputTokens: numbers["input_tokens"],
            outputTokens: numbers["output_tokens"]
        )
    }
}
