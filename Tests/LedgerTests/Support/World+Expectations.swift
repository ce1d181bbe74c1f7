import Ledger

/// The right side of a line.
extension World {
    /// What a line without a right side would have wrong: it must have been done, for the first time.
    func unexpected() -> [String] {
        switch decision?.verdict {
        case nil, .done, .admitted: []
        case .settled(let settlement) where !settlement.isRepeat: []
        case .some(let verdict): ["got \(text(of: verdict))"]
        }
    }

    /// Every expectation that is not met, with what is true instead.
    func mismatches(_ expectations: Substring) throws(SheetError) -> [String] {
        guard let decision else { throw SheetError("nothing happened yet") }
        var mismatches: [String] = []
        for (index, expectation) in expectations.split(separator: ",").enumerated() {
            let wanted = Words(expectation).remaining
            let found = index == 0 ? text(of: decision.verdict) : try fact(like: Words(wanted), decision)
            if found != wanted { mismatches.append("expected \(wanted), got \(found)") }
        }
        return mismatches
    }

    /// The true sentence of the kind that the words begin.
    private func fact(like sentence: Words, _ decision: Decision) throws(SheetError) -> String {
        var words = sentence
        if words.take("balance") { return "balance \(state.account?.posted ?? .zero)" }
        if words.take("held") { return "held \(state.account?.held ?? .zero)" }
        if words.take("available") { return "available \(state.account?.available ?? .zero)" }
        if words.take("debited") { return "debited \(total(.creditsDebited))" }
        if words.take("released") { return "released \(total(.creditsReleased))" }
        if words.take("absorbed") { return "absorbed \(total(.costAbsorbed))" }
        if words.take("expired") { return "expired \(total(.creditsExpired))" }
        if words.take("charged") { return "charged \(execution?.charged ?? .zero)" }
        if words.take("status") { return "status \(execution?.status.rawValue ?? "none")" }
        if words.take("free by") {
            return "free by " + (execution?.grantID.map { name(of: "grant", $0.value) } ?? "none")
        }
        if words.take("no events") { return decision.events.isEmpty ? "no events" : eventsText(decision) }
        if words.take("events") { return eventsText(decision) }
        if words.take("draws") { return drawsText() }
        if words.take("pot") { return try potText(words.word("a pot")) }
        if words.take("grant") { return try grantText(words.word("a grant")) }
        if words.take("limit") { return windowText(decision) }
        if words.take("could change") || words.take("can't change") {
            return decision.mayDependOnExpiredHolds ? "could change" : "can't change"
        }
        throw SheetError("nobody knows what \"\(sentence.remaining)\" means")
    }

    private var execution: Execution? { runInQuestion.flatMap { state.executions[$0] } }

    private func total(_ type: EventType) -> Credits {
        (decision?.events ?? []).filter { $0.type == type }.reduce(.zero) { $0 + ($1.amount ?? .zero) }
    }

    private func eventsText(_ decision: Decision) -> String {
        "events " + decision.events.map(\.type.rawValue).joined(separator: " ")
    }

    private func drawsText() -> String {
        guard let runInQuestion, let hold = state.holds[HoldID(runInQuestion.value)] else { return "draws nothing" }
        return "draws " + hold.draws.map { "\(name(of: "pot", $0.potID.value)) \($0.amount)" }.joined(separator: " + ")
    }

    private func potText(_ potName: String) -> String {
        guard let id = names["pot \(potName)"], let pot = state.pots[PotID(id)] else { return "no pot \(potName)" }
        return "pot \(potName) \(pot.remaining)" + (pot.held == .zero ? "" : " and \(pot.held) held")
    }

    private func grantText(_ grantName: String) -> String {
        guard let id = names["grant \(grantName)"], let grant = state.grants[GrantID(id)] else {
            return "no grant \(grantName)"
        }
        var text = "grant \(grantName) used \(grant.used)"
        if grant.held > 0 { text += " and \(grant.held) held" }
        if let openedAt = grant.openedAt, let closesAt = grant.closesAt {
            text += " open \(openedAt.clock) to \(closesAt.clock)"
        }
        return text
    }

    private func windowText(_ decision: Decision) -> String {
        let window: WindowStatus?
        switch decision.verdict {
        case .admitted(let admission): window = admission.window
        case .refused(_, let status): window = status
        default: window = nil
        }
        guard let window else { return "limit none" }
        let reset = Timestamp(microseconds: window.resetSeconds * 1_000_000).clock
        return "limit \(window.limit) left \(window.remaining) reset \(reset) retry \(window.retryAfterSeconds)"
    }

    /// A verdict in the words of a rule sheet.
    func text(of verdict: Verdict) -> String {
        switch verdict {
        case .admitted: "admitted"
        case .alreadyAdmitted: "already admitted"
        case .settled(let settlement): settlement.isRepeat ? "repeat" : "settled"
        case .cancelRequested(let execution): execution.status.isEnd ? "cancelled" : "cancel requested"
        case .done, .saved: "done"
        case .alreadyDone: "already done"
        case .alreadyAdded: "already added"
        case .takenBack(let taken, let short): "took back \(taken), short \(short)"
        case .repeated: "repeated"
        case .refused(let refusal, _): "refused \(refusal.code)\(numbers(of: refusal))"
        }
    }

    private func numbers(of refusal: Refusal) -> String {
        switch refusal {
        case .capabilityDenied(let required): " required \(required)"
        case .rateLimited(let tier), .keysNotAllowed(let tier): " on \(tier)"
        case .modelTierRequired(let required, let tier): " required \(required) on \(tier)"
        case .grantExhausted(.runs(let granted, let used)): " granted \(granted) used \(used)"
        case .grantExhausted(.window(let opens, let closes)):
            " open \(opens?.clock ?? "never") to \(closes?.clock ?? "never")"
        case .insufficientCredits(let required, let available): " required \(required) available \(available)"
        case .capabilityAboveCeiling(let capability, let tier): " \(capability) on \(tier)"
        case .adjustmentTooLarge(let available): " available \(available)"
        default: ""
        }
    }
}
