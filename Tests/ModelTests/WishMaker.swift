import TestSupport

/// Makes up what an account wants next: mostly runs and their ends, in an economy in which credits are scarce.
struct WishMaker {
    var seed: Seed
    private static let models = ["painter", "writer", "singer"]

    init(_ seed: Seed) { self.seed = seed }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &seed) < percent }

    private mutating func number(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &seed) }

    mutating func next(
        for tenant: ModelTenant,
        at now: Int64,
        newID: (inout Seed) -> String
    ) -> Wish {
        if chance(3), let again = tenant.doneWishes.randomElement(using: &seed) { return again }
        return Wish(id: newID(&seed), kind: kind(tenant, now, newID))
    }

    private mutating func kind(_ tenant: ModelTenant, _ now: Int64, _ newID: (inout Seed) -> String) -> Wish.Kind {
        if chance(9) { return fund(tenant, now, newID) }
        switch number(0...999) {
        case ..<480: return run(tenant, newID)
        case ..<800: return end(tenant) ?? run(tenant, newID)
        case ..<830: return tenant.openRuns.randomElement(using: &seed).map { .submitted($0) } ?? run(tenant, newID)
        case ..<850: return tenant.runs.randomElement(using: &seed).map { .expire($0) } ?? run(tenant, newID)
        case ..<905:
            let expires = chance(50) ? now + number(60...900) * 1_000_000 : nil
            let pot = chance(3) ? tenant.pots.randomElement(using: &seed) : nil
            let amount = chance(4) ? number(-1...0) : number(500_000...9_000_000)
            return .add(pot: pot ?? newID(&seed), amount: amount, isPlan: chance(40), expires: expires)
        case ..<925:
            guard let pot = tenant.pots.randomElement(using: &seed) else { return run(tenant, newID) }
            return .adjust(pot: pot, amount: number(-4_000_000...1_500_000))
        case ..<950: return grant(now, newID)
        case ..<968:
            return .takeBack(grant: tenant.grants.randomElement(using: &seed) ?? newID(&seed))
        case ..<985: return .tier([3, 4, 3, 4, 3, 2][Int(number(0...5))])
        case ..<993: return .approve(chance(75))
        case ..<995: return .close
        // What only makes up for the above: accounts that can run nothing make dull tests.
        default: return tenant.naive.isApproved ? .tier(3) : .approve(true)
        }
    }

    /// What is bought and given back, periods of the plan, thresholds, topping up.
    private mutating func fund(_ tenant: ModelTenant, _ now: Int64, _ newID: (inout Seed) -> String) -> Wish.Kind {
        let pots = tenant.naive.pots.values
        // When little is left, a refund can't take back what it should.
        if pots.reduce(0, { $0 + $1.left }) < 1_000_000, chance(60),
            let spent = pots.filter({ $0.refunded == 0 }).compactMap(\.reference).sorted().randomElement(using: &seed)
        {
            return .refund(reference: spent, tenths: 10)
        }
        switch number(0...19) {
        case ..<3: return .buy(pot: newID(&seed), amount: number(500_000...5_000_000), reference: "r\(number(0...9))")
        case ..<6:
            let expires = chance(50) ? now + number(60...900) * 1_000_000 : nil
            let period = "p\(number(0...9))"
            return .renew(pot: newID(&seed), period: period, amount: number(500_000...5_000_000), expires: expires)
        case ..<10:
            let known = pots.compactMap(\.reference).sorted().randomElement(using: &seed)
            return .refund(reference: chance(90) ? known ?? "r0" : "r\(number(0...9))", tenths: number(0...10))
        case ..<12: return .watch(below: chance(90) ? max(1, tenant.naive.posted - number(-200_000...1_000_000)) : nil)
        default: return topUp(tenant, newID)
        }
    }

    /// Mostly what comes next, so that attempts are started and end.
    private mutating func topUp(_ tenant: ModelTenant, _ newID: (inout Seed) -> String) -> Wish.Kind {
        let topUp = tenant.naive.topUp
        let isExpected = chance(90)
        if (topUp.below == nil || topUp.isBroken) == isExpected {
            let below = chance(90) ? number(5_000_000...90_000_000) : nil
            return .topUp(below: below, amount: number(500_000...3_000_000))
        }
        if (topUp.attempt == nil) == isExpected { return .startTopUp(pot: newID(&seed)) }
        return .endTopUp(pot: topUp.attempt?.pot ?? newID(&seed), isPaid: chance(60))
    }

    private mutating func run(_ tenant: ModelTenant, _ newID: (inout Seed) -> String) -> Wish.Kind {
        let again = chance(4) ? tenant.runs.randomElement(using: &seed) : nil
        return .run(
            id: again ?? newID(&seed),
            model: Self.models[Int(number(0...2))],
            quote: [300_000, 1_000_000, 1_700_001, 2_500_000][Int(number(0...3))],
            lasts: number(10...240),
            isCharged: chance(25),
            fault: chance(8) ? Wish.Fault.allCases.randomElement(using: &seed) : nil
        )
    }

    private mutating func end(_ tenant: ModelTenant) -> Wish.Kind? {
        let ended = chance(8) ? tenant.runs.randomElement(using: &seed) : nil
        guard let id = ended ?? tenant.openRuns.randomElement(using: &seed) else { return nil }
        let quote = tenant.naive.runs[id]?.quote ?? 1
        switch number(0...99) {
        case ..<25: return .fail(id)
        case ..<33: return .unresolved(id)
        case ..<63: return .succeed(id, cost: quote)
        case ..<88: return .succeed(id, cost: number(1...quote))
        case ..<92: return .succeed(id, cost: 0)
        default: return .succeed(id, cost: quote + number(1...500_000))
        }
    }

    private mutating func grant(_ now: Int64, _ newID: (inout Seed) -> String) -> Wish.Kind {
        let expires = chance(30) ? now + number(60...600) * 1_000_000 : nil
        let model = Self.models[Int(number(0...1))]
        let name = newID(&seed)
        if chance(60) { return .giveRuns(grant: name, model: model, runs: number(1...6), expires: expires) }
        return .giveTime(grant: name, model: model, seconds: number(30...300), expires: expires)
    }
}
