extension LedgerState {
    mutating func applyHold(_ content: EventContent) throws(FoldError) {
        guard let holdID = content.holdID, let executionID = content.executionID, let keyID = content.keyID,
            let model = content.model, let deadlineAt = content.time("deadline"),
            let expiresAt = content.time("expires"),
            let policy = content.text("policy").flatMap(UnresolvedPolicy.init(rawValue:)),
            let priceVersion = content.priceVersion, let quote = content.detail?["quote"]?.amountValue,
            let instance = content.text("instance").flatMap({ Int64($0) }), holds[holdID] == nil,
            // Both are the same run: one row has them, and one id finds it.
            holdID.value == executionID.value
        else { throw FoldError("\(content.type.rawValue) without its terms, or a second time") }
        var draws: [Draw] = []
        switch content.type {
        case .creditsHeld: draws = try applyDraws(content)
        case .workflowStarted: break
        default:
            guard let grantID = content.grantID, grants[grantID] != nil else {
                throw FoldError("grant.held of an unknown grant")
            }
            grants[grantID]?.held += 1
            changes.grants.insert(grantID)
        }
        try applyPlace(content, executionID)
        holds[holdID] = Hold(
            id: holdID,
            executionID: executionID,
            amount: content.amount ?? .zero,
            grantID: content.type == .grantHeld ? content.grantID : nil,
            draws: draws,
            expiresAt: expiresAt,
            policy: policy
        )
        changes.holds.insert(holdID)
        executions[executionID] = Execution(
            id: executionID,
            requestID: content.requestID,
            keyID: keyID,
            model: model,
            holdID: holdID,
            grantID: content.type == .grantHeld ? content.grantID : nil,
            quote: quote,
            priceVersion: priceVersion,
            instance: instance,
            admittedAt: content.recordedAt,
            deadlineAt: deadlineAt,
            isAsync: content.detail?["async"]?.booleanValue ?? false
        )
        changes.executions.insert(executionID)
    }

    private mutating func applyDraws(_ content: EventContent) throws(FoldError) -> [Draw] {
        guard let amount = content.amount, let draws = content.draws,
            draws.reduce(.zero, { $0 + $1.amount }) == amount
        else { throw FoldError("credits.held whose draws do not sum to its amount") }
        for draw in draws {
            guard let pot = pots[draw.potID], pot.remaining >= draw.amount else {
                throw FoldError("credits.held draws more than pot \(draw.potID) has left")
            }
            pots[draw.potID]?.remaining -= draw.amount
            pots[draw.potID]?.held += draw.amount
            changes.pots.insert(draw.potID)
        }
        account?.held += amount
        return draws
    }

    mutating func applyEndOfHold(_ content: EventContent) throws(FoldError) {
        guard let holdID = content.holdID, var hold = holds[holdID] else {
            throw FoldError("\(content.type.rawValue) of a hold that is not open")
        }
        changes.holds.insert(holdID)
        if let grantID = hold.grantID {
            guard grants[grantID] != nil, content.type == .grantConsumed || content.type == .grantReleased else {
                throw FoldError("\(content.type.rawValue) of a hold on grant \(grantID)")
            }
            grants[grantID]?.held -= 1
            if content.type == .grantConsumed { grants[grantID]?.used += 1 }
            changes.grants.insert(grantID)
            holds[holdID] = nil
            return
        }
        guard let amount = content.amount, let draws = content.draws, amount <= hold.amount,
            draws.reduce(.zero, { $0 + $1.amount }) == amount
        else { throw FoldError("\(content.type.rawValue) of more than hold \(holdID) has, or with wrong draws") }
        let isDebit = content.type == .creditsDebited
        for draw in draws { try end(draw, of: &hold, isDebit: isDebit) }
        hold.amount -= amount
        account?.held -= amount
        if isDebit {
            account?.posted -= amount
            executions[hold.executionID]?.charged += amount
            changes.executions.insert(hold.executionID)
        }
        holds[holdID] = hold.amount == .zero ? nil : hold
    }

    private mutating func end(_ draw: Draw, of hold: inout Hold, isDebit: Bool) throws(FoldError) {
        guard let index = hold.draws.firstIndex(where: { $0.potID == draw.potID }),
            hold.draws[index].amount >= draw.amount, pots[draw.potID] != nil
        else { throw FoldError("hold \(hold.id) never drew that much from pot \(draw.potID)") }
        if hold.draws[index].amount == draw.amount {
            hold.draws.remove(at: index)
        } else {
            hold.draws[index].amount -= draw.amount
        }
        pots[draw.potID]?.held -= draw.amount
        if !isDebit { pots[draw.potID]?.remaining += draw.amount }
        changes.pots.insert(draw.potID)
    }

    mutating func applyExecution(_ content: EventContent) throws(FoldError) {
        guard let executionID = content.executionID, var execution = executions[executionID] else {
            throw FoldError("\(content.type.rawValue) of an unknown execution")
        }
        guard !execution.status.isEnd || content.type == .costAbsorbed else {
            throw FoldError("\(content.type.rawValue) of an execution that has ended")
        }
        changes.executions.insert(executionID)
        if let providerRequestID = content.text("provider_request") {
            execution.providerRequestID = providerRequestID
        }
        if let duration = content.detail?["ms"]?.integerValue { execution.durationMilliseconds = duration }
        if let cost = content.text("provider_microusd").flatMap({ Int64($0) }) {
            execution.providerCost = MicroUSD(microdollars: cost)
        }
        switch content.type {
        case .costAbsorbed: execution.absorbed += content.amount ?? .zero
        case .executionSubmitted:
            execution.status = .submitted
            execution.submittedAt = content.recordedAt
        case .executionCancelRequested: execution.cancelRequestedAt = content.recordedAt
        case .executionCancelled:
            execution.status = .cancelled
            execution.endedAt = content.recordedAt
        case .executionUnresolved: execution.status = .unresolved
        default:
            execution.status = content.type == .executionSucceeded ? .succeeded : .failed
            execution.errorCode = content.text("code")
            execution.endedAt = content.recordedAt
        }
        if execution.status.isEnd { endWorkflow(&execution, content) }
        executions[executionID] = execution
    }
}
