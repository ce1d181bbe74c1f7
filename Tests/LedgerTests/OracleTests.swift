import HistoryTestSupport
import Ledger
import Testing

/// Goal: money and grants are what they should be after any history. Method: random commands are given to the rules and
/// to an oracle that was written another way; after each, the answers and every pot and grant must be the same.
@Suite struct OracleTests {
    @Test("the ledger answers as a naive oracle that sums everything anew")
    func agreement() throws {
        var counts: [String: Int] = [:]
        for seed in UInt64(1)...16 { counts.merge(try compare(seed: seed, steps: 250)) { $0 + $1 } }
        for kind in ["draws", "free", "settled,", "repeat", "refused INSUFFICIENT_CREDITS", "refused grant_exhausted"] {
            #expect(counts[kind, default: 0] > 50, "only \(counts[kind, default: 0]) times \(kind)")
        }
    }

    private func compare(seed: UInt64, steps: Int) throws -> [String: Int] {
        var history = RandomHistory(theme: .money, seed: seed)
        var oracle = Oracle()
        var state = LedgerState()
        var counts: [String: Int] = [:]
        for step in 1...steps {
            let command = history.next()
            let decision = state.perform(command, at: history.now)
            let expected = oracle.answer(command, at: history.now.microseconds)
            let answer = words(for: decision, state)
            try #require(answer == expected, "seed \(seed), step \(step): \(command.action)")
            try #require(differences(state, oracle) == [], "seed \(seed), step \(step): \(command.action)")
            let kind = answer.split(separator: " ").prefix(answer.hasPrefix("refused") ? 2 : 1).joined(separator: " ")
            counts[kind, default: 0] += 1
        }
        return counts
    }

    private func differences(_ state: LedgerState, _ oracle: Oracle) -> [String] {
        var differences: [String] = []
        for pot in oracle.allPots {
            let mine = state.pots[pot].map { [$0.remaining.microcredits, $0.held.microcredits] }
            let theirs = [oracle.left(in: pot), oracle.onHold(in: pot)]
            if mine != theirs { differences.append("pot \(pot): \(mine ?? []), oracle \(theirs)") }
        }
        for grant in oracle.allGrants {
            let mine = state.grants[grant].map { [$0.used, $0.held] }
            let theirs = [oracle.usage(of: grant).used, oracle.usage(of: grant).held]
            if mine != theirs { differences.append("grant \(grant): \(mine ?? []), oracle \(theirs)") }
        }
        if state.pots.count != oracle.allPots.count { differences.append("another number of pots") }
        if state.grants.count != oracle.allGrants.count { differences.append("another number of grants") }
        return differences
    }

    private func words(for decision: Decision, _ state: LedgerState) -> String {
        switch decision.verdict {
        case .admitted(let admission):
            if let grantID = admission.grantID { return "free \(grantID)" }
            let draws = state.holds[admission.holdID]?.draws ?? []
            return "draws" + draws.map { " \($0.potID):\($0.amount.microcredits)" }.joined()
        case .alreadyAdmitted: return "already admitted"
        case .settled(let settlement):
            if settlement.isRepeat { return "repeat" }
            let total = { (type: EventType) in
                decision.events.filter { $0.type == type }.reduce(0) { $0 + ($1.amount?.microcredits ?? 0) }
            }
            let (charged, back) = (total(.creditsDebited), total(.creditsReleased))
            return "settled, charged \(charged), back \(back), absorbed \(total(.costAbsorbed))"
        case .cancelRequested(let execution): return execution.status.isEnd ? "cancelled" : "cancel requested"
        case .repeated: return "repeated"
        case .done, .saved: return "done"
        case .alreadyDone: return "already done"
        case .alreadyAdded: return "already added"
        case .takenBack(let taken, let short): return "took back \(taken.microcredits) short \(short.microcredits)"
        case .refused(.insufficientCredits(let required, let available), _):
            return "refused INSUFFICIENT_CREDITS \(required.microcredits) of \(available.microcredits)"
        case .refused(.grantExhausted(.runs(let granted, let used)), _):
            return "refused grant_exhausted \(used) of \(granted)"
        case .refused(.grantExhausted(.window), _): return "refused grant_exhausted time"
        case .refused(.adjustmentTooLarge(let available), _):
            return "refused ADJUSTMENT_TOO_LARGE available \(available.microcredits)"
        case .refused(let refusal, _): return "refused \(refusal.code)"
        }
    }
}
