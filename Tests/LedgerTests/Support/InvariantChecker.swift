import Ledger

/// Watches a history and names every law of the ledger that a step breaks.
struct InvariantChecker {
    /// How often something happened, so that a history in which nothing does can't pass.
    private(set) var counts: [String: Int] = [:]
    private(set) var events: [Event] = []
    private var state = LedgerState()
    private var folded = LedgerState()
    private var sums: [EventType: Credits] = [:]
    private var ends: [HoldID: [EventType: Credits]] = [:]
    private var held: [HoldID: Credits] = [:]
    /// Places of workflows' runs, for which nothing is set aside.
    private var unpaid: Set<HoldID> = []

    /// Carries out a command, as a writer would, and returns the laws that were broken.
    mutating func step(_ command: Command, at now: Timestamp) throws -> [String] {
        if case .saveWorkflow(let wish) = command.action { state.slugOwners[wish.slug] = command.accountID }
        let before = state
        let decision = LedgerState.decide(before, command, at: now)
        var broken: [String] = []
        if decision != LedgerState.decide(before, command, at: now) { broken.append("deciding twice differs") }
        if before != state { broken.append("deciding changed the state") }
        if decision != state.perform(command, at: now) { broken.append("performing differs from deciding") }
        for content in decision.events { broken += try record(content) }
        if state != folded { broken.append("the state is not the fold of its events") }
        broken += verdict(decision, before)
        broken += money() + grants()
        return broken
    }

    /// What remains to be checked when a history is over.
    func atTheEnd() throws -> [String] {
        var broken: [String] = []
        var replayed = LedgerState()
        for event in events { replayed = try LedgerState.evolve(replayed, event) }
        if replayed != state { broken.append("folding from scratch gives another state") }
        for (hold, amount) in held where state.holds[hold] == nil && !unpaid.contains(hold) {
            let parts = ends[hold, default: [:]]
            let ended = parts.values.reduce(Credits.zero, +)
            if parts.isEmpty || ended != amount { broken.append("hold \(hold) ended in parts that do not sum up") }
        }
        for (hold, open) in state.holds where ends[hold] != nil || open.amount != held[hold] {
            broken.append("hold \(hold) is open although part of it has ended")
        }
        return broken
    }

    private mutating func record(_ content: EventContent) throws -> [String] {
        var broken: [String] = []
        let previous = events.last
        let event = Event(
            sealing: content,
            journal: JournalID(3),
            position: Int64(events.count) * 2 + 1,
            sequence: (previous?.sequence ?? 0) + 1,
            previousHash: previous?.hash
        )
        try folded.apply(content)
        folded.advance(to: event)
        state.advance(to: event)
        if let previous, previous.content.recordedAt >= content.recordedAt { broken.append("recorded out of order") }
        if event.recomputedHash != event.hash { broken.append("a hash that can't be recomputed") }
        if let detail = content.detail, CanonicalJSON(text: detail.text) != detail {
            broken.append("a detail that is not canonical")
        }
        let after = content.type.movesCredits ? folded.account.map { ($0.posted, $0.held) } : nil
        if content.balanceAfter != after?.0 || content.heldAfter != after?.1 {
            broken.append("an event carries other sums than the fold")
        }
        counts[content.type.rawValue, default: 0] += 1
        sums[content.type, default: .zero] += content.amount ?? .zero
        events.append(event)
        return broken + recordHold(content)
    }

    private mutating func recordHold(_ content: EventContent) -> [String] {
        guard let hold = content.holdID else { return [] }
        switch content.type {
        case .creditsHeld, .grantHeld, .workflowStarted:
            if content.type == .workflowStarted { unpaid.insert(hold) }
            if held.updateValue(content.amount ?? .zero, forKey: hold) != nil { return ["a hold opened twice"] }
        case .creditsDebited, .creditsReleased, .grantConsumed, .grantReleased:
            let amount = content.amount ?? .zero
            if held[hold] == nil { return ["the end of a hold that never was"] }
            let earlier = ends[hold, default: [:]].updateValue(amount, forKey: content.type)
            if earlier != nil { return ["a hold ended twice"] }
            let isGrant = content.type == .grantConsumed || content.type == .grantReleased
            if !isGrant, !amount.isPositive { return ["an end of nothing"] }
            if isGrant, ends[hold]?.count != 1 { return ["a grant run both used and given back"] }
        default: break
        }
        return []
    }

