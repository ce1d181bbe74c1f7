import HistoryTestSupport
import Ledger

/// What one line of a rule sheet makes happen.
enum Act {
    case wait(Timestamp)
    case command(Command, run: ExecutionID?)

    static let accountID = AccountID(Identifier128(high: 1, low: 1))

    /// Reads the left side of a line. `3x run r …` are three runs named r1, r2 and r3.
    static func all(in text: String, world: inout World) throws(SheetError) -> [Act] {
        var words = Words(text)
        let first = text.prefix { $0 != " " }
        if first.last == "x", let count = Int(first.dropLast()) {
            _ = try words.word("a count")
            var acts: [Act] = []
            for number in 1...count {
                var copy = words
                acts.append(try one(&copy, suffix: String(number), world: &world))
            }
            return acts
        }
        if words.take("account") { return try opening(&words, world: &world) }
        return [try one(&words, suffix: "", world: &world)]
    }

    /// `account business`: opened with a key `main` that may run every model, where the plan allows keys.
    private static func opening(_ words: inout Words, world: inout World) throws(SheetError) -> [Act] {
        let tier = try words.tier()
        let role = words.take("admin") ? Role.admin : .user
        let isApproved = !words.take("unapproved")
        let bare = words.take("without key")
        try words.end()
        var acts = [act(.openAccount(OpenAccount(tier: tier, role: role, isApproved: isApproved)), world: &world)]
        if !bare, role == .admin || tier >= .business {
            let key = IssueKey(
                keyID: KeyID(world.id("key", "main")),
                name: "main",
                secretDigest: .zero,
                capabilities: ["model:run", "execution:cancel", "workflow:run", "workflow:write"].compactMap {
                    Capability($0)
                }
            )
            acts.append(act(.issueKey(key), world: &world))
        }
        return acts
    }

    static func act(_ action: Command.Action, run: ExecutionID? = nil, world: inout World) -> Act {
        let id = CommandID(world.nextID())
        return .command(Command(id: id, accountID: accountID, action: action), run: run)
    }

    private static func one(_ words: inout Words, suffix: String, world: inout World) throws(SheetError) -> Act {
        if words.take("again") {
            guard let command = world.lastCommand else { throw SheetError("nothing to do again") }
            return .command(command, run: world.runInQuestion)
        }
        if words.take("at") { return .wait(try words.time()) }
        if words.take("wait") { return .wait(world.now.adding(seconds: try words.seconds())) }
        if words.take("run") {
            let run = ExecutionID(world.id("run", try words.word("a name") + suffix))
            return act(.admitRun(try admission(run, &words, world: &world)), run: run, world: &world)
        }
        for verb in ["succeed", "fail", "cancelled", "unresolved", "submitted", "expire"] where words.take(verb) {
            let run = ExecutionID(world.id("run", try words.word("a name") + suffix))
            return act(try end(verb, of: run, &words), run: run, world: &world)
        }
        if words.take("cancel") {
            let run = ExecutionID(world.id("run", try words.word("a name") + suffix))
            let key = words.take("with key") ? try words.word("a key") : "main"
            let isUndispatched = words.take("before it is sent")
            try words.end()
            let wish = RequestCancel(
                executionID: run,
                keyID: KeyID(world.id("key", key)),
                isUndispatched: isUndispatched
            )
            return act(.requestCancel(wish), run: run, world: &world)
        }
        if let act = try workflow(&words, world: &world) { return act }
        let action = try administration(&words, world: &world)
        try words.end()
        return act(action, world: &world)
    }

    private static func end(_ verb: String, of run: ExecutionID, _ words: inout Words) throws(SheetError)
        -> Command.Action
    {
        let outcome: RunOutcome
        switch verb {
        case "succeed":
            guard words.take("cost") else { throw SheetError("a success has a cost") }
            let cost = try words.credits()
            outcome = .succeeded(cost: cost, providerCost: .zero, resultDigest: nil, durationMilliseconds: 5)
        case "fail": outcome = .failed(code: "PROVIDER_FAILED", durationMilliseconds: 5)
        case "cancelled": outcome = .cancelled(durationMilliseconds: 5)
        case "unresolved": outcome = .unresolved(reason: "connection lost")
        case "expire":
            var cost: SettleRun.NodesCost?
            if words.take("at cost") { cost = SettleRun.NodesCost(credits: try words.credits(), providers: .zero) }
            try words.end()
            return .expireHold(HoldID(run.value), nodesCost: cost)
        default: return .recordSubmission(RecordSubmission(executionID: run, providerRequestID: "provider-1"))
        }
        try words.end()
        return .settleRun(SettleRun(executionID: run, outcome: outcome, providerRequestID: nil))
    }

    private static func admission(_ run: ExecutionID, _ words: inout Words, world: inout World) throws(SheetError)
        -> AdmitRun
    {
        var model: String? = try words.word("a model")
        var quote = Quote()
        var preflight: Preflight?
        var key = "main"
        var route = Route.modelRun
        var isAsync = false
        while !words.isEmpty {
            if words.take("quote") {
                quote.amount = try words.credits()
            } else if words.take("needs") {
                quote.tier = try words.tier()
            } else if words.take("expiry charges") {
                quote.policy = .charge
            } else if words.take("with key") {
                key = try words.word("a key")
            } else if words.take("on the workflow route") {
                route = .workflowRun
            } else if words.take("async only sync") {
                (isAsync, quote.supportsAsync) = (true, false)
            } else if words.take("async") {
                isAsync = true
            } else if words.take("bad slug") {
                (preflight, model) = (.invalidSlug, nil)
            } else if words.take("bad body") {
                preflight = .invalidBody
            } else if words.take("bad inputs") {
                preflight = .invalidInputs(problems: 2)
            } else if words.take("unknown model") {
                preflight = .modelNotFound
            } else {
                try words.end()
            }
        }
        return AdmitRun(
            executionID: run,
            keyID: KeyID(world.id("key", key)),
            route: route,
            model: model,
            inputsDigest: nil,
            preflight: preflight ?? .quoted(quote.value),
            isAsync: isAsync
        )
    }
}
