import HistoryTestSupport
import Ledger

/// What lines about workflows make happen.
extension Act {
    /// `save flow 2`, `delete flow`, `start w flow image 40`, `node n of w image quote 40`, `workflow w failed at cost 40`;
    /// nil for any other line.
    static func workflow(_ words: inout Words, world: inout World) throws(SheetError) -> Act? {
        if words.take("save") { return act(try saving(&words, world: &world), world: &world) }
        if words.take("delete") {
            let slug = try words.word("a slug")
            try words.end()
            let wish = DeleteWorkflow(keyID: KeyID(world.id("key", "main")), slug: slug)
            return act(.deleteWorkflow(wish), world: &world)
        }
        if words.take("start") {
            let run = ExecutionID(world.id("run", try words.word("a name")))
            return act(.admitRun(try start(run, &words, world: &world)), run: run, world: &world)
        }
        if words.take("node") {
            let node = try words.word("a node")
            guard words.take("of") else { throw SheetError("a node is of a run") }
            let place = NodePlace(run: ExecutionID(world.id("run", try words.word("a name"))), node: node)
            world.names["run \(node)"] = place.executionID.value
            let model = try words.word("a model")
            var quote = Quote()
            if words.take("needs") { quote.tier = try words.tier() }
            if words.take("quote") { quote.amount = try words.credits() }
            let key = words.take("with key") ? try words.word("a key") : "main"
            try words.end()
            let run = AdmitRun(
                executionID: place.executionID,
                keyID: KeyID(world.id("key", key)),
                model: model,
                inputsDigest: nil,
                preflight: .quoted(quote.value),
                part: .node(place)
            )
            return act(.admitRun(run), run: place.executionID, world: &world)
        }
        guard words.take("workflow") else { return nil }
        let run = ExecutionID(world.id("run", try words.word("a name")))
        guard words.take("failed at cost") else { throw SheetError("a workflow fails at a cost") }
        let cost = try words.credits()
        try words.end()
        var settlement = SettleRun(
            executionID: run,
            outcome: .failed(code: "NODE_FAILED", durationMilliseconds: 5),
            providerRequestID: nil
        )
        settlement.nodesCost = SettleRun.NodesCost(credits: cost, providers: .zero)
        return act(.settleRun(settlement), run: run, world: &world)
    }

    /// `save flow 1 as other` is a slug that somebody else has.
    private static func saving(_ words: inout Words, world: inout World) throws(SheetError) -> Command.Action {
        let slug = try words.word("a slug")
        let version = Int32(truncatingIfNeeded: try words.number())
        let isTaken = words.take("taken by somebody else")
        let key = words.take("with key") ? try words.word("a key") : "main"
        try words.end()
        world.state.slugOwners[slug] = isTaken ? AccountID(Identifier128(high: 2, low: 2)) : accountID
        return .saveWorkflow(
            SaveWorkflow(
                keyID: KeyID(world.id("key", key)),
                slug: slug,
                version: version,
                document: #"{"name":"\#(slug) \#(version)"}"#
            )
        )
    }

    private static func start(
        _ run: ExecutionID,
        _ words: inout Words,
        world: inout World
    ) throws(SheetError) -> AdmitRun {
        let slug = try words.word("a slug")
        var quote = Quote()
        var nodes: [NodeQuote] = []
        var preflight: Preflight?
        var key = "main"
        while !words.isEmpty {
            if words.take("needs") {
                quote.tier = try words.tier()
            } else if words.take("with key") {
                key = try words.word("a key")
            } else if words.take("unknown") {
                preflight = .workflowNotFound
            } else if words.take("invalid") {
                preflight = .invalidWorkflow(problems: 1)
            } else {
                let model = try words.word("a model")
                nodes.append(NodeQuote(model: model, amount: words.take("?") ? nil : try words.credits()))
            }
        }
        quote.amount = nodes.reduce(.zero) { $0 + ($1.amount ?? .zero) }
        return AdmitRun(
            executionID: run,
            keyID: KeyID(world.id("key", key)),
            route: .workflowRun,
            model: WorkflowName.of(slug),
            inputsDigest: nil,
            preflight: preflight ?? .quoted(quote.value),
            part: .whole(nodes)
        )
    }
}