    private mutating func verdict(_ decision: Decision, _ before: LedgerState) -> [String] {
        let allowedWithRefusal: Set<EventType> = [
            .requestReceived, .capabilityGranted, .capabilityDenied, .rateLimitCounted, .rateLimitExceeded,
            .requestRefused, .creditsRefused, .grantRefused,
        ]
        var types = Set(decision.events.map(\.type))
        switch decision.verdict {
        case .refused(let refusal, _):
            counts["refused \(refusal.code)", default: 0] += 1
            // Something that ran out is tidied up on the way; whatever else follows a refusal records it.
            types.subtract([
                .creditsExpired, .executionFailed, .executionSucceeded, .creditsReleased, .creditsDebited,
                .grantReleased, .grantConsumed, .alertRaised, .alertCleared,
            ])
            if !types.isSubset(of: allowedWithRefusal) { return ["a refusal did something: \(types)"] }
            if decision.events.isEmpty, before != state { return ["a refusal without a trace changed something"] }
            if state.executions.count != before.executions.count { return ["a refused run exists"] }
        case .settled(let settlement) where !settlement.isRepeat: counts["settled", default: 0] += 1
        case .alreadyDone, .alreadyAdded, .alreadyAdmitted, .repeated, .settled:
            counts["repeat", default: 0] += 1
            if !decision.events.isEmpty || before != state { return ["a repeat changed something"] }
        case .admitted: counts["admitted", default: 0] += 1
        case .cancelRequested(let execution):
            counts["cancel requested", default: 0] += 1
            let allowed: Set<EventType> = [
                .executionCancelRequested, .executionCancelled, .creditsReleased, .grantReleased,
            ]
            if !types.isSubset(of: allowed) { return ["a wish to cancel did something else: \(types)"] }
            if execution.status.isEnd, state.holds[execution.holdID] != nil { return ["a cancelled run is held"] }
        case .done, .saved: counts["done", default: 0] += 1
        case .takenBack(let taken, let short):
            counts["taken back", default: 0] += 1
            if short.isPositive { counts["short", default: 0] += 1 }
            let gone = decision.events.filter { $0.type == .creditsAdjusted }.reduce(Credits.zero) {
                $0 + ($1.amount ?? .zero)
            }
            if gone != -taken { return ["a refund took something else than it says"] }
        }
        return []
    }

    private func money() -> [String] {
        guard let account = state.account else { return [] }
        let total = { (types: [EventType]) in types.reduce(Credits.zero) { $0 + (sums[$1] ?? .zero) } }
        let posted = total([.creditsAdded, .creditsAdjusted]) - total([.creditsDebited, .creditsExpired])
        let onHold = total([.creditsHeld]) - total([.creditsDebited, .creditsReleased])
        let pots = state.pots.values
        var broken: [String] = []
        if account.posted != posted { broken.append("the balance is not added less debited, expired and corrected") }
        let inPots = pots.reduce(Credits.zero) { $0 + $1.remaining + $1.held }
        if account.posted != inPots { broken.append("balance and pots differ") }
        if account.held != onHold { broken.append("held is not held less debited and released") }
        let open = state.holds.values.reduce(Credits.zero) { $0 + $1.amount }
        if account.held != open { broken.append("held and holds differ") }
        if account.held != pots.reduce(.zero, { $0 + $1.held }) { broken.append("held and pots differ") }
        let drawn = state.holds.values.flatMap(\.draws).reduce(Credits.zero) { $0 + $1.amount }
        if account.held != drawn { broken.append("held and draws differ") }
        if pots.contains(where: { $0.remaining.isNegative || $0.held.isNegative }) || account.available.isNegative {
            broken.append("something is below zero")
        }
        return broken
    }

    private func grants() -> [String] {
        var broken: [String] = []
        let grants = state.grants.values
        if grants.contains(where: { $0.held < 0 || $0.used < 0 }) { broken.append("a grant is below zero") }
        for grant in grants {
            if case .runs(let granted) = grant.allowance, grant.used + grant.held > granted {
                broken.append("grant \(grant.id) gave more than it had")
            }
        }
        return broken
    }
}
