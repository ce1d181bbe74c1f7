internal import Ledger
internal import Yams

extension MappingReader {
    /// The keys of a price per token, and the most tokens that the schema lets a model write.
    func tokenRates(for inputs: DeclaredInputs) -> (rates: TokenRates, mostOutput: Int64)? {
        let media = inputs.schema.names.filter { inputs.schema.fields[$0]?.type.isMedia ?? false }
        allowOnly(
            [
                "version", "rule", "inputCreditsPerMillion", "outputCreditsPerMillion", "outputCapField",
                "wholesaleInputMicroUSDPerMillion", "wholesaleOutputMicroUSDPerMillion", "overheadTokens",
            ] + (media.isEmpty ? [] : ["tokensPerMedium"])
        )
        let amount = "credits for a million tokens"
        let input = credits(required("inputCreditsPerMillion", amount), field: field("inputCreditsPerMillion"))
        let output = credits(required("outputCreditsPerMillion", amount), field: field("outputCreditsPerMillion"))
        let wholesale = 0...Int64(1_000_000_000_000)
        let wholesaleInput = wholeNumber("wholesaleInputMicroUSDPerMillion", in: wholesale)
        let wholesaleOutput = wholeNumber("wholesaleOutputMicroUSDPerMillion", in: wholesale)
        let overhead = wholeNumber("overheadTokens", in: 0...1_000_000)
        let perMedium = media.isEmpty ? 0 : wholeNumber("tokensPerMedium", in: 1...10_000_000)
        let cap = text("outputCapField", "the name of an input field")
        let most = cap.flatMap { unitsLimit($0, key: "outputCapField", inputs: inputs) }
        let hidden = inputs.schema.names.filter { inputs.schema.fields[$0]?.type.hidesMedia ?? false }
        for name in hidden {
            reject("rule", "inputs.\(name) has URLs deeper than in a list, which perToken can't count")
        }
        guard let input, let output, let wholesaleInput, let wholesaleOutput, let overhead, let perMedium, let cap,
            let most, hidden.isEmpty
        else { return nil }
        let rates = TokenRates(
            inputPerMillion: input,
            outputPerMillion: output,
            wholesaleInputPerMillion: MicroUSD(microdollars: wholesaleInput),
            wholesaleOutputPerMillion: MicroUSD(microdollars: wholesaleOutput),
            outputCapField: cap,
            overheadTokens: overhead,
            mediaFields: media,
            tokensPerMedium: perMedium
        )
        return (rates, most)
    }
}

extension TokenRates {
    /// Whether the dearest run fits in 64 bits: inputs of 8 MiB, which is more than a body of 1 MiB can become with its
    /// defaults, the most media, and the most output.
    func fits(outputTokens: Int64) -> Bool {
        let media = Int64(mediaFields.count) * 1_000 * tokensPerMedium
        let dearest = Tokens(input: (8 << 20) + overheadTokens + media, output: outputTokens)
        return (try? amount(of: dearest)) != nil && (try? wholesale(of: dearest)) != nil
    }
}

extension InputType {
    /// A URL, or a list of them.
    fileprivate var isMedia: Bool {
        switch self {
        case .url, .array(of: .url, _): true
        default: false
        }
    }

    /// Whether URLs lie where no list of the inputs' own has them.
    fileprivate var hidesMedia: Bool { !isMedia && hasURL }

    private var hasURL: Bool {
        switch self {
        case .url: true
        case .array(let item, _): item.hasURL
        case .object(let schema): schema.fields.values.contains { $0.type.hasURL }
        default: false
        }
    }
}
