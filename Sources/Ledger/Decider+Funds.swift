/// Rules for renewals, refunds, alerts and topping up.
extension Decider {
    mutating func renew(_ renewal: RenewPlan, _ account: Account) -> Decision {
        guard (1...64).contains(renewal.period.utf8.count) else { return refuse(.periodInvalid) }
        if let pot = state.pots.values.first(where: { $0.period == renewal.period }) {
            return finish(.alreadyAdded(pot.id))
        }
        if let reference = renewal.externalReference {
            guard Self.isReference(reference) else { return refuse(.referenceInvalid) }
            if let pot = state.pot(boughtWith: reference) { return finish(.alreadyAdded(pot.id)) }
        }
        guard state.pots[renewal.potID] == nil else { return refuse(.potExists) }
        guard let allowance = renewal.allowance ?? TierPolicy.allowance(of: account.tier) else {
            return refuse(.allowanceMissing(tier: account.tier))
        }
        guard allowance.isPositive, account.posted.adding(allowance) != nil else { return refuse(.amountInvalid) }
        if let refusal = refusal(ofExpiry: renewal.expiresAt) { return refuse(refusal) }
        expirePots()
        // Also a pot that holds have emptied: what they give back belongs to the period that is over.
        let former = state.pots.values.filter { pot in
            pot.kind == .plan && !pot.isExpired(at: moment) && (pot.remaining.isPositive || pot.held.isPositive)
        }
        for pot in former.sorted(by: Pot.drawsBefore) {
            var event = content(.creditsExpired)
            event.potID = pot.id
            event.amount = state.pots[pot.id]?.remaining ?? .zero
            event.detail = .object([.init("by", .string("renewal"))])
            emit(event)
        }
        var event = content(.creditsAdded)
        event.potID = renewal.potID
        event.amount = allowance
        var members: [CanonicalJSON.Member] = [
            .init("kind", .string(Pot.Kind.plan.rawValue)), .init("period", .string(renewal.period)),
        ]
        if let expiresAt = renewal.expiresAt { members.append(.init("expires", .integer(expiresAt.microseconds))) }
        if let reference = renewal.externalReference { members.append(.init("reference", .string(reference))) }
        event.detail = .sorted(members)
        emit(event)
        return finish(.done)
    }

    /// Takes from the pot that the payment filled first, then in the order in which runs draw, and notes what is not there.
    mutating func takeBack(_ refund: RefundPayment) -> Decision {
        guard refund.paidUnits > 0, (0...refund.paidUnits).contains(refund.refundedUnits) else {
            return refuse(.refundInvalid)
        }
        guard let paid = state.pot(boughtWith: refund.reference) else { return refuse(.referenceUnknown) }
        let share = Int128(paid.added.microcredits) * Int128(refund.refundedUnits) / Int128(refund.paidUnits)
        let due = Credits(microcredits: Int64(share)) - paid.refunded
        guard due.isPositive else { return finish(.alreadyDone) }
        expirePots()
        var missing = due
        let others = state.pots.values.filter { $0.id != paid.id }.sorted(by: Pot.drawsBefore)
        for id in [paid.id] + others.map(\.id) {
            let part = min(missing, state.pots[id]?.remaining ?? .zero)
            guard part.isPositive else { continue }
            var event = content(.creditsAdjusted)
            event.potID = id
            event.amount = -part
            event.detail = .object([
                .init("reason", .string("refund of a payment")), .init("reference", .string(refund.reference)),
                .init("refund", .string(paid.id.description)),
            ])
            emit(event)
            missing -= part
        }
        if missing.isPositive {
            var event = content(.creditsShort)
            event.potID = paid.id
            event.amount = missing
            event.detail = .object([.init("reference", .string(refund.reference))])
            emit(event)
        }
        return finish(.takenBack(due - missing, short: missing))
    }

    // MARK: Alerts

    mutating func setAlert(_ threshold: Credits?) -> Decision {
        if let threshold, !threshold.isPositive { return refuse(.thresholdInvalid) }
        var event = content(.alertSet)
        event.detail = threshold.map { .object([.init("threshold", .amount($0))]) }
        emit(event)
        return finish(.done)
    }

