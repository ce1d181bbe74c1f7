/// How a hold ends: in exactly one of debit, release, or both in parts (design, section 7).
extension Decider {
    mutating func record(_ submission: RecordSubmission) -> Decision {
        guard let execution = state.executions[submission.executionID] else { return refuse(.executionUnknown) }
        guard execution.status == .admitted else { return finish(.alreadyDone) }
        var event = about(execution, .executionSubmitted)
        event.detail = .object([.init("provider_request", .string(submission.providerRequestID))])
        emit(event)
        return finish(.done)
    }

    mutating func settle(_ settlement: SettleRun) -> Decision {
        guard let execution = state.executions[settlement.executionID] else { return refuse(.executionUnknown) }
        guard !execution.status.isEnd, let hold = state.holds[execution.holdID] else {
            return finish(.settled(Settlement(execution: execution, isRepeat: true)))
        }
        var members: [CanonicalJSON.Member] = []
        if let provider = settlement.providerRequestID { members.append(.init("provider_request", .string(provider))) }
        // A success names both by itself.
        if let cost = settlement.nodesCost, !settlement.outcome.isSuccess { members += cost.members }
        switch settlement.outcome {
        case .unresolved(let reason):
            if execution.status == .unresolved {
                return finish(.settled(Settlement(execution: execution, isRepeat: true)))
            }
            var event = about(execution, .executionUnresolved)
            event.detail = .sorted(members + [.init("reason", .string(reason))])
            emit(event)
        case .failed(let code, let duration):
            var event = about(execution, .executionFailed)
            event.detail = .sorted(members + [.init("code", .string(code)), .init("ms", .integer(duration))])
            emit(event)
            release(hold, execution)
        case .cancelled(let duration):
            var event = about(execution, .executionCancelled)
            event.detail = .sorted(members + [.init("ms", .integer(duration))])
            emit(event)
            release(hold, execution)
        case .succeeded(let cost, let providerCost, let digest, let duration):
            members.append(.init("cost", .amount(cost)))
            members.append(.init("ms", .integer(duration)))
            members.append(.init("provider_microusd", .string(String(providerCost.microdollars))))
            if let digest { members.append(.init("result", .string(digest.description))) }
            let usage = settlement.usage.map { CanonicalJSON.Member($0.key, .integer($0.value)) }
            if !usage.isEmpty { members.append(.init("usage", .sorted(usage))) }
            var event = about(execution, .executionSucceeded)
            event.detail = .sorted(members)
            emit(event)
            charge(hold, execution, cost: cost)
        }
        return finish(.settled(Settlement(execution: state.executions[execution.id] ?? execution, isRepeat: false)))
    }

    /// A wish to cancel. One that comes before the work was sent ends the run at once; later ones are passed on to the
    /// provider, and the run ends as it does. Repeating it adds nothing.
    mutating func cancel(_ wish: RequestCancel) -> Decision {
        guard let account = state.account, let key = state.keys[wish.keyID], key.revokedAt == nil, !account.isClosed
        else { return refuse(.unauthorized) }
        guard let execution = state.executions[wish.executionID] else { return refuse(.executionUnknown) }
        let required = Capability.cancelExecutions
        guard required.covering(in: key.capabilities) != nil,
            TierPolicy.ceilingAllows(required, tier: account.tier, role: account.role)
        else {
            var event = about(execution, .capabilityDenied)
            event.keyID = wish.keyID
            event.requestID = command.requestID
            event.detail = .object([.init("required", .string(required.text))])
            emit(event)
            return refuse(.capabilityDenied(required: required))
        }
        if execution.status == .cancelled { return finish(.cancelRequested(execution)) }
        guard !execution.status.isEnd, let hold = state.holds[execution.holdID] else {
            return refuse(.executionNotCancellable(execution.status))
        }
        if execution.cancelRequestedAt == nil {
            var event = about(execution, .executionCancelRequested)
            event.requestID = command.requestID
            event.keyID = wish.keyID
            emit(event)
        }
        if wish.isUndispatched {
            var event = about(execution, .executionCancelled)
            event.detail = .object([.init("by", .string("owner")), .init("dispatched", .boolean(false))])
            emit(event)
            release(hold, execution)
        }
        return finish(.cancelRequested(state.executions[execution.id] ?? execution))
    }

