extension NaiveAccount {
    private static let requestsPerMinute: Int64 = 1_000

    /// Answers a wish and does what it asks for.
    mutating func answer(_ wish: Wish, at now: Int64) -> String {
        if doneWishes.contains(wish.id) { return "done before" }
        switch wish.kind {
        case .run(let id, let model, let quote, let lasts, let isCharged, let fault):
            let (text, consumed) = run(id, model, quote, lasts, isCharged, fault, now)
            return consumed ? "\(text), \(counted) counted" : text
        case .submitted(let id):
            guard let run = runs[id] else { return "EXECUTION_NOT_FOUND" }
            guard run.status == "admitted" else { return "done before" }
            runs[id]!.status = "submitted"
            return "done"
        case .succeed(let id, let cost): return end(id) { $0.succeed(id, cost: cost) }
        case .fail(let id): return end(id) { $0.fail(id) }
        case .unresolved(let id):
            if runs[id]?.status == "unresolved" { return "\(ending(id)), again" }
            return end(id) { $0.runs[id]!.status = "unresolved" }
        case .expire(let id):
            guard let run = runs[id], run.isOpen else { return "done before" }
            guard run.expires <= now else { return "HOLD_NOT_EXPIRED" }
            endByPolicy(id)
            return "done"
        default: break
        }
        if isClosed { return "ACCOUNT_CLOSED" }
        let text = administer(wish.kind, now)
        if text == "done" || text.hasPrefix("took back") { doneWishes.insert(wish.id) }
        return text
    }

    private func ending(_ id: String) -> String {
        "\(runs[id]!.status), charged \(runs[id]!.charged), absorbed \(runs[id]!.absorbed)"
    }

    private mutating func end(_ id: String, _ change: (inout NaiveAccount) -> Void) -> String {
        guard let run = runs[id] else { return "EXECUTION_NOT_FOUND" }
        guard run.isOpen else { return "\(ending(id)), again" }
        change(&self)
        return ending(id)
    }

    /// The answer, and whether the request has counted in the minute.
    private mutating func run(
        _ id: String,
        _ model: String,
        _ quote: Int64,
        _ lasts: Int64,
        _ isCharged: Bool,
        _ fault: Wish.Fault?,
        _ now: Int64
    ) -> (String, Bool) {
        if let run = runs[id] { return ("admitted before, \(run.status)", false) }
        if fault == .unknownKey || isClosed { return ("UNAUTHORIZED", false) }
        if !isApproved { return ("ACCOUNT_NOT_APPROVED", false) }
        // Keys may run models on Business (3) and Enterprise (4).
        if tier < 3 { return ("CAPABILITY_DENIED", false) }
        let isLimited = tier == 3
        if isLimited {
            if minute != now / 60_000_000 { (minute, counted) = (now / 60_000_000, 0) }
            if counted >= Self.requestsPerMinute { return ("RATE_LIMIT_EXCEEDED", true) }
            counted += 1
        }
        switch fault {
        case .invalidBody: return ("INVALID_BODY", isLimited)
        case .invalidInputs: return ("INVALID_INPUTS", isLimited)
        case .unknownModel: return ("MODEL_NOT_FOUND", isLimited)
        case .enterpriseOnly where tier < 4: return ("MODEL_TIER_REQUIRED", isLimited)
        case .cannotWait: return ("ASYNC_NOT_SUPPORTED", isLimited)
        default: break
        }
        return (pay(id, model, quote, lasts, isCharged, now), isLimited)
    }

    private mutating func pay(
        _ id: String,
        _ model: String,
        _ quote: Int64,
        _ lasts: Int64,
        _ isCharged: Bool,
        _ now: Int64
    ) -> String {
        let given = grants.filter { $0.value.model == model && !$0.value.isRevoked }
        let order = given.keys.sorted { ((given[$0]!.expires ?? .max), $0) < ((given[$1]!.expires ?? .max), $1) }
        for name in order where isUsable(given[name]!, now) {
            if let seconds = given[name]!.seconds, given[name]!.closes == nil {
                grants[name]!.closes = now + seconds * 1_000_000
            }
            grants[name]!.onHold += 1
            runs[id] = Run(quote: quote, grant: name, taken: [], expires: now + lasts * 1_000_000, isCharged: isCharged)
            return "admitted by \(name)"
        }
        for name in given.keys.sorted() where tier <= given[name]!.tier {
            let grant = given[name]!
            guard let runs = grant.runs else { return "grant_exhausted in time" }
            return "grant_exhausted \(grant.used + grant.onHold) of \(runs)"
        }
        writeOffExpiredPots(now)
        let available = pots.values.reduce(0) { $0 + $1.left }
        if available < quote { return "INSUFFICIENT_CREDITS needs \(quote) has \(available)" }
        var missing = quote
        var taken: [(pot: String, amount: Int64)] = []
        for name in pots.keys.sorted(by: { isDrawnBefore($0, $1) }) where pots[name]!.left > 0 && missing > 0 {
            let part = min(missing, pots[name]!.left)
            pots[name]!.left -= part
            pots[name]!.onHold += part
            taken.append((name, part))
            missing -= part
        }
        runs[id] = Run(quote: quote, grant: nil, taken: taken, expires: now + lasts * 1_000_000, isCharged: isCharged)
        return "admitted"
    }

    private func isUsable(_ grant: Grant, _ now: Int64) -> Bool {
        if let expires = grant.expires, expires <= now { return false }
        if let runs = grant.runs { return grant.used + grant.onHold < runs }
        return grant.closes.map { now < $0 } ?? true
    }

