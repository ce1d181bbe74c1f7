import Foundation
import Ledger
import Registry
import Testing

@Suite("price rules")
struct PriceRuleTests {
    private static let tokenPrice = """
        {version: 4, rule: perToken, inputCreditsPerMillion: "300", outputCreditsPerMillion: "1500.000001", \
        wholesaleInputMicroUSDPerMillion: 3000000, wholesaleOutputMicroUSDPerMillion: 15000000, \
        outputCapField: max_tokens, overheadTokens: 100, tokensPerMedium: 1600}
        """

    private static let tokenInputs = """
        prompt: {type: string, maxLength: 1000, required: true}
        image_urls: {type: array, items: {type: url}, maxItems: 4}
        max_tokens: {type: integer, min: 1, max: 1000, default: 10}
        """

    private func priced(_ model: ModelDefinition, _ inputs: JSONValue) throws -> ValidatedInputs {
        let outcome = model.validate(inputs)
        guard case .valid(let valid) = outcome else { throw Refused(outcome: outcome) }
        return valid
    }

    struct Refused: Error { let outcome: InputValidation }

    @Test("the quote per token is the cap: bytes of the inputs, media, overhead and the most output")
    func tokenQuote() throws {
        let model = try sampleModel(inputs: Self.tokenInputs, price: Self.tokenPrice)
        let text = try priced(model, ["prompt": "hi"])
        // {"max_tokens":10,"prompt":"hi"} has 31 bytes; with 100 around it, 131 tokens: 0.0393. 10 written: 0.01500000001.
        let quote = try model.quote(text)
        #expect(quote.amount == Credits(decimal: "0.054301"))
        #expect(quote.wholesale == MicroUSD(microdollars: 131 * 3 + 150))
        #expect(quote.priceVersion == 4)
        let images = try priced(
            model,
            ["prompt": "hi", "image_urls": ["https://a/b", "https://a/c"], "max_tokens": 1]
        )
        let bytes = Int64(images.json.canonicalBytes.count)
        #expect(try model.quote(images).wholesale == MicroUSD(microdollars: (bytes + 100 + 3_200) * 3 + 15))
    }

