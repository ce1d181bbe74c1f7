/// One account as someone with pencil and paper would keep it: plain numbers in dictionaries, nothing of the ledger's code.
///
/// Times are microseconds, amounts micro-credits, identifiers texts. Answers are sentences, which `Answer` makes of the
/// ledger's verdicts too, so that the two can be compared.
struct NaiveAccount {
    struct Pot {
        var left: Int64
        var onHold: Int64 = 0
        let isPlan: Bool
        var expires: Int64?
        var added: Int64 = 0
        var reference: String?
        var period: String?
        var refunded: Int64 = 0
    }

    /// How the account is topped up by itself.
    struct TopUp {
        var below: Int64?
        var amount: Int64 = 0
        var attempt: (pot: String, amount: Int64)?
        var failures = 0
        var isBroken = false
        var day: Int64 = 0
        var inDay = 0
    }

    struct Grant {
        let model: String
        let runs: Int64?
        let seconds: Int64?
        let tier: Int
        let expires: Int64?
        var used: Int64 = 0
        var onHold: Int64 = 0
        var closes: Int64?
        var isRevoked = false
    }

    struct Run {
        let quote: Int64
        let grant: String?
        /// What it took from which pot, in order.
        var taken: [(pot: String, amount: Int64)]
        let expires: Int64
        let isCharged: Bool
        var status = "admitted"
        var charged: Int64 = 0
        var absorbed: Int64 = 0
        var isOpen: Bool { !["succeeded", "failed"].contains(status) }
    }

    var tier: Int
    var isApproved = true
    var isClosed = false
    var pots: [String: Pot] = [:]
    var grants: [String: Grant] = [:]
    var runs: [String: Run] = [:]
    var doneWishes: Set<String> = []
    var minute: Int64 = 0
    var counted: Int64 = 0
    var watched: Int64?
    var topUp = TopUp()

    var isAlerted: Bool { watched.map { posted < $0 } ?? false }
    var posted: Int64 { pots.values.reduce(0) { $0 + $1.left + $1.onHold } }
    var held: Int64 { pots.values.reduce(0) { $0 + $1.onHold } }

    /// Moments at which something expires.
    var expiries: [Int64] {
        pots.values.compactMap(\.expires) + grants.values.compactMap(\.expires) + grants.values.compactMap(\.closes)
            + runs.values.filter(\.isOpen).map(\.expires)
    }

    /// Ends what has expired by itself.
    mutating func endExpiredRuns(_ now: Int64) {
        for run in runs.keys.sorted() where runs[run]!.isOpen && runs[run]!.expires <= now { endByPolicy(run) }
    }

    /// Ends a run that nobody ever heard of again.
    mutating func endByPolicy(_ id: String) {
        if runs[id]!.isCharged { succeed(id, cost: runs[id]!.taken.reduce(0) { $0 + $1.amount }) } else { fail(id) }
    }

    mutating func succeed(_ id: String, cost: Int64) {
        var run = runs[id]!
        run.absorbed = max(0, cost - run.quote)
        run.status = "succeeded"
        if let grant = run.grant {
            grants[grant]!.onHold -= 1
            grants[grant]!.used += 1
        } else {
            run.charged = min(cost, run.quote)
            var owed = run.charged
            for (pot, amount) in run.taken {
                let part = min(owed, amount)
                pots[pot]!.onHold -= amount
                pots[pot]!.left += amount - part
                owed -= part
            }
        }
        runs[id] = run
    }

    mutating func fail(_ id: String) {
        runs[id]!.status = "failed"
        if let grant = runs[id]!.grant { grants[grant]!.onHold -= 1 }
        for (pot, amount) in runs[id]!.taken {
            pots[pot]!.onHold -= amount
            pots[pot]!.left += amount
        }
    }

    mutating func writeOffExpiredPots(_ now: Int64) {
        for pot in pots.keys where pots[pot]!.expires.map({ $0 <= now }) ?? false { pots[pot]!.left = 0 }
    }
}

/// What someone wants of an account, in plain words.
struct Wish {
    enum Kind {
        case run(id: String, model: String, quote: Int64, lasts: Int64, isCharged: Bool, fault: Fault?)
        case submitted(String)
        case succeed(String, cost: Int64)
        case fail(String)
        case unresolved(String)
        case expire(String)
        case add(pot: String, amount: Int64, isPlan: Bool, expires: Int64?)
        case adjust(pot: String, amount: Int64)
        case giveRuns(grant: String, model: String, runs: Int64, expires: Int64?)
        case giveTime(grant: String, model: String, seconds: Int64, expires: Int64?)
        case takeBack(grant: String)
        case buy(pot: String, amount: Int64, reference: String)
        case renew(pot: String, period: String, amount: Int64, expires: Int64?)
        case refund(reference: String, tenths: Int64)
        case watch(below: Int64?)
        case topUp(below: Int64?, amount: Int64)
        case startTopUp(pot: String)
        case endTopUp(pot: String, isPaid: Bool)
        case tier(Int)
        case approve(Bool)
        case close
    }

    /// What is wrong with a request for a run.
    enum Fault: CaseIterable {
        case unknownKey, invalidBody, invalidInputs, unknownModel, enterpriseOnly, cannotWait
    }

    let id: String
    let kind: Kind

    /// Whether an expired hold of the account could stand in its way.
    var needsWhatHoldsHold: Bool {
        switch kind {
        case .run, .close: true
        default: false
        }
    }
}
