package import Ledger

/// Commands that nobody thought up, one after another, all following from a seed.
///
/// A good part of them is meant to be refused: unknown ids, spent grants, empty pots, revoked keys, wrong order.
package struct RandomHistory {
    /// Midnight of the day on which histories begin: 2026-01-01T00:00:00Z.
    package static let midnight = Timestamp(microseconds: 1_767_225_600_000_000)

    /// What a history is about.
    package enum Theme {
        /// Every command there is, with a clock that also jumps back.
        case everything
        /// As before, with so many requests a minute that the limiter has work.
        case flood
        /// Credits, grants and runs only, with moments so far apart that nothing expires in mid-decision.
        case money
    }

    let theme: Theme
    let account: AccountID
    var random: SplitMix64
    /// When the command that was made last is given.
    package var now = midnight
    private var step: Int64 = 0
    private var issued: UInt64 = 0
    private var runs: [ExecutionID] = []
    private var pots: [PotID] = []
    private var grants: [GrantID] = []
    private var keys: [KeyID] = []
    private var attempts: [PotID] = []
    private var wholes: [ExecutionID] = []
    private var versions: [String: Int32] = [:]
    private var last: Command?

    /// A history of one account.
    package init(
        theme: Theme,
        seed: UInt64,
        account: AccountID = AccountID(Identifier128(high: 1, low: 1))
    ) {
        self.theme = theme
        self.account = account
        self.random = SplitMix64(seed: seed)
    }

    /// The next command; moves the clock on.
    package mutating func next() -> Command {
        advanceClock()
        step += 1
        if step == 1 { return command(.openAccount(OpenAccount(tier: .business))) }
        if step == 2 {
            return command(.issueKey(key(["model:run", "execution:cancel", "workflow:run", "workflow:write"])))
        }
        if let last, roll(30) { return last }
        let command = command(action())
        last = command
        return command
    }

    private mutating func command(_ action: Command.Action) -> Command {
        Command(id: CommandID(fresh()), accountID: account, requestID: RequestID(fresh()), action: action)
    }

    private mutating func action() -> Command.Action {
        if theme == .everything, step > 440, roll(12) { return .closeAccount }
        if theme == .everything, roll(13) { return funds() }
        if theme == .everything, roll(13) { return workflows() }
        let share = Int.random(in: 0..<100, using: &random)
        if theme == .flood, Int.random(in: 0..<100, using: &random) < 95 { return .admitRun(admission()) }
        switch share {
        case 0..<40: return .admitRun(admission())
        case 40..<70: return .settleRun(settlement())
        case 70..<74: return .recordSubmission(RecordSubmission(executionID: run(), providerRequestID: "p-\(step)"))
        case 74..<76: return .expireHold(HoldID(run().value))
        case 76..<78:
            let wish = RequestCancel(executionID: run(), keyID: one(of: keys), isUndispatched: roll(2))
            return .requestCancel(wish)
        case 78..<85: return .addCredits(addition())
        case 85..<88:
            let amount = Credits(microcredits: Int64.random(in: -60_000_000...30_000_000, using: &random))
            let pot = pots.randomElement(using: &random) ?? PotID(fresh())
            // Given ones are sealed, each otherwise; older ones say what they say.
            let reason = amount > .zero ? PrivateText.mark(Digest(of: Array("\(step)".utf8))) : "é"
            return .adjustCredits(AdjustCredits(potID: pot, amount: amount, reason: reason, correctsSequence: nil))
        case 88..<92: return .issueGrant(grant())
        case 92..<94: return .revokeGrant(grants.randomElement(using: &random) ?? GrantID(fresh()))
        case 94..<96: return .changeTier(roll(2) || theme == .flood ? .business : .enterprise)
        default: return theme != .everything ? .admitRun(admission()) : access()
        }
    }

    /// Renewals, refunds, thresholds and topping up.
    private mutating func funds() -> Command.Action {
        let day = Int64.random(in: 1...6, using: &random)
        let references = ["pi_1", "pi_2", "pi_3", "pi_4"]
        let reference = references.randomElement(using: &random) ?? "pi_1"
        let amount = Credits(microcredits: Int64.random(in: -1_000_000...20_000_000, using: &random))
        switch Int.random(in: 0..<24, using: &random) {
        case 0..<4:
            pots.append(PotID(fresh()))
            let addition = AddCredits(
                potID: pots[pots.count - 1],
                kind: .topUp,
                amount: amount,
                expiresAt: roll(3) ? now.adding(seconds: 3_600) : nil,
                externalReference: reference
            )
            return .addCredits(addition)
        case 4..<8:
            pots.append(PotID(fresh()))
            let renewal = RenewPlan(
                potID: pots[pots.count - 1],
                period: roll(20) ? "" : "day \(now.utcDay) \(day)",
                allowance: roll(3) ? nil : amount,
                expiresAt: roll(3) ? now.adding(seconds: 7_200) : nil
            )
            return .renewPlan(renewal)
        case 8..<13:
            let refunded = Int64.random(in: -1...11, using: &random)
            return .refundPayment(RefundPayment(reference: reference, refundedUnits: refunded, paidUnits: 10))
        case 13..<15: return .setAlertThreshold(roll(4) ? nil : amount + amount + amount)
        case 15..<17:
            let rules = AutoTopUp.Rules(threshold: Credits(whole: 100_000), amount: amount, failuresToOpen: 2)
            return .setTopUpRules(roll(4) ? nil : rules)
        case 17..<20:
            // The same until it has ended, so that ends find the attempt that is open.
            if attempts.isEmpty { attempts.append(PotID(fresh())) }
            return .startTopUp(attempts[0])
        case 20: return .changeRole(roll(2) ? .admin : .user)
        default:
            let outcome: EndTopUp.Outcome =
                roll(2)
                ? .failed(code: "card_declined")
                : .paid(amount: Credits(whole: 1), reference: "pi_t\(step)", expiresAt: nil)
            return .endTopUp(EndTopUp(attempt: attempts.popLast() ?? PotID(fresh()), outcome: outcome))
        }
    }

    /// Documents, runs of whole workflows, and nodes of those.
    private mutating func workflows() -> Command.Action {
        let slug = one(of: ["flow", "tale"])
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<5:
            versions[slug, default: 0] += roll(5) ? 2 : 1
            let document = #"{"name":"\#(step)"}"#
            return .saveWorkflow(
                SaveWorkflow(keyID: one(of: keys), slug: slug, version: versions[slug] ?? 1, document: document)
            )
        case 5: return .deleteWorkflow(DeleteWorkflow(keyID: one(of: keys), slug: slug))
        case 6..<13:
            let run = ExecutionID(fresh())
            runs.append(run)
            wholes.append(run)
            let quotes = [NodeQuote(model: "image", amount: Credits(whole: 9)), NodeQuote(model: "song", amount: nil)]
            return .admitRun(
                AdmitRun(
                    executionID: run,
                    keyID: one(of: keys),
                    route: .workflowRun,
                    model: WorkflowName.of(slug),
                    inputsDigest: nil,
                    preflight: roll(9) ? .workflowNotFound : .quoted(Quote().value),
                    part: .whole(quotes)
                )
            )
        default:
            let whole = wholes.suffix(3).randomElement(using: &random) ?? ExecutionID(fresh())
            let place = NodePlace(run: whole, node: one(of: ["a", "b"]))
            runs.append(place.executionID)
            return .admitRun(
                AdmitRun(
                    executionID: place.executionID,
                    keyID: one(of: keys),
                    model: one(of: ["image", "song"]),
                    inputsDigest: nil,
                    preflight: .quoted(Quote().value),
                    part: .node(place)
                )
            )
        }
    }

    private mutating func access() -> Command.Action {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<8: .issueKey(key(["model:run", "model:image:run", "workflow:run"]))
        case 8..<10: keys.count > 2 ? .revokeKey(keys.removeFirst()) : .revokeKey(KeyID(fresh()))
        case 10..<17: .setApproval(!roll(4))
        case 17, 18: .changeTier(roll(2) ? .pro : .enterprise)
        default: .openAccount(OpenAccount(tier: .free))
        }
    }

    private mutating func admission() -> AdmitRun {
        if roll(12), let again = runs.randomElement(using: &random) { return admission(again) }
        let run = ExecutionID(fresh())
        runs.append(run)
        return admission(run)
    }

    private mutating func admission(_ run: ExecutionID) -> AdmitRun {
        let models = ["image", "video", "song"]
        var quote = Quote()
        quote.amount = Credits(microcredits: Int64.random(in: 1...40_000_000, using: &random))
        quote.policy = roll(3) ? .charge : .release
        quote.deadlineSeconds = Int64.random(in: 1...300, using: &random)
        quote.unresolvedHoldSeconds = Int64.random(in: 0...3_000, using: &random)
        var preflight = Preflight.quoted(quote.value)
        var isAsync = false
        if theme != .money {
            if roll(12) { quote.tier = .enterprise }
            quote.supportsAsync = !roll(12)
            isAsync = roll(6)
            preflight = .quoted(quote.value)
            if roll(20) { preflight = one(of: [.invalidSlug, .invalidBody, .modelNotFound]) }
            if roll(40) { preflight = .invalidInputs(problems: 3) }
        }
        return AdmitRun(
            executionID: run,
            keyID: roll(60) && theme != .money ? KeyID(fresh()) : one(of: keys),
            route: roll(5) ? .workflowRun : .modelRun,
            model: preflight == .invalidSlug ? nil : models.randomElement(using: &random),
            inputsDigest: roll(2) ? Digest(of: [UInt8(truncatingIfNeeded: step)]) : nil,
            preflight: preflight,
            isAsync: isAsync,
            instance: step
        )
    }

    private mutating func settlement() -> SettleRun {
        let outcome: RunOutcome
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: outcome = .failed(code: "PROVIDER_FAILED", durationMilliseconds: 5)
        case 2: outcome = .unresolved(reason: "lost \"it\"")
        case 3 where roll(3): outcome = .cancelled(durationMilliseconds: 7)
        default:
            let cost = Credits(microcredits: roll(9) ? 0 : Int64.random(in: 0...35_000_000, using: &random))
            outcome = .succeeded(
                cost: cost,
                providerCost: MicroUSD(microdollars: 40),
                resultDigest: roll(2) ? .zero : nil,
                durationMilliseconds: step
            )
        }
        return SettleRun(executionID: run(), outcome: outcome, providerRequestID: roll(2) ? "p-\(step)" : nil)
    }

    private mutating func addition() -> AddCredits {
        let pot = roll(10) ? pots.randomElement(using: &random) ?? PotID(fresh()) : PotID(fresh())
        if !pots.contains(pot) { pots.append(pot) }
        let amount = Credits(microcredits: Int64.random(in: -1_000_000...90_000_000, using: &random))
        let kind = one(of: Pot.Kind.allCases)
        return AddCredits(potID: pot, kind: kind, amount: amount, expiresAt: expiry(), externalReference: "r-\(step)")
    }

    private mutating func grant() -> IssueGrant {
        let grant = GrantID(fresh())
        grants.append(grant)
        let allowance =
            roll(3)
            ? Grant.Allowance.window(seconds: Int64.random(in: 1...2_000, using: &random))
            : .runs(Int64.random(in: 0...4, using: &random))
        let model = one(of: ["image", "video"])
        return IssueGrant(grantID: grant, model: model, allowance: allowance, expiresAt: expiry())
    }

    private mutating func expiry() -> Timestamp? {
        if roll(4) { return nil }
        let seconds = Int64.random(in: 0...4_000, using: &random)
        return Timestamp(microseconds: now.microseconds + seconds * 1_000_000 + (theme == .money ? 500 : 0))
    }

    private mutating func key(_ capabilities: [String]) -> IssueKey {
        let key = KeyID(fresh())
        keys.append(key)
        return IssueKey(
            keyID: key,
            name: "k",
            secretDigest: .zero,
            capabilities: capabilities.compactMap { Capability($0) }
        )
    }

    /// Mostly one of the latest runs.
    private mutating func run() -> ExecutionID {
        if roll(50) || runs.isEmpty { return ExecutionID(fresh()) }
        let recent = roll(5) ? runs.count : min(runs.count, 6)
        return runs[runs.count - Int.random(in: 1...recent, using: &random)]
    }

    /// In a history about money the milliseconds are the step's number, so that no two moments ever meet.
    private mutating func advanceClock() {
        let seconds = Int64.random(in: 0...(roll(40) ? 3_600 : 60), using: &random)
        switch theme {
        case .money:
            let whole = now.microseconds / 1_000_000 * 1_000_000
            now = Timestamp(microseconds: whole + seconds * 1_000_000 + step * 1_000)
        case .flood: now = Timestamp(microseconds: now.microseconds + Int64.random(in: -9...30_000, using: &random))
        case .everything:
            let jump = roll(3) ? Int64.random(in: -5...5, using: &random) : seconds * 1_000_000
            now = Timestamp(microseconds: now.microseconds + (roll(20) ? -jump : jump))
        }
    }

    private mutating func roll(_ sides: Int) -> Bool { Int.random(in: 0..<sides, using: &random) == 0 }

    private mutating func one<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &random)]
    }

    private mutating func fresh() -> Identifier128 {
        issued += 1
        return Identifier128(high: 0xF0, low: random.next() << 20 | issued)
    }
}
