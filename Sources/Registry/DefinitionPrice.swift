internal import Ledger
internal import Yams

extension MappingReader {
    /// The `price` of a definition, checked against its inputs: every run that the schema lets through has a price
    /// above zero that fits in 64 bits.
    func priceRule(for inputs: DeclaredInputs) -> PriceRule? {
        let basis = choice("rule", PriceBasis.self)
        let unitsKey: String? =
            switch basis {
            case .perImage: "countField"
            case .perSecond: "secondsField"
            default: nil
            }
        allowOnly(
            ["version", "rule", "credits", "creditsBy", "multipliers", "wholesaleMicroUSD"]
                + [unitsKey].compactMap(\.self)
        )
        let version = wholeNumber("version", in: 1...Int64(Int32.max))
        let wholesale = wholesale()
        let base = basePrice(for: inputs)
        let multipliers = multiplierTables(for: inputs)
        var mostUnits: Int64? = 1
        var unitsField: String?
        if let unitsKey {
            unitsField = text(unitsKey, "the name of an input field")
            mostUnits = unitsField.flatMap { unitsLimit($0, key: unitsKey, inputs: inputs) }
        }
        guard let basis, let version, let base, let multipliers, let mostUnits, let wholesale else { return nil }
        let rule = PriceRule(
            version: Int32(version),
            basis: basis,
            unitsField: unitsField,
            base: base,
            multipliers: multipliers,
            wholesalePerUnit: wholesale
        )
        guard rule.fits(units: mostUnits) else {
            issues.add("the dearest run costs more than 64 bits can hold", field: path, at: node)
            return nil
        }
        return rule
    }

    private func wholesale() -> MicroUSD? {
        // A trillion micro-USD, a million dollars a unit, is surely a slip of the keyboard.
        wholeNumber("wholesaleMicroUSD", in: 0...1_000_000_000_000).map(MicroUSD.init(microdollars:))
    }

    private func credits(_ node: Node?, field: String) -> Credits? {
        guard let node else { return nil }
        guard let text = node.scalar?.string, let credits = Credits(decimal: text), credits.isPositive else {
            issues.add("must be credits above 0 with at most six decimals, such as \"4.5\"", field: field, at: node)
            return nil
        }
        return credits
    }

    private func basePrice(for inputs: DeclaredInputs) -> PriceRule.BasePrice? {
        guard optional("creditsBy") != nil else {
            return credits(required("credits", "credits for one unit, or creditsBy"), field: field("credits"))
                .map(PriceRule.BasePrice.fixed)
        }
        guard optional("credits") == nil else {
            reject("creditsBy", "credits and creditsBy exclude each other")
            return nil
        }
        guard let reader = optionalMapping("creditsBy"), let name = reader.names.first, reader.names.count == 1 else {
            reject("creditsBy", "must name one field")
            return nil
        }
        let table = reader.table(name, inputs: inputs) { reader, node, field in reader.credits(node, field: field) }
        return table.map { .byField(name, $0) }
    }

    private func multiplierTables(for inputs: DeclaredInputs) -> [String: [String: PriceRule.Multiplier]]? {
        guard optional("multipliers") != nil else { return [:] }
        guard let reader = optionalMapping("multipliers") else { return nil }
        guard reader.names.count <= 4 else {
            reject("multipliers", "at most 4 fields can change a price")
            return nil
        }
        var tables: [String: [String: PriceRule.Multiplier]] = [:]
        for name in reader.names {
            let table = reader.table(name, inputs: inputs) { reader, node, field -> PriceRule.Multiplier? in
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
                return PriceRule.Multiplier(millionths: factor.microcredits)
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
    private func unitsLimit(_ name: String, key: String, inputs: DeclaredInputs) -> Int64? {
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

extension PriceRule {
    /// Whether the dearest combination of options, times so many units, fits in 64 bits.
    fileprivate func fits(units: Int64) -> Bool {
        let dearest: Credits?
        switch base {
        case .fixed(let price): dearest = price
        case .byField(_, let prices): dearest = prices.values.max()
        }
        let factors = multipliers.values.compactMap { $0.values.max { $0.millionths < $1.millionths } }
        guard let dearest, let unitPrice = try? Self.scaled(dearest, by: factors) else { return false }
        return unitPrice.multiplied(by: units) != nil && (try? wholesale(units: units)) != nil
    }
}
