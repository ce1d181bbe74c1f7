internal import Ledger
internal import Yams

extension MappingReader {
    /// The `price` of a definition, checked against its inputs: every run that the schema lets through has a price
    /// above zero that fits in 64 bits.
    func priceRule(for inputs: DeclaredInputs) -> PriceRule? {
        guard let basis = choice("rule", PriceBasis.self) else { return nil }
        let version = wholeNumber("version", in: 1...Int64(Int32.max))
        let rates: PriceRule.Rates?
        let fits: Bool
        if basis == .perToken {
            let found = tokenRates(for: inputs)
            rates = found.map { .tokens($0.rates) }
            fits = found.map { $0.rates.fits(outputTokens: $0.mostOutput) } ?? true
        } else {
            let found = unitRates(basis, for: inputs)
            rates = found.map { .units($0.rates) }
            fits = found.map { $0.rates.fits(units: $0.mostUnits) } ?? true
        }
        guard fits else {
            issues.add("the dearest run costs more than 64 bits can hold", field: path, at: node)
            return nil
        }
        guard let version, let rates else { return nil }
        return PriceRule(version: Int32(version), basis: basis, rates: rates)
    }

    private func unitRates(
        _ basis: PriceBasis,
        for inputs: DeclaredInputs
    ) -> (rates: UnitRates, mostUnits: Int64)? {
        let unitsKeys: [String] =
            switch basis {
            case .perImage: ["countField"]
            case .perSecond: ["secondsField", "secondsBy"]
            default: []
            }
        allowOnly(
            ["version", "rule", "credits", "creditsBy", "multipliers", "wholesaleMicroUSD", "wholesaleMicroUSDBy"]
                + unitsKeys + (basis == .perCall ? ["outputs"] : [])
        )
        let hasOutputs = basis == .perCall && optional("outputs") != nil
        let outputs = hasOutputs ? wholeNumber("outputs", in: 2...1_000) : nil
        let wholesale = wholesale(for: inputs)
        let base = basePrice(for: inputs)
        let multipliers = multiplierTables(for: inputs)
        let count = unitCount(unitsKeys, for: inputs)
        guard let base, let multipliers, let count, let wholesale, (outputs != nil) == hasOutputs else { return nil }
        let rates = UnitRates(
            count: count.rule,
            base: base,
            multipliers: multipliers,
            wholesale: wholesale,
            outputsPerCall: outputs
        )
        return (rates, count.most)
    }

    private func unitCount(
        _ keys: [String],
        for inputs: DeclaredInputs
    ) -> (rule: UnitRates.UnitCount, most: Int64)? {
        guard let first = keys.first else { return (.one, 1) }
        guard keys.contains("secondsBy"), optional("secondsBy") != nil else {
            guard let name = text(first, "the name of an input field"),
                let most = unitsLimit(name, key: first, inputs: inputs)
            else { return nil }
            return (.field(name), most)
        }
        guard optional(first) == nil else {
            reject("secondsBy", "\(first) and secondsBy exclude each other")
            return nil
        }
        let found = optionTable("secondsBy", inputs: inputs) { reader, node, field -> Int64? in
            guard let text = node.scalar?.string, let seconds = Int64(text), (1...1_000_000).contains(seconds) else {
                reader.issues.add("must be whole seconds from 1 to 1000000", field: field, at: node)
                return nil
            }
            return seconds
        }
        guard let found, let most = found.table.values.max() else { return nil }
        return (.byField(found.name, found.table), most)
    }

    private static let mostMicroUSD: Int64 = 1_000_000_000_000

    private func wholesale(for inputs: DeclaredInputs) -> UnitRates.OptionTable<MicroUSD>? {
        guard optional("wholesaleMicroUSDBy") != nil else {
            // A trillion micro-USD, a million dollars a unit, is surely a slip of the keyboard.
            return wholeNumber("wholesaleMicroUSD", in: 0...Self.mostMicroUSD)
                .map { .fixed(MicroUSD(microdollars: $0)) }
        }
        guard optional("wholesaleMicroUSD") == nil else {
            reject("wholesaleMicroUSDBy", "wholesaleMicroUSD and wholesaleMicroUSDBy exclude each other")
            return nil
        }
        let found = optionTable("wholesaleMicroUSDBy", inputs: inputs) { reader, node, field -> MicroUSD? in
            guard let text = node.scalar?.string, let amount = Int64(text), (0...Self.mostMicroUSD).contains(amount)
            else {
                reader.issues.add("must be a whole number from 0 to \(Self.mostMicroUSD)", field: field, at: node)
                return nil
            }
            return MicroUSD(microdollars: amount)
        }
        return found.map { .byField($0.name, $0.table) }
    }

    /// A mapping under a key that names one field, with an entry for each value of the field.
    private func optionTable<Entry>(
        _ key: String,
        inputs: DeclaredInputs,
        entry: (MappingReader, Node, String) -> Entry?
    ) -> (name: String, table: [String: Entry])? {
        guard let reader = optionalMapping(key), let name = reader.names.first, reader.names.count == 1 else {
            reject(key, "must name one field")
            return nil
        }
        return reader.table(name, inputs: inputs, entry: entry).map { (name, $0) }
    }