    mutating func expire(_ holdID: HoldID, _ nodesCost: SettleRun.NodesCost?) -> Decision {
        guard let hold = state.holds[holdID] else { return finish(.alreadyDone) }
        guard hold.expiresAt <= moment else { return refuse(.holdNotExpired) }
        apply(policyOf: hold, nodesCost)
        return finish(.done)
    }

    /// Ends every expired hold that is known, by its definition's policy. Not those of workflows: nothing is set aside by
    /// them, and only who gives a run up knows what its nodes have cost.
    mutating func expireHolds(now: Timestamp) {
        let expired = state.holds.values.filter { hold in
            hold.expiresAt <= now && state.executions[hold.executionID]?.workflowSlug == nil
        }
        for hold in expired.sorted(by: { $0.id < $1.id }) { apply(policyOf: hold, nil) }
    }

    private mutating func apply(policyOf hold: Hold, _ nodesCost: SettleRun.NodesCost?) {
        guard let execution = state.executions[hold.executionID] else { return }
        switch hold.policy {
        case .release:
            var event = about(execution, .executionFailed)
            event.detail = .sorted(
                (nodesCost?.members ?? [])
                    + [.init("by", .string("policy")), .init("code", .string("UNRESOLVED_EXPIRED"))]
            )
            emit(event)
            release(hold, execution)
        case .charge:
            var event = about(execution, .executionSucceeded)
            event.detail = .object([.init("by", .string("policy")), .init("cost", .amount(hold.amount))])
            emit(event)
            charge(hold, execution, cost: hold.amount)
        }
    }

    private func about(_ execution: Execution, _ type: EventType) -> EventContent {
        var event = content(type)
        event.requestID = execution.requestID
        event.executionID = execution.id
        event.keyID = execution.keyID
        event.model = execution.model
        return event
    }

    private func money(_ hold: Hold, _ execution: Execution, _ type: EventType) -> EventContent {
        var event = about(execution, type)
        event.holdID = hold.id
        event.grantID = hold.grantID
        event.priceVersion = execution.priceVersion
        return event
    }

    private mutating func release(_ hold: Hold, _ execution: Execution) {
        // Nothing is set aside for a workflow: its nodes have holds of their own.
        guard execution.workflowSlug == nil else { return }
        guard hold.grantID == nil else {
            emit(money(hold, execution, .grantReleased))
            return
        }
        emit(hold.draws, hold, execution, .creditsReleased)
    }

    private mutating func charge(_ hold: Hold, _ execution: Execution, cost: Credits) {
        guard execution.workflowSlug == nil else { return }
        if cost > execution.quote {
            var event = money(hold, execution, .costAbsorbed)
            event.amount = cost - execution.quote
            event.detail = .object([.init("cost", .amount(cost)), .init("quote", .amount(execution.quote))])
            emit(event)
        }
        guard hold.grantID == nil else {
            emit(money(hold, execution, .grantConsumed))
            return
        }
        let (taken, rest) = Self.split(hold.draws, at: max(.zero, min(cost, hold.amount)))
        if !taken.isEmpty { emit(taken, hold, execution, .creditsDebited) }
        if !rest.isEmpty { emit(rest, hold, execution, .creditsReleased) }
    }

    private mutating func emit(_ draws: [Draw], _ hold: Hold, _ execution: Execution, _ type: EventType) {
        var event = money(hold, execution, type)
        event.amount = draws.reduce(.zero) { $0 + $1.amount }
        event.detail = .object([.init("draws", .draws(draws))])
        emit(event)
    }

    /// The draws that make up an amount, in the order they were drawn, and the rest.
    static func split(_ draws: [Draw], at amount: Credits) -> (taken: [Draw], rest: [Draw]) {
        var missing = amount
        var taken: [Draw] = []
        var rest: [Draw] = []
        for draw in draws {
            let part = min(missing, draw.amount)
            if part.isPositive { taken.append(Draw(potID: draw.potID, amount: part)) }
            if draw.amount > part { rest.append(Draw(potID: draw.potID, amount: draw.amount - part)) }
            missing -= part
        }
        return (taken, rest)
    }
}

extension SettleRun.NodesCost {
    /// How the event that ends a workflow's run names it.
    fileprivate var members: [CanonicalJSON.Member] {
        [
            .init("cost", .amount(credits)),
            .init("provider_microusd", .string(String(providers.microdollars))),
        ]
    }
}
