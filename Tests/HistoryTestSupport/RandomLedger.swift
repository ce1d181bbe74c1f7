package import Ledger

/// The events of several accounts' random histories, decided and sealed as writers do it, journal by journal.
///
/// One clock runs for all of them, and every now and then jumps by days, so that histories span months.
package struct RandomLedger {
    /// Each journal's events, in order.
    package private(set) var journals: [[Event]]
    /// What the events lead to, account by account.
    package private(set) var states: [AccountID: LedgerState] = [:]
    /// Events in all journals.
    package private(set) var eventCount = 0

    /// Makes histories until they have a number of events.
    ///
    /// - Parameters:
    ///   - seed: everything follows from it.
    ///   - journalCount: journals of the ledger.
    ///   - eventCount: the fewest events in all.
    package init(seed: UInt64, journalCount: Int16, eventCount wanted: Int) {
        journals = Array(repeating: [], count: Int(journalCount))
        // An account gives about 1,700 events before most of what it is asked is refused.
        let accountCount = max(3, wanted / 1_700)
        var random = SplitMix64(seed: seed)
        var histories = (0..<accountCount).map { index in
            var account = AccountID(Identifier128(high: random.next(), low: random.next()))
            // Spread evenly, so that no journal is left without one.
            while Int(account.journal(of: journalCount).number) != index % Int(journalCount) {
                account = AccountID(Identifier128(high: random.next(), low: random.next()))
            }
            return RandomHistory(theme: index % 2 == 0 ? .money : .everything, seed: random.next(), account: account)
        }
        var now = RandomHistory.midnight
        var round = 0
        while eventCount < wanted {
            round += 1
            // Three days: three months in a history of 400 rounds.
            if round % 13 == 0 { now = now.adding(seconds: 259_200) }
            for index in histories.indices {
                histories[index].now = max(histories[index].now, now)
                let command = histories[index].next()
                now = max(now, histories[index].now)
                carryOut(command, at: histories[index].now)
            }
        }
    }

    private mutating func carryOut(_ command: Command, at now: Timestamp) {
        let account = command.accountID
        let journal = account.journal(of: Int16(journals.count))
        let decision = states[account, default: LedgerState()].perform(honest(command), at: now)
        for content in decision.events {
            let before = states[account]?.account
            let event = Event(
                sealing: content,
                journal: journal,
                position: Int64(journals[Int(journal.number)].count) + 1,
                sequence: (before?.sequence ?? 0) + 1,
                previousHash: before?.headHash
            )
            journals[Int(journal.number)].append(event)
            states[account]?.advance(to: event)
            eventCount += 1
        }
    }

    /// What a workflow's nodes have cost; nil for the run of a model.
    private static func nodesCost(of run: ExecutionID, _ state: LedgerState) -> SettleRun.NodesCost? {
        guard state.executions[run]?.workflowSlug != nil else { return nil }
        let cost = state.nodeRuns[run, default: []].reduce(Credits.zero) { sum, node in
            sum + (state.executions[node.executionID]?.charged ?? .zero)
        }
        return SettleRun.NodesCost(credits: cost, providers: .zero)
    }

    /// A history knows no state: here a workflow that ends costs what its nodes have cost.
    private func honest(_ command: Command) -> Command {
        guard let state = states[command.accountID] else { return command }
        let action: Command.Action
        switch command.action {
        case .expireHold(let hold, _):
            action = .expireHold(hold, nodesCost: Self.nodesCost(of: ExecutionID(hold.value), state))
        case .settleRun(let settlement):
            guard let cost = Self.nodesCost(of: settlement.executionID, state) else { return command }
            action = .settleRun(Self.honest(settlement, cost))
        default: return command
        }
        return Command(
            id: command.id,
            accountID: command.accountID,
            requestID: command.requestID,
            actor: command.actor,
            action: action,
            idempotency: command.idempotency,
            traceID: command.traceID
        )
    }

    private static func honest(_ settlement: SettleRun, _ cost: SettleRun.NodesCost) -> SettleRun {
        var outcome = settlement.outcome
        if case .succeeded(_, let providers, let digest, let duration) = outcome {
            outcome = .succeeded(
                cost: cost.credits,
                providerCost: providers,
                resultDigest: digest,
                durationMilliseconds: duration
            )
        }
        var honest = SettleRun(
            executionID: settlement.executionID,
            outcome: outcome,
            providerRequestID: settlement.providerRequestID,
            usage: settlement.usage,
            task: settlement.task
        )
        if settlement.nodesCost != nil { honest.nodesCost = cost }
        return honest
    }
}
