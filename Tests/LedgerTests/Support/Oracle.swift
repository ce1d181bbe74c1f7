import Ledger

/// What the ledger must answer, worked out another way.
///
/// It keeps no balance: only a list of entries, one for each movement, and the terms of pots, grants and runs. Whatever
/// it wants to know it sums over the whole list, every time. It shares no code with the rules, only their wording.
struct Oracle {
    private enum Kind {
        case put, taken, drawn, revoked, opened, openedAt, used, submitted, unresolved, ended, cancelled
    }

    private struct Entry {
        var kind: Kind
        var pot: PotID?
        var grant: GrantID?
        var run: ExecutionID?
        var amount: Int64 = 1
    }

    private struct Run {
        var model: String
        var quote: Int64
        var grant: GrantID?
        var endsAt: Int64
        var charges: Bool
    }

    private var entries: [Entry] = []
    private var pots: [PotID: (isPlan: Bool, expiry: Int64)] = [:]
    private var grants: [GrantID: (terms: IssueGrant, tier: Tier, expiry: Int64)] = [:]
    private var runs: [ExecutionID: Run] = [:]
    private var done: Set<CommandID> = []
    private var tier = Tier.business

    /// The answer in words, the same words as `OracleTests.words(for:)`.
    mutating func answer(_ command: Command, at now: Int64) -> String {
        if done.contains(command.id) { return "already done" }
        let answer: String
        switch command.action {
        case .openAccount, .issueKey: answer = "done"
        case .changeTier(let wanted): (tier, answer) = (wanted, "done")
        case .addCredits(let addition): answer = add(addition, now)
        case .adjustCredits(let adjustment): answer = adjust(adjustment, now)
        case .issueGrant(let grant): answer = issue(grant, now)
        case .revokeGrant(let grant):
            if grants[grant] == nil { return "refused GRANT_NOT_FOUND" }
            if sum(.revoked, grant: grant) > 0 { return "already done" }
            entries.append(Entry(kind: .revoked, grant: grant))
            answer = "done"
        case .admitRun(let run): return admit(run, now)
        case .settleRun(let settlement): return settle(settlement)
        case .recordSubmission(let submission):
            let run = submission.executionID
            if runs[run] == nil { return "refused EXECUTION_NOT_FOUND" }
            let isFirst = sum(.submitted, run: run) + sum(.ended, run: run) + sum(.unresolved, run: run) == 0
            if isFirst { entries.append(Entry(kind: .submitted, run: run)) }
            return isFirst ? "done" : "already done"
        case .requestCancel(let wish):
            let run = wish.executionID
            if runs[run] == nil { return "refused EXECUTION_NOT_FOUND" }
            let isCancelled = sum(.cancelled, run: run) > 0
            if sum(.ended, run: run) > 0 { return isCancelled ? "cancelled" : "refused EXECUTION_NOT_CANCELLABLE" }
            guard wish.isUndispatched else { return "cancel requested" }
            entries.append(Entry(kind: .cancelled, run: run))
            end(run, cost: 0, isSuccess: false)
            return "cancelled"
        case .expireHold(let hold, _):
            let run = ExecutionID(hold.value)
            guard let terms = runs[run], sum(.ended, run: run) == 0 else { return "already done" }
            guard terms.endsAt <= now else { return "refused HOLD_NOT_EXPIRED" }
            end(run, cost: terms.charges ? terms.quote : 0, isSuccess: terms.charges)
            return "done"
        default: return "not in a history about money"
        }
        if answer == "done" { done.insert(command.id) }
        return answer
    }

    /// Credits in a pot that no hold has drawn.
    func left(in pot: PotID) -> Int64 { sum(.put, pot: pot) - sum(.taken, pot: pot) }

    /// Credits that open holds have drawn from a pot.
    func onHold(in pot: PotID) -> Int64 {
        let ended = Set(entries.filter { $0.kind == .ended }.map(\.run))
        return entries.reduce(0) { sum, entry in
            entry.kind == .drawn && entry.pot == pot && !ended.contains(entry.run) ? sum + entry.amount : sum
        }
    }