    private func isDrawnBefore(_ left: String, _ right: String) -> Bool {
        let (first, second) = (pots[left]!, pots[right]!)
        if first.expires != second.expires { return (first.expires ?? .max) < (second.expires ?? .max) }
        if first.isPlan != second.isPlan { return first.isPlan }
        return left < right
    }

    private mutating func administer(_ kind: Wish.Kind, _ now: Int64) -> String {
        switch kind {
        case .add(let pot, let amount, let isPlan, let expires):
            if pots[pot] != nil { return "POT_EXISTS" }
            if amount <= 0 { return "INVALID_AMOUNT" }
            if let expires, expires <= now { return "EXPIRY_IN_PAST" }
            pots[pot] = Pot(left: amount, isPlan: isPlan, expires: expires)
        case .adjust(let pot, let amount):
            if pots[pot] == nil { return "POT_NOT_FOUND" }
            if amount == 0 { return "INVALID_AMOUNT" }
            writeOffExpiredPots(now)
            if pots[pot]!.left + amount < 0 { return "ADJUSTMENT_TOO_LARGE has \(pots[pot]!.left)" }
            pots[pot]!.left += amount
        case .giveRuns(let grant, let model, let runs, let expires):
            if grants[grant] != nil { return "GRANT_EXISTS" }
            grants[grant] = Grant(model: model, runs: runs, seconds: nil, tier: tier, expires: expires)
        case .giveTime(let grant, let model, let seconds, let expires):
            if grants[grant] != nil { return "GRANT_EXISTS" }
            grants[grant] = Grant(model: model, runs: nil, seconds: seconds, tier: tier, expires: expires)
        case .takeBack(let grant):
            if grants[grant] == nil { return "GRANT_NOT_FOUND" }
            if grants[grant]!.isRevoked { return "done before" }
            grants[grant]!.isRevoked = true
        case .tier(let new): tier = new
        case .approve(let isApproved): self.isApproved = isApproved
        case .close:
            if topUp.attempt != nil || held > 0 || grants.values.contains(where: { $0.onHold > 0 }) {
                return "ACCOUNT_IN_USE"
            }
            isClosed = true
        default: return fund(kind, now)
        }
        return "done"
    }

    private mutating func fund(_ kind: Wish.Kind, _ now: Int64) -> String {
        switch kind {
        case .buy(let pot, let amount, let reference):
            if let first = pots.first(where: { $0.value.reference == reference }) {
                return "added before, \(first.key)"
            }
            pots[pot] = Pot(left: amount, isPlan: false, expires: nil, added: amount, reference: reference)
        case .renew(let pot, let period, let amount, let expires):
            if let first = pots.first(where: { $0.value.period == period }) { return "added before, \(first.key)" }
            writeOffExpiredPots(now)
            for name in pots.keys where pots[name]!.isPlan && (pots[name]!.left > 0 || pots[name]!.onHold > 0) {
                if let end = pots[name]!.expires, end <= now { continue }
                (pots[name]!.left, pots[name]!.expires) = (0, now)
            }
            pots[pot] = Pot(left: amount, isPlan: true, expires: expires, added: amount, period: period)
        case .refund(let reference, let tenths): return refund(reference, tenths, now)
        case .watch(let below): watched = below
        case .topUp(let below, let amount):
            (topUp.below, topUp.amount, topUp.failures, topUp.isBroken) = (below, amount, 0, false)
        case .startTopUp(let pot):
            let day = now / 86_400_000_000
            let usable = pots.values.reduce(0) { $0 + $1.onHold + ($1.expires ?? .max > now ? $1.left : 0) }
            guard let below = topUp.below, topUp.attempt == nil, !topUp.isBroken, usable < below,
                topUp.day != day || topUp.inDay < 3
            else { return "TOP_UP_NOT_DUE" }
            topUp.attempt = (pot, topUp.amount)
            topUp.inDay = topUp.day == day ? topUp.inDay + 1 : 1
            topUp.day = day
        case .endTopUp(let pot, let isPaid):
            if pots[pot] != nil { return "added before, \(pot)" }
            let open = topUp.attempt.flatMap { $0.pot == pot ? $0.amount : nil }
            if isPaid {
                let amount = open ?? 1_000_000
                pots[pot] = Pot(left: amount, isPlan: false, expires: nil, added: amount, reference: "paid \(pot)")
                if open != nil { (topUp.attempt, topUp.failures) = (nil, 0) }
            } else {
                if open == nil { return "TOP_UP_NOT_FOUND" }
                topUp.attempt = nil
                topUp.failures += 1
                topUp.isBroken = topUp.below != nil && topUp.failures >= 2
            }
        default: preconditionFailure("not administrative")
        }
        return "done"
    }

    private mutating func refund(_ reference: String, _ tenths: Int64, _ now: Int64) -> String {
        guard let paid = pots.first(where: { $0.value.reference == reference })?.key else {
            return "REFERENCE_NOT_FOUND"
        }
        let due = pots[paid]!.added * tenths / 10 - pots[paid]!.refunded
        if due <= 0 { return "done before" }
        writeOffExpiredPots(now)
        pots[paid]!.refunded += due
        var missing = due
        for name in [paid] + pots.keys.sorted(by: { isDrawnBefore($0, $1) }) {
            let part = min(missing, pots[name]!.left)
            pots[name]!.left -= part
            missing -= part
        }
        return "took back \(due - missing), short \(missing)"
    }
}
