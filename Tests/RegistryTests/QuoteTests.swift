import Foundation
import Ledger
import Registry
import Testing

/// What the shipped models cost. To change a price is to change this table and the version of the rule.
@Suite("quotes")
struct QuoteTests {
    private let registry = try! ModelRegistry.load(folder: modelsFolder, variables: variables)

    private func priced(_ left: String) throws -> (ModelDefinition, ValidatedInputs) {
        let name = String(left.prefix { $0 != " " })
        let model = try #require(registry.model(named: name), "no model \(name)")
        let text = String(left.dropFirst(name.count))
        guard case .object(var inputs) = try JSONValue(text: text) else { throw NotAnObject() }
        inputs["prompt"] = "a prompt"
        let outcome = model.validate(.object(inputs))
        guard case .valid(let valid) = outcome else { throw Refused(outcome: outcome) }
        return (model, valid)
    }

    struct NotAnObject: Error {}
    struct Refused: Error { let outcome: InputValidation }

    private static let table = RegistryTests.table(
        """
        gpt-5-4-mini {} -> 1 x 1 = 1, wholesale 900

        # per image by resolution
        nano-banana-2 {} -> 4 x 1 = 4, wholesale 8000
        nano-banana-2 {"resolution":"0.5K","num_images":3} -> 2.5 x 3 = 7.5, wholesale 24000
        nano-banana-2 {"resolution":"4K","num_images":4} -> 8 x 4 = 32, wholesale 32000
        draft-image {"resolution":"2K","num_images":2} -> 6 x 2 = 12, wholesale 16000

        # per call by resolution, times a factor for quality
        gpt-image-2 {} -> 10 x 1 = 10, wholesale 30000
        gpt-image-2 {"quality":"low"} -> 5 x 1 = 5, wholesale 30000
        gpt-image-2 {"quality":"high","resolution":"2K"} -> 37.5 x 1 = 37.5, wholesale 30000
        gpt-image-2 {"quality":"low","resolution":"2K"} -> 7.5 x 1 = 7.5, wholesale 30000
        gpt-image-2 {"quality":"high","resolution":"4K"} -> 60 x 1 = 60, wholesale 30000

        # per second, times factors for resolution and sound
        studio-preview {} -> 12 x 5 = 60, wholesale 560000
        studio-preview {"duration":"4"} -> 12 x 4 = 48, wholesale 448000
        studio-preview {"duration":"15","resolution":"1080p"} -> 21 x 15 = 315, wholesale 1680000
        studio-preview {"duration":"10","resolution":"1080p","generate_audio":true} -> 31.5 x 10 = 315, wholesale 1120000

        # per second, with options that change the price, the wholesale cost, or both
        seedance-2-0-full-access {} -> 42 x 5 = 210, wholesale 1025000
        seedance-2-0-full-access {"type":"reference-to-video","reference_image_urls":["https://a.b/c"],"resolution":"1080p","duration":"15"} -> 118.75 x 15 = 1781.25, wholesale 6900000
        seedance-2-0-fast {"resolution":"480p"} -> 16 x 5 = 80, wholesale 390000
        seedance-2-0 {"duration":"4"} -> 38 x 4 = 152, wholesale 740000
        kling-v3-i2v {"start_image_url":"https://a.b/c"} -> 36 x 5 = 180, wholesale 840000
        kling-v3-i2v {"start_image_url":"https://a.b/c","generate_audio":false,"duration":"3"} -> 24 x 3 = 72, wholesale 336000
        kling-o3-ref2v {"image_urls":["https://a.b/c"],"duration":"15"} -> 24 x 15 = 360, wholesale 1680000
        kling-2-5-turbo-pro {"duration":"10"} -> 15 x 10 = 150, wholesale 700000
        # flat, for the longest that the orientation allows
        kling-v3-motion {"image_url":"https://a.b/c","video_url":"https://a.b/d","character_orientation":"video"} -> 1080 x 1 = 1080, wholesale 5040000
        kling-v3-motion {"image_url":"https://a.b/c","video_url":"https://a.b/d","character_orientation":"image"} -> 360 x 1 = 360, wholesale 1680000

        # per image, per call
        seedream-v5 {"num_images":6} -> 8 x 6 = 48, wholesale 210000
        gpt-image-2-direct {"quality":"high","size":"1536x1024","n":2} -> 60 x 2 = 120, wholesale 330000
        gpt-image-2-direct {"quality":"low"} -> 4 x 1 = 4, wholesale 11000
        flux-1-1-pro {} -> 9 x 1 = 9, wholesale 40000
        suno-v5 {} -> 14 x 1 = 14, wholesale 60000
        gemini-3-1-flash-lite {} -> 0.5 x 1 = 0.5, wholesale 400

        # per token: 39 bytes and 500 around them at 0.0007, 1000 written at 0.0035
        claude-sonnet {"max_tokens":1000} -> 3.8773 x 1 = 3.8773, wholesale 16617
        """
    )

    @Test("every model that is shipped has a price in the table, so none is free or forgotten")
    func everyModel() {
        let priced = Set(Self.table.map { String($0.left.prefix { $0 != " " }) })
        #expect(Set(registry.models.map(\.internalName)) == priced)
    }

