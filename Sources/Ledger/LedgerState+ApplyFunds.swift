/// What events of alerts and of topping up change.
extension LedgerState {
    mutating func applyAlert(_ content: EventContent) {
        switch content.type {
        case .alertSet:
            account?.alertThreshold = content.detail?["threshold"]?.amountValue
            if account?.alertThreshold == nil { account?.alertRaisedAt = nil }
        case .alertRaised: account?.alertRaisedAt = content.recordedAt
        default: account?.alertRaisedAt = nil
        }
    }

    mutating func applyTopUp(_ content: EventContent) throws(FoldError) {
        var next = topUp ?? AutoTopUp()
        changes.topUp = true
        if content.type == .topUpSet {
            next.set(try content.topUpRules())
            topUp = next
            return
        }
        guard let attempt = content.potID else { throw FoldError("\(content.type.rawValue) without its attempt") }
        guard content.type == .topUpStarted ? next.attempt == nil : next.attempt?.id == attempt else {
            throw FoldError("\(content.type.rawValue) while another attempt is open, or none")
        }
        switch content.type {
        case .topUpStarted:
            guard let amount = content.amount else { throw FoldError("top_up.started without its amount") }
            next.started(attempt, amount: amount, at: content.recordedAt)
        case .topUpPaid: next.paid()
        default: next.failed()
        }
        topUp = next
    }
}

extension EventContent {
    /// The rules that a `top_up.set` puts in force; nil when it switches topping up off.
    func topUpRules() throws(FoldError) -> AutoTopUp.Rules? {
        guard let detail, detail["threshold"] != nil else { return nil }
        guard let threshold = detail["threshold"]?.amountValue, let amount = detail["amount"]?.amountValue,
            let attempts = detail["attempts_per_day"]?.integerValue,
            let failures = detail["failures_to_open"]?.integerValue
        else { throw FoldError("top_up.set without its numbers") }
        return AutoTopUp.Rules(
            threshold: threshold,
            amount: amount,
            attemptsPerDay: attempts,
            failuresToOpen: failures
        )
    }
}