    /// Raises an alert when the balance has fallen below the threshold, once, until it is back.
    mutating func noteBalance() {
        guard !events.isEmpty, let account = state.account, let threshold = account.alertThreshold else { return }
        let isLow = account.posted < threshold
        guard isLow != (account.alertRaisedAt != nil) else { return }
        var event = content(isLow ? .alertRaised : .alertCleared)
        event.detail = .object([
            .init("balance", .amount(account.posted)), .init("threshold", .amount(threshold)),
        ])
        emit(event)
    }

    // MARK: Topping up

    mutating func setTopUp(_ rules: AutoTopUp.Rules?) -> Decision {
        guard rules?.isValid ?? true else { return refuse(.topUpRulesInvalid) }
        var event = content(.topUpSet)
        event.detail = rules.map { rules in
            .object([
                .init("amount", .amount(rules.amount)), .init("attempts_per_day", .integer(rules.attemptsPerDay)),
                .init("failures_to_open", .integer(rules.failuresToOpen)),
                .init("threshold", .amount(rules.threshold)),
            ])
        }
        emit(event)
        return finish(.done)
    }

    mutating func startTopUp(_ attempt: PotID) -> Decision {
        guard state.pots[attempt] == nil else { return refuse(.potExists) }
        let topUp = state.topUp ?? AutoTopUp()
        let balance = state.pots.values.reduce(Credits.zero) { sum, pot in
            sum + pot.held + (pot.isExpired(at: moment) ? .zero : pot.remaining)
        }
        if let obstacle = topUp.obstacle(posted: balance, at: moment) { return refuse(.topUpNotDue(obstacle)) }
        guard let rules = topUp.rules, state.account?.posted.adding(rules.amount) != nil else {
            return refuse(.amountInvalid)
        }
        var event = content(.topUpStarted)
        event.potID = attempt
        event.amount = rules.amount
        event.detail = .object([.init("balance", .amount(balance))])
        emit(event)
        return finish(.done)
    }

    /// Ends the open attempt. A payment that comes in after its attempt was given up buys its credits all the same; one that
    /// somebody has added by its reference meanwhile buys nothing more, and ends its attempt.
    mutating func endTopUp(_ end: EndTopUp) -> Decision {
        if state.pots[end.attempt] != nil { return finish(.alreadyAdded(end.attempt)) }
        let open = state.topUp?.attempt.flatMap { $0.id == end.attempt ? $0 : nil }
        switch end.outcome {
        case .failed(let code):
            guard (1...100).contains(code.utf8.count) else { return refuse(.reasonInvalid) }
            guard open != nil else { return refuse(.topUpUnknown) }
            var event = content(.topUpFailed)
            event.potID = end.attempt
            event.detail = .object([.init("code", .string(code))])
            emit(event)
            return finish(.done)
        case .paid(_, let reference, _) where open != nil && state.pot(boughtWith: reference) != nil:
            return paid(end.attempt, with: reference)
        case .paid(let amount, let reference, let expiresAt):
            let addition = AddCredits(
                potID: end.attempt,
                kind: .topUp,
                amount: open?.amount ?? amount,
                expiresAt: expiresAt,
                externalReference: reference
            )
            let decision = add(addition)
            return decision.verdict == .done && open != nil ? paid(end.attempt, with: reference) : decision
        }
    }

    private mutating func paid(_ attempt: PotID, with reference: String) -> Decision {
        var event = content(.topUpPaid)
        event.potID = attempt
        event.detail = .object([.init("reference", .string(reference))])
        emit(event)
        return finish(.done)
    }
}

extension LedgerState {
    /// The pot that was bought with something; the oldest, should a ledger of earlier days have several.
    func pot(boughtWith reference: String) -> Pot? {
        pots.values.filter { $0.reference == reference }.min { ($0.addedAt, $0.id) < ($1.addedAt, $1.id) }
    }
}
