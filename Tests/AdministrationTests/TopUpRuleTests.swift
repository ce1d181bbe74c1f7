import Ledger
import TestSupport
import Testing

/// Goal: at most one attempt is open, a day has at most so many, and a breaker opens after so many failures in a row.
/// Method: random commands and days; what may happen next is counted beside the ledger, from its answers alone.
@Suite("Topping up, as rules")
struct TopUpRuleTests {
    @Test("no history has two open attempts, too many in a day, or one after too many failures", arguments: 1...20)
    func laws(number: Int) {
        var history = TopUpHistory(seed: Seed(UInt64(number)))
        for _ in 0..<800 { history.step() }
        #expect(history.starts > 20)
    }
}

private struct TopUpHistory {
    private var seed: Seed
    private var state = LedgerState()
    private var now = Timestamp(microseconds: 1_800_000_000_000_000)
    private var open: PotID?
    private var rules: AutoTopUp.Rules?
    private var failures: Int64 = 0
    private var isBroken = false
    private var inDay: [Int64: Int64] = [:]
    private(set) var starts = 0

    init(seed: Seed) {
        self.seed = seed
        _ = perform(.openAccount(OpenAccount(tier: .business)))
    }

    private mutating func perform(_ action: Command.Action) -> Verdict {
        let id = CommandID(Identifier128(high: seed.next(), low: seed.next()))
        let account = AccountID(Identifier128(high: 1, low: 1))
        return state.perform(Command(id: id, accountID: account, action: action), at: now).verdict
    }

    mutating func step() {
        now = now.adding(seconds: Int64.random(in: 1...20_000, using: &seed))
        let attempt = PotID(Identifier128(high: seed.next(), low: seed.next()))
        switch Int.random(in: 0..<20, using: &seed) {
        case 0: setRules()
        case 1..<10: start(attempt)
        case 10..<14: fail(open ?? attempt)
        case 14..<18: pay(open ?? attempt)
        default: spend()
        }
        #expect(state.topUp?.attempt?.id == open && state.topUp?.isBroken ?? false == isBroken)
    }

    private mutating func setRules() {
        rules =
            Int.random(in: 0..<5, using: &seed) == 0
            ? nil
            : AutoTopUp.Rules(
                threshold: Credits(whole: 50),
                amount: Credits(whole: 20),
                attemptsPerDay: Int64.random(in: 1...4, using: &seed),
                failuresToOpen: Int64.random(in: 1...3, using: &seed)
            )
        #expect(perform(.setTopUpRules(rules)) == .done)
        (failures, isBroken) = (0, false)
    }

    private mutating func start(_ attempt: PotID) {
        let balance = state.account?.posted ?? .zero
        let day = now.utcDay
        let isDue = rules.map { balance < $0.threshold && inDay[day, default: 0] < $0.attemptsPerDay } ?? false
        let hasStarted = perform(.startTopUp(attempt)) == .done
        #expect(hasStarted == (isDue && open == nil && !isBroken))
        guard hasStarted else { return }
        open = attempt
        inDay[day, default: 0] += 1
        starts += 1
    }

    private mutating func fail(_ attempt: PotID) {
        let hasFailed = perform(.endTopUp(EndTopUp(attempt: attempt, outcome: .failed(code: "declined")))) == .done
        #expect(hasFailed == (open != nil))
        guard hasFailed else { return }
        open = nil
        failures += 1
        isBroken = rules.map { failures >= $0.failuresToOpen } ?? false
    }

    private mutating func pay(_ attempt: PotID) {
        let before = state.account?.posted ?? .zero
        let paid = EndTopUp.Outcome.paid(amount: Credits(whole: 3), reference: "\(attempt)", expiresAt: nil)
        #expect(perform(.endTopUp(EndTopUp(attempt: attempt, outcome: paid))) == .done)
        #expect(state.account?.posted == before + Credits(whole: open == nil ? 3 : 20))
        if open != nil { (open, failures) = (nil, 0) }
    }

    private mutating func spend() {
        for pot in state.pots.values where pot.remaining.isPositive {
            let adjustment = AdjustCredits(
                potID: pot.id,
                amount: -pot.remaining,
                reason: "spent",
                correctsSequence: nil
            )
            #expect(perform(.adjustCredits(adjustment)) == .done)
        }
    }
}
