import Ledger
import Testing

@Suite struct CapabilityTests {
    @Test(
        "what follows the grammar and names something known is a capability",
        arguments: [
            "*", "workflow:*", "model:*", "webhook:*", "execution:*", "agent:*", "workflow:run", "workflow:read",
            "workflow:write", "workflow:my-flow:run", "model:run", "model:gpt-image-2:run", "webhook:receive",
            "execution:read", "execution:cancel", "agent:invoke", "model:run:run", "model:0:run",
        ]
    )
    func known(text: String) {
        #expect(Capability(text)?.text == text)
    }

    @Test(
        "anything else is none",
        arguments: [
            "", ":", "**", "model", "model:", ":run", "*:run", "*:*", "model:write", "Model:run", "model:RUN",
            "model:run:", "model::run", "model:*:run", "model:a:*", "model:a:b:run", "model:a.b:run", "model:a%20:run",
            "model:A:run", "model:a_b:run", "model:é:run", "workflow:a:read", "execution:a:read", "agent:a:invoke",
            "webhook:a:receive", " model:run", "model:run ", "model:\(String(repeating: "a", count: 101)):run",
            "keys:run",
        ]
    )
    func unknown(text: String) {
        #expect(Capability(text) == nil)
    }

    @Test(
        "a key covers what its capabilities cover, in the order of the contract",
        arguments: [
            ("*", "*"), ("model:image:run", "model:image:run"), ("model:*", "model:*"), ("model:run", "model:run"),
            ("workflow:run", nil), ("model:other:run", nil), ("workflow:*", nil), ("workflow:image:run", nil),
            ("execution:read", nil), ("agent:invoke", nil), ("", nil),
            ("model:run model:* model:image:run *", "*"), ("model:run model:* model:image:run", "model:image:run"),
            ("model:run model:*", "model:*"), ("workflow:run model:other:run model:run", "model:run"),
        ] as [(String, String?)]
    )
    func covers(granted: String, by: String?) {
        let capabilities = granted.split(separator: " ").compactMap { Capability($0.description) }
        #expect(Capability.runModel("image").covering(in: capabilities)?.text == by)
    }

    @Test("a capability for one slug does not cover the one for all of them")
    func narrowDoesNotCoverWide() throws {
        let wide = try #require(Capability("model:run"))
        #expect(wide.covering(in: [Capability.runModel("run"), Capability.runModel("image")]) == nil)
        #expect(wide.covering(in: [wide])?.text == "model:run")
    }

    @Test(
        "each plan's ceiling is the contract's",
        arguments: [
            ("workflow:run", .pro), ("workflow:read", .pro), ("workflow:write", .pro), ("workflow:a:run", .pro),
            ("webhook:receive", .pro), ("model:run", .business), ("model:a:run", .business),
            ("agent:invoke", .business), ("execution:read", .free), ("execution:cancel", .free),
            ("*", nil), ("model:*", nil), ("workflow:*", nil), ("execution:*", nil),
        ] as [(String, Tier?)]
    )
    func ceilings(text: String, lowest: Tier?) throws {
        let capability = try #require(Capability(text))
        for tier in Tier.allCases {
            let isAllowed = lowest.map { tier >= $0 } ?? false
            #expect(TierPolicy.ceilingAllows(capability, tier: tier, role: .user) == isAllowed, "\(tier)")
            #expect(TierPolicy.ceilingAllows(capability, tier: tier, role: .admin))
        }
    }

    @Test("plans from Pro on may have keys, and an admin on any plan")
    func keys() {
        let tiers = Tier.allCases.filter { TierPolicy.allowsKeys(tier: $0, role: .user) }
        #expect(tiers == [.pro, .business, .enterprise])
        #expect(Tier.allCases.allSatisfy { TierPolicy.allowsKeys(tier: $0, role: .admin) })
        #expect(Tier.allCases.sorted().map(\.rawValue) == ["free", "creator", "pro", "business", "enterprise"])
    }

    @Test("a slug is 1 to 100 lower-case letters, digits and hyphens")
    func slugs() {
        for slug in ["a", "0", "-", "-a", "a-", "a--b", "kling-v3-i2v", String(repeating: "a", count: 100)] {
            #expect(Slug.isValid(slug), "\(slug)")
        }
        for text in ["", "a_b", "a.b", "%20", "A", "a b", "a/b", "ä", "a\u{0}", String(repeating: "a", count: 101)] {
            #expect(!Slug.isValid(text), "\(text)")
        }
    }

    @Test("each preset fits the ceiling of Pro, and none runs a model")
    func presets() {
        for preset in KeyPreset.allCases {
            for capability in preset.capabilities ?? [] {
                #expect(TierPolicy.ceilingAllows(capability, tier: .pro, role: .user))
                #expect(!capability.text.hasPrefix("model"))
            }
        }
        #expect(KeyPreset.allCases.filter { $0.capabilities == nil } == [.custom])
    }
}