    /// Runs of a grant that are used, and that open holds set aside.
    func usage(of grant: GrantID) -> (used: Int64, held: Int64) {
        let held = runs.filter { $0.value.grant == grant }.filter { sum(.ended, run: $0.key) == 0 }.count
        return (sum(.used, grant: grant), Int64(held))
    }

    var allPots: [PotID] { Array(pots.keys) }
    var allGrants: [GrantID] { Array(grants.keys) }

    private func sum(_ kind: Kind, pot: PotID? = nil, grant: GrantID? = nil, run: ExecutionID? = nil) -> Int64 {
        var sum: Int64 = 0
        for entry in entries where entry.kind == kind {
            if let pot, entry.pot != pot { continue }
            if let grant, entry.grant != grant { continue }
            if let run, entry.run != run { continue }
            sum += entry.amount
        }
        return sum
    }

    private mutating func add(_ addition: AddCredits, _ now: Int64) -> String {
        if pots[addition.potID] != nil { return "refused POT_EXISTS" }
        if addition.amount.microcredits <= 0 { return "refused INVALID_AMOUNT" }
        let expiry = addition.expiresAt?.microseconds ?? .max
        if expiry <= now { return "refused EXPIRY_IN_PAST" }
        pots[addition.potID] = (addition.kind == .plan, expiry)
        entries.append(Entry(kind: .put, pot: addition.potID, amount: addition.amount.microcredits))
        return "done"
    }

    private mutating func adjust(_ adjustment: AdjustCredits, _ now: Int64) -> String {
        guard pots[adjustment.potID] != nil else { return "refused POT_NOT_FOUND" }
        if adjustment.amount.microcredits == 0 { return "refused INVALID_AMOUNT" }
        emptyExpiredPots(now)
        let left = left(in: adjustment.potID)
        if left + adjustment.amount.microcredits < 0 { return "refused ADJUSTMENT_TOO_LARGE available \(left)" }
        entries.append(Entry(kind: .put, pot: adjustment.potID, amount: adjustment.amount.microcredits))
        return "done"
    }

    private mutating func issue(_ grant: IssueGrant, _ now: Int64) -> String {
        let expiry = grant.expiresAt?.microseconds ?? .max
        if expiry <= now { return "refused EXPIRY_IN_PAST" }
        if case .runs(0) = grant.allowance { return "refused INVALID_GRANT" }
        grants[grant.grantID] = (grant, tier, expiry)
        return "done"
    }

    private mutating func emptyExpiredPots(_ now: Int64) {
        for (pot, terms) in pots where terms.expiry <= now {
            entries.append(Entry(kind: .taken, pot: pot, amount: left(in: pot)))
        }
    }
}

/// Runs.
extension Oracle {
    private mutating func admit(_ run: AdmitRun, _ now: Int64) -> String {
        if runs[run.executionID] != nil { return "already admitted" }
        guard case .quoted(let quote) = run.preflight, let model = run.model else { return "no quote" }
        for (other, terms) in runs where terms.endsAt <= now && sum(.ended, run: other) == 0 {
            end(other, cost: terms.charges ? terms.quote : 0, isSuccess: terms.charges)
        }
        var terms = Run(model: model, quote: quote.amount.microcredits, endsAt: now, charges: false)
        terms.endsAt += (quote.deadlineSeconds + quote.unresolvedHoldSeconds) * 1_000_000
        terms.charges = quote.unresolvedPolicy == .charge
        let ofModel = grants.filter { $0.value.terms.model == model && sum(.revoked, grant: $0.key) == 0 }
        let live = ofModel.filter { isLive($0.key, now) }
        if let grant = live.min(by: { ($0.value.expiry, $0.key) < ($1.value.expiry, $1.key) }) {
            if sum(.opened, grant: grant.key) == 0 {
                entries.append(Entry(kind: .opened, grant: grant.key))
                entries.append(Entry(kind: .openedAt, grant: grant.key, amount: now))
            }
            terms.grant = grant.key
            runs[run.executionID] = terms
            return "free \(grant.key)"
        }
        if let grant = ofModel.filter({ tier <= $0.value.tier }).min(by: { $0.key < $1.key }) {
            guard case .runs(let granted) = grant.value.terms.allowance else { return "refused grant_exhausted time" }
            let usage = usage(of: grant.key)
            return "refused grant_exhausted \(usage.used + usage.held) of \(granted)"
        }
        emptyExpiredPots(now)
        let available = pots.keys.reduce(0) { $0 + left(in: $1) }
        if available < terms.quote { return "refused INSUFFICIENT_CREDITS \(terms.quote) of \(available)" }
        runs[run.executionID] = terms
        return "draws" + draw(terms.quote, run.executionID)
    }

