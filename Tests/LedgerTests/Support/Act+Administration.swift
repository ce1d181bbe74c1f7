import Ledger

/// What operators do.
extension Act {
    static func administration(_ words: inout Words, world: inout World) throws(SheetError) -> Command.Action {
        if words.take("pot") { return try pot(&words, world: &world) }
        if words.take("grant") { return try grant(&words, world: &world) }
        if words.take("adjust") { return try adjustment(&words, world: &world) }
        if words.take("key") { return try key(&words, world: &world) }
        if words.take("tier") { return .changeTier(try words.tier()) }
        if words.take("approve") { return .setApproval(true) }
        if words.take("disapprove") { return .setApproval(false) }
        if words.take("close") { return .closeAccount }
        if words.take("open") { return .openAccount(OpenAccount(tier: try words.tier())) }
        if words.take("revoke grant") { return .revokeGrant(GrantID(world.id("grant", try words.word("a grant")))) }
        if words.take("revoke key") { return .revokeKey(KeyID(world.id("key", try words.word("a key")))) }
        throw SheetError("nobody knows how to \(words.remaining)")
    }

    /// `pot gift top-up 50 expires in 1h with id 3`
    private static func pot(_ words: inout Words, world: inout World) throws(SheetError) -> Command.Action {
        let name = try words.word("a name")
        let kind = words.take("plan") ? Pot.Kind.plan : .topUp
        if kind == .topUp, !words.take("top-up") { throw SheetError("a pot is plan or top-up") }
        let amount = try words.credits()
        var expiresAt: Timestamp?
        if words.take("expires in") { expiresAt = world.now.adding(seconds: try words.seconds()) }
        if words.take("expires at") { expiresAt = try words.time() }
        if words.take("expires never representably") { expiresAt = Timestamp(microseconds: .max) }
        let low = words.take("with id") ? UInt64(try words.number()) : nil
        let potID = PotID(world.id("pot", name, low: low))
        return .addCredits(
            AddCredits(potID: potID, kind: kind, amount: amount, expiresAt: expiresAt, externalReference: nil)
        )
    }

    /// `grant trial image runs 3 expires in 1d` or `grant trial image for 1h`
    private static func grant(_ words: inout Words, world: inout World) throws(SheetError) -> Command.Action {
        let name = try words.word("a name")
        let model = try words.word("a model")
        let allowance: Grant.Allowance
        if words.take("runs") {
            allowance = .runs(try words.number())
        } else {
            guard words.take("for") else { throw SheetError("a grant has runs or a time") }
            allowance = .window(seconds: try words.seconds())
        }
        var expiresAt: Timestamp?
        if words.take("expires in") { expiresAt = world.now.adding(seconds: try words.seconds()) }
        if words.take("expires never representably") { expiresAt = Timestamp(microseconds: .max) }
        let low = words.take("with id") ? UInt64(try words.number()) : nil
        let grantID = GrantID(world.id("grant", name, low: low))
        return .issueGrant(IssueGrant(grantID: grantID, model: model, allowance: allowance, expiresAt: expiresAt))
    }

    /// `adjust gift by -5 because typo corrects 3`
    private static func adjustment(_ words: inout Words, world: inout World) throws(SheetError) -> Command.Action {
        let potID = PotID(world.id("pot", try words.word("a pot")))
        guard words.take("by") else { throw SheetError("an adjustment is by an amount") }
        let amount = try words.credits()
        var reason = words.take("because") ? try words.word("a reason") : ""
        if words.take("at length") { reason = String(repeating: reason, count: 501) }
        let corrects = words.take("corrects") ? try words.number() : nil
        return .adjustCredits(
            AdjustCredits(potID: potID, amount: amount, reason: reason, correctsSequence: corrects)
        )
    }

    /// `key robot model:run workflow:read`
    private static func key(_ words: inout Words, world: inout World) throws(SheetError) -> Command.Action {
        let name = try words.word("a name")
        let label = words.take("without label") ? "" : name
        var capabilities: [Capability] = []
        while !words.isEmpty {
            let text = try words.word("a capability")
            guard let capability = Capability(text) else { throw SheetError("\(text) is no capability") }
            capabilities.append(capability)
        }
        let keyID = KeyID(world.id("key", name))
        return .issueKey(IssueKey(keyID: keyID, name: label, secretDigest: .zero, capabilities: capabilities))
    }
}
