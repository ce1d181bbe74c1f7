public import Ledger

/// A price for tokens. The quote is the cap: the most tokens that the inputs can make the model read, and the most that
/// it may write; what is charged are the tokens that the provider reports, at most the quote.
public struct TokenRates: Hashable, Sendable {
    /// What a million tokens read cost.
    public let inputPerMillion: Credits
    /// What a million tokens written cost.
    public let outputPerMillion: Credits
    /// What the provider charges us for a million tokens read.
    public let wholesaleInputPerMillion: MicroUSD
    /// What the provider charges us for a million tokens written.
    public let wholesaleOutputPerMillion: MicroUSD
    /// The field that says how many tokens the model may write; the provider is told so.
    public let outputCapField: String
    /// The most tokens that the provider puts around the inputs.
    public let overheadTokens: Int64
    /// The fields with URLs of media that the model looks at, each URL or a list of them.
    public let mediaFields: [String]
    /// The most tokens that one such medium counts for.
    public let tokensPerMedium: Int64

    /// Tokens read and written.
    struct Tokens: Hashable {
        var input: Int64
        var output: Int64
    }

    /// The most tokens that a run can take.
    ///
    /// Tokenizers of language models cut text into pieces of at least one byte, so that a text has at most as many tokens
    /// as bytes of UTF-8. The inputs as JSON hold every text that the provider is sent, with names and quotes on top.
    func most(for inputs: ValidatedInputs) throws(PricingError) -> Tokens {
        guard let text = inputs[outputCapField]?.scalarText, let output = Int64(text), output > 0 else {
            throw .unknownUnits(field: outputCapField)
        }
        var media: Int64 = 0
        for field in mediaFields {
            guard let value = inputs[field] else { continue }
            media += Int64(value.arrayValue?.count ?? 1)
        }
        let (looked, overflow) = media.multipliedReportingOverflow(by: tokensPerMedium)
        guard !overflow else { throw .overflow }
        let (input, sumOverflow) = (Int64(inputs.json.canonicalBytes.count) + overheadTokens)
            .addingReportingOverflow(looked)
        guard !sumOverflow else { throw .overflow }
        return Tokens(input: input, output: output)
    }

    /// What was read and written. A provider that does not say is taken to have used all that it might.
    func tokens(of delivered: DeliveredUsage, inputs: ValidatedInputs) throws(PricingError) -> Tokens {
        var tokens = try most(for: inputs)
        if let input = delivered.inputTokens, input >= 0 { tokens.input = input }
        if let output = delivered.outputTokens, output >= 0 { tokens.output = output }
        return tokens
    }

    /// What tokens cost, rounded up once to a whole micro-credit.
    func amount(of tokens: Tokens) throws(PricingError) -> Credits {
        Credits(
            microcredits: try Self.sum(tokens, inputPerMillion.microcredits, outputPerMillion.microcredits)
        )
    }

    /// What the provider charges us for tokens, rounded up once to a whole micro-dollar.
    func wholesale(of tokens: Tokens) throws(PricingError) -> MicroUSD {
        let (input, output) = (wholesaleInputPerMillion.microdollars, wholesaleOutputPerMillion.microdollars)
        return MicroUSD(microdollars: try Self.sum(tokens, input, output))
    }

    private static func sum(_ tokens: Tokens, _ input: Int64, _ output: Int64) throws(PricingError) -> Int64 {
        // Both products are below 2^126, so neither they nor their sum overflow.
        let product = Int128(tokens.input) * Int128(input) + Int128(tokens.output) * Int128(output)
        guard let amount = Int64(exactly: (product + 999_999) / 1_000_000) else { throw .overflow }
        return amount
    }
}