    private func isLive(_ grant: GrantID, _ now: Int64) -> Bool {
        guard let terms = grants[grant], terms.expiry > now else { return false }
        switch terms.terms.allowance {
        case .runs(let granted):
            let usage = usage(of: grant)
            return usage.used + usage.held < granted
        case .window(let seconds):
            return sum(.opened, grant: grant) == 0 || now < sum(.openedAt, grant: grant) + seconds * 1_000_000
        }
    }

    private mutating func draw(_ amount: Int64, _ run: ExecutionID) -> String {
        var text = ""
        var missing = amount
        let order = pots.map { ($0.value.expiry, $0.value.isPlan ? 0 : 1, $0.key) }.sorted(by: <)
        for pot in order.map(\.2) where missing > 0 && left(in: pot) > 0 {
            let part = min(missing, left(in: pot))
            entries.append(Entry(kind: .taken, pot: pot, amount: part))
            entries.append(Entry(kind: .drawn, pot: pot, run: run, amount: part))
            text += " \(pot):\(part)"
            missing -= part
        }
        return text
    }

    private mutating func settle(_ settlement: SettleRun) -> String {
        let run = settlement.executionID
        guard let terms = runs[run] else { return "refused EXECUTION_NOT_FOUND" }
        if sum(.ended, run: run) > 0 { return "repeat" }
        switch settlement.outcome {
        case .unresolved:
            if sum(.unresolved, run: run) > 0 { return "repeat" }
            entries.append(Entry(kind: .unresolved, run: run))
            return "settled, charged 0, back 0, absorbed 0"
        case .failed: return "settled, " + end(run, cost: 0, isSuccess: false)
        case .cancelled:
            entries.append(Entry(kind: .cancelled, run: run))
            return "settled, " + end(run, cost: 0, isSuccess: false)
        case .succeeded(let cost, _, _, _):
            let absorbed = max(0, cost.microcredits - terms.quote)
            return "settled, " + end(run, cost: cost.microcredits, isSuccess: true, absorbed: absorbed)
        }
    }

    /// Keeps the cost, from the first draw on, and puts everything beyond it back into the pot it came from.
    @discardableResult
    private mutating func end(_ run: ExecutionID, cost: Int64, isSuccess: Bool, absorbed: Int64 = 0) -> String {
        entries.append(Entry(kind: .ended, run: run))
        if let grant = runs[run]?.grant {
            if isSuccess { entries.append(Entry(kind: .used, grant: grant, run: run)) }
            return "charged 0, back 0, absorbed \(absorbed)"
        }
        var unpaid = cost
        var (charged, back): (Int64, Int64) = (0, 0)
        for entry in entries where entry.kind == .drawn && entry.run == run {
            let kept = min(unpaid, entry.amount)
            unpaid -= kept
            charged += kept
            back += entry.amount - kept
            entries.append(Entry(kind: .put, pot: entry.pot, amount: entry.amount - kept))
        }
        return "charged \(charged), back \(back), absorbed \(absorbed)"
    }
}