    func credits(_ node: Node?, field: String) -> Credits? {
        guard let node else { return nil }
        guard let text = node.scalar?.string, let credits = Credits(decimal: text), credits.isPositive else {
            issues.add("must be credits above 0 with at most six decimals, such as \"4.5\"", field: field, at: node)
            return nil
        }
        return credits
    }

    private func basePrice(for inputs: DeclaredInputs) -> UnitRates.OptionTable<Credits>? {
        guard optional("creditsBy") != nil else {
            return credits(required("credits", "credits for one unit, or creditsBy"), field: field("credits"))
                .map { .fixed($0) }
        }
        guard optional("credits") == nil else {
            reject("creditsBy", "credits and creditsBy exclude each other")
            return nil
        }
        let found = optionTable("creditsBy", inputs: inputs) { reader, node, field in
            reader.credits(node, field: field)
        }
        return found.map { .byField($0.name, $0.table) }
    }

    private func multiplierTables(for inputs: DeclaredInputs) -> [String: [String: UnitRates.Multiplier]]? {
        guard optional("multipliers") != nil else { return [:] }
        guard let reader = optionalMapping("multipliers") else { return nil }
        guard reader.names.count <= 4 else {
            reject("multipliers", "at most 4 fields can change a price")
            return nil
        }
        var tables: [String: [String: UnitRates.Multiplier]] = [:]
        for name in reader.names {
            let table = reader.table(name, inputs: inputs) { reader, node, field -> UnitRates.Multiplier? in
                guard let text = node.scalar?.string, let factor = Credits(decimal: text), factor.isPositive,
                    factor <= Credits(whole: 1_000)
                else {
                    reader.issues.add(
                        "must be a factor above 0 and at most 1000 with at most six decimals",
                        field: field,
                        at: node
                    )
                    return nil
                }
                return UnitRates.Multiplier(millionths: factor.microcredits)
            }
            tables[name] = table
        }
        return tables.count == reader.names.count ? tables : nil
    }

    /// A table under the name of an input field, with one entry for each value that the field can have.
    private func table<Entry>(
        _ name: String,
        inputs: DeclaredInputs,
        entry: (MappingReader, Node, String) -> Entry?
    ) -> [String: Entry]? {
        guard !inputs.broken.contains(name) else { return nil }
        guard let input = inputs.schema.fields[name], let values = input.type.closedValues else {
            reject(name, "must be an input field of a closed set of values: an enum or a boolean")
            return nil
        }
        guard input.isRequired || input.fallback != nil else {
            reject(name, "decides the price, so inputs.\(name) must be required or have a default")
            return nil
        }
        guard let reader = optionalMapping(name) else { return nil }
        reader.allowOnly(values)
        var table: [String: Entry] = [:]
        for value in values {
            guard let node = reader.required(value, "every value of inputs.\(name) needs an entry") else { continue }
            if let entry = entry(reader, node, reader.field(value)) { table[value] = entry }
        }
        return table.count == values.count ? table : nil
    }

    /// The most units that the schema lets a run ask for.
    func unitsLimit(_ name: String, key: String, inputs: DeclaredInputs) -> Int64? {
        guard !inputs.broken.contains(name) else { return nil }
        guard let input = inputs.schema.fields[name] else {
            reject(key, "names no input field; there are \(inputs.names.joined(separator: ", "))")
            return nil
        }
        guard input.isRequired || input.fallback != nil else {
            reject(key, "inputs.\(name) decides the price, so it must be required or have a default")
            return nil
        }
        guard let range = input.type.wholeNumbers, range.lowerBound >= 1, range.upperBound <= 1_000_000 else {
            reject(key, "inputs.\(name) must be a whole number from at least 1 to at most 1000000")
            return nil
        }
        return range.upperBound
    }
}

extension InputType {
    /// The texts of all values, where they are a closed set.
    fileprivate var closedValues: [String]? {
        switch self {
        case .string(_, let choices): choices
        case .integer(_, let choices): choices?.map(String.init)
        case .boolean: ["false", "true"]
        default: nil
        }
    }

    /// The bounds of the whole numbers that this can hold; nil when it can hold anything else.
    fileprivate var wholeNumbers: ClosedRange<Int64>? {
        switch self {
        case .integer(let range, nil): range
        case .integer(_, let choices?): Self.bounds(choices)
        case .numericString(let range): range
        case .string(_, let choices?):
            choices.allSatisfy({ Int64($0) != nil }) ? Self.bounds(choices.compactMap { Int64($0) }) : nil
        default: nil
        }
    }

    private static func bounds(_ numbers: [Int64]) -> ClosedRange<Int64>? {
        guard let least = numbers.min(), let most = numbers.max() else { return nil }
        return least...most
    }
}

extension UnitRates {
    /// Whether the dearest combination of options, times so many units, fits in 64 bits.
    fileprivate func fits(units: Int64) -> Bool {
        let wholesale = wholesale.all.map(\.microdollars).max() ?? 0
        return range?.upperBound.multiplied(by: units) != nil
            && !wholesale.multipliedReportingOverflow(by: units).overflow
    }
}