    @Test(
        "what is charged per token are the tokens delivered; what is not said counts as the cap",
        arguments: table(
            """
            0 0 -> 0, provider 0
            1 0 -> 0.0003, provider 3
            0 1 -> 0.001501, provider 15
            20 5 -> 0.013501, provider 135
            20 nothing -> 0.021001, provider 210
            nothing 5 -> 0.046801, provider 468
            nothing nothing -> 0.054301, provider 543
            -1 -1 -> 0.054301, provider 543
            # More than the cap is more than the quote: the ledger debits the quote, and books the rest as ours.
            1000 10 -> 0.315001, provider 3150
            """
        )
    )
    func tokenCost(row: TableRow) throws {
        let model = try sampleModel(inputs: Self.tokenInputs, price: Self.tokenPrice)
        let inputs = try priced(model, ["prompt": "hi"])
        let words = row.left.split(separator: " ")
        let usage = DeliveredUsage(
            units: nil,
            cost: nil,
            inputTokens: Int64(words[0]),
            outputTokens: Int64(words[1])
        )
        let cost = try model.actualCost(inputs, delivered: usage)
        let wholesale = try model.providerCost(inputs, delivered: usage)
        #expect("\(cost), provider \(wholesale.microdollars)" == row.right)
        #expect(throws: PricingError.overflow) {
            try model.actualCost(inputs, delivered: DeliveredUsage(units: nil, cost: nil, outputTokens: .max))
        }
    }

    @Test("the cap holds for a tokenizer that makes a token of every byte, whatever is in the text")
    func tokenBound() throws {
        let model = try sampleModel(inputs: Self.tokenInputs, price: Self.tokenPrice)
        var generator = SplitMix64(seed: 11)
        let pieces = ["a", " ", "\n", "\"", "\\", "\u{1}", "é", "漢", "😀", "👩‍👩‍👧", "\u{10FFFF}", "\u{0}"]
        for _ in 0..<300 {
            let text = (0..<Int.random(in: 0...60, using: &generator))
                .map { _ in pieces.randomElement(using: &generator)! }.joined()
            let inputs = try priced(model, ["prompt": .string(text)])
            // As many tokens as bytes, the 100 that the provider adds, and all the output there may be.
            let worst = DeliveredUsage(
                units: nil,
                cost: nil,
                inputTokens: Int64(text.utf8.count) + 100,
                outputTokens: 10
            )
            #expect(try model.actualCost(inputs, delivered: worst) <= model.quote(inputs).amount)
        }
    }

    @Test("output of unknown length is quoted by what an option allows, wholesale by its own option")
    func options() throws {
        let model = try sampleModel(
            inputs: """
                orientation: {type: string, enum: [image, video], required: true}
                sound: {type: boolean, default: false}
                """,
            price: """
                {version: 1, rule: perSecond, secondsBy: {orientation: {image: 10, video: 30}}, credits: "2", \
                wholesaleMicroUSDBy: {sound: {"true": 168000, "false": 112000}}}
                """
        )
        let inputs = try priced(model, ["orientation": "video", "sound": true])
        let quote = try model.quote(inputs)
        #expect(quote.units == 30)
        #expect(quote.amount == Credits(whole: 60))
        #expect(quote.wholesale == MicroUSD(microdollars: 5_040_000))
        let usage = DeliveredUsage(units: 12, cost: nil)
        #expect(try model.actualCost(inputs, delivered: usage) == Credits(whole: 24))
        #expect(try model.providerCost(inputs, delivered: usage) == MicroUSD(microdollars: 2_016_000))
        #expect(try model.quote(priced(model, ["orientation": "image"])).wholesale.microdollars == 1_120_000)
    }

    @Test(
        "of a call that is priced for several outputs, those that came are charged: rounded up, and at most the price"
    )
    func shares() throws {
        let model = try sampleModel(
            inputs: Self.tokenInputs,
            price: #"{version: 1, rule: perCall, credits: "14", outputs: 3, wholesaleMicroUSD: 60000}"#
        )
        let inputs = try priced(model, ["prompt": "hi"])
        #expect(try model.quote(inputs).amount == Credits(whole: 14))
        let costs: [(came: Int64?, cost: String)] = [
            (1, "4.666667"), (2, "9.333334"), (3, "14"), (4, "14"), (.max, "14"), (nil, "14"),
        ]
        for (came, cost) in costs {
            let usage = DeliveredUsage(units: came, cost: nil)
            #expect(try model.actualCost(inputs, delivered: usage) == Credits(decimal: cost))
            #expect(try model.providerCost(inputs, delivered: usage) == MicroUSD(microdollars: 60_000))
        }
    }

    @Test(
        "a price that does not cover every run is refused when the file is read",
        arguments: table(
            #"""
            outputCapField: max_tokens => outputCapField: maximum -> price.outputCapField: names no input field; there are image_urls, max_tokens, prompt
            outputCapField: max_tokens => outputCapField: prompt -> price.outputCapField: inputs.prompt must be a whole number from at least 1 to at most 1000000
            , tokensPerMedium: 1600 => -> price.tokensPerMedium: is missing: a whole number from 1 to 10000000
            overheadTokens: 100,  => -> price.overheadTokens: is missing: a whole number from 0 to 1000000
            "300" => "0" -> price.inputCreditsPerMillion: must be credits above 0 with at most six decimals, such as "4.5"
            "300" => "9000000000000" -> price: the dearest run costs more than 64 bits can hold
            wholesaleInputMicroUSDPerMillion: 3000000 => wholesale: 1 -> price.wholesale: unknown key; allowed: version, rule, inputCreditsPerMillion, outputCreditsPerMillion, outputCapField, wholesaleInputMicroUSDPerMillion, wholesaleOutputMicroUSDPerMillion, overheadTokens, tokensPerMedium|a.yaml:12: price.wholesaleInputMicroUSDPerMillion: is missing: a whole number from 0 to 1000000000000
            version: 4 => version: four -> price.version: must be a whole number from 1 to 2147483647
            """#
        )
    )
    func tokenSlips(row: TableRow) throws {
        let change = row.left.components(separatedBy: " =>")
        try #require(Self.tokenPrice.contains(change[0]), "the price has no \(change[0])")
        let price = Self.tokenPrice.replacingOccurrences(
            of: change[0],
            with: change[1].trimmingCharacters(in: .whitespaces)
        )
        let found = definitionIssues(definitionText(inputs: Self.tokenInputs, price: price))
        #expect(found == "a.yaml:12: \(row.right)")
    }

    @Test("media where they can't be counted, and options that exclude each other, are refused")
    func otherSlips() {
        let hidden = Self.tokenInputs + "\nparts: {type: object, fields: {image: {type: url}}}"
        #expect(
            definitionIssues(definitionText(inputs: hidden, price: Self.tokenPrice))
                == "a.yaml:13: price.rule: inputs.parts has URLs deeper than in a list, which perToken can't count"
        )
        let both = #"{version: 1, rule: perSecond, secondsField: n, secondsBy: {s: {a: 1}}, credits: "1", "#
        let inputs = "n: {type: integer, min: 1, max: 2, default: 1}\ns: {type: string, enum: [a], default: a}"
        for (price, expected) in [
            (both + "wholesaleMicroUSD: 1}", "secondsBy: secondsField and secondsBy exclude each other"),
            (
                #"{version: 1, rule: perSecond, secondsBy: {s: {a: 0}}, credits: "1", wholesaleMicroUSD: 1}"#,
                "secondsBy.s.a: must be whole seconds from 1 to 1000000"
            ),
            (
                #"{version: 1, rule: perCall, credits: "1", wholesaleMicroUSD: 1, wholesaleMicroUSDBy: {s: {a: 1}}}"#,
                "wholesaleMicroUSDBy: wholesaleMicroUSD and wholesaleMicroUSDBy exclude each other"
            ),
            (
                #"{version: 1, rule: perCall, credits: "1", outputs: 1, wholesaleMicroUSD: 1}"#,
                "outputs: must be a whole number from 2 to 1000"
            ),
            (
                #"{version: 1, rule: perImage, countField: n, credits: "1", outputs: 2, wholesaleMicroUSD: 1}"#,
                "outputs: unknown key; allowed: version, rule, credits, creditsBy, multipliers, wholesaleMicroUSD, "
                    + "wholesaleMicroUSDBy, countField"
            ),
        ] {
            #expect(definitionIssues(definitionText(inputs: inputs, price: price)) == "a.yaml:11: price.\(expected)")
        }
    }

    @Test("a definition without a price can't exist")
    func noPrice() {
        let text = definitionText(inputs: "a: {type: boolean}").replacing(#/price: .*/#, with: "")
        #expect(definitionIssues(text) == "a.yaml:1: price: is missing: a price rule")
    }
}