    @Test(
        "the quote is unit price x options x units, in credits, with the wholesale cost in micro-USD",
        arguments: Self.table
    )
    func quotes(row: TableRow) throws {
        let (model, inputs) = try priced(row.left)
        let quote = try model.quote(inputs)
        let shown = "\(quote.unitPrice) x \(quote.units) = \(quote.amount), wholesale \(quote.wholesale.microdollars)"
        #expect(shown == row.right)
        #expect(
            quote.priceVersion == (["kling-v3-motion", "gpt-image-2", "suno-v5"].contains(model.internalName) ? 2 : 1)
        )
        #expect(quote.definitionVersion == model.version)
        #expect(quote.amount.isPositive)
        #expect(try model.quote(inputs) == quote)
    }

    @Test(
        "the actual cost follows what was delivered; nothing said means what was asked for",
        arguments: RegistryTests.table(
            """
            gpt-image-2-direct {"n":3} delivered 3 -> costs 36, provider 126000
            gpt-image-2-direct {"n":3} delivered 2 -> costs 24, provider 84000
            gpt-image-2-direct {"n":3} delivered nothing said -> costs 36, provider 126000
            # More than asked for costs more than the quote: the caller debits the quote and absorbs the rest.
            gpt-image-2-direct {"n":3} delivered 4 -> costs 48, provider 168000
            studio-preview {"duration":"10"} delivered 8 -> costs 96, provider 896000
            # fal says no duration, and one that it said would not change a flat price.
            kling-v3-motion {"image_url":"https://a.b/c","video_url":"https://a.b/d","character_orientation":"image"} delivered nothing said -> costs 360, provider 1680000
            kling-v3-motion {"image_url":"https://a.b/c","video_url":"https://a.b/d","character_orientation":"video"} delivered 4 -> costs 1080, provider 5040000
            # A price per call does not depend on a count.
            gpt-5-4-mini {} delivered 7 -> costs 1, provider 900
            # Unless it is for several outputs: then fewer cost their share. The provider was paid for the call.
            suno-v5 {} delivered 1 -> costs 7, provider 60000
            suno-v5 {} delivered 2 -> costs 14, provider 60000
            suno-v5 {} delivered 3 -> costs 14, provider 60000
            suno-v5 {} delivered nothing said -> costs 14, provider 60000
            """
        )
    )
    func actualCosts(row: TableRow) throws {
        let parts = row.left.split(separator: " delivered ")
        let (model, inputs) = try priced(String(parts[0]))
        let usage = DeliveredUsage(units: Int64(parts[1]), cost: nil)
        let cost = try model.actualCost(inputs, delivered: usage)
        let providerCost = try model.providerCost(inputs, delivered: usage)
        #expect("costs \(cost), provider \(providerCost.microdollars)" == row.right)
    }

    @Test("the provider's own figure goes before the wholesale price")
    func reportedCost() throws {
        let (model, inputs) = try priced("gpt-image-2 {}")
        let usage = DeliveredUsage(units: 1, cost: MicroUSD(microdollars: 12_345))
        #expect(try model.providerCost(inputs, delivered: usage) == MicroUSD(microdollars: 12_345))
    }

    @Test("inputs that another definition checked are refused, never free")
    func unpriceable() throws {
        let (_, textInputs) = try priced("gpt-5-4-mini {}")
        for name in ["gpt-image-2", "studio-preview", "nano-banana-2"] {
            let model = try #require(registry.model(named: name))
            #expect(throws: PricingError.self) { try model.quote(textInputs) }
            #expect(throws: PricingError.self) { try model.actualCost(textInputs, delivered: .unreported) }
        }
    }

    @Test("a count that no amount can hold is an error, not a wrapped number")
    func overflow() throws {
        let (model, inputs) = try priced("gpt-image-2-direct {}")
        let usage = DeliveredUsage(units: .max, cost: nil)
        #expect(throws: PricingError.overflow) { try model.actualCost(inputs, delivered: usage) }
        #expect(throws: PricingError.overflow) { try model.providerCost(inputs, delivered: usage) }
    }

    @Test("a unit price is rounded up once, to a whole micro-credit")
    func rounding() throws {
        let text = try String(contentsOfFile: modelsFolder + "/gpt-image-2-direct.yaml", encoding: .utf8)
            .replacingOccurrences(of: #"low: "4""#, with: #"low: "0.000001""#)
            .replacingOccurrences(of: #"1024x1024: "1""#, with: #"1024x1024: "0.3""#)
        let registry = try ModelRegistry.load(
            files: [DefinitionFile(name: "test.yaml", text: text)],
            providers: providerFiles,
            variables: variables
        )
        let model = try #require(registry.model(named: "gpt-image-2-direct"))
        guard case .valid(let inputs) = model.validate(["prompt": "x", "quality": "low", "n": 3]) else {
            Issue.record("refused")
            return
        }
        // 0.000001 x 0.3 is rounded up to 0.000001 for one image, so three cost three times that.
        #expect(try model.quote(inputs).amount == Credits(microcredits: 3))
    }
}
