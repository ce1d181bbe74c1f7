/// `decide`: what the ledger answers to a command.
extension LedgerState {
    /// The decision on a command, as a pure function of the state and the journal's clock.
    public static func decide(_ state: LedgerState, _ command: Command, at now: Timestamp) -> Decision {
        var copy = state
        return copy.perform(command, at: now)
    }

    /// Decides a command and applies the events it led to, so that the next command of a batch sees their effect.
    ///
    /// - Parameter now: the journal's clock. An event is recorded then, or a microsecond after the account's last event
    ///   if that is later.
    public mutating func perform(_ command: Command, at now: Timestamp) -> Decision {
        var decider = Decider(state: self, command: command, now: now)
        self = LedgerState()
        let decision = decider.decide()
        decider.claim(decision)
        self = decider.state
        return decision
    }
}

/// One decision in the making: the state, changed by each event as it is emitted.
struct Decider {
    var state: LedgerState
    let command: Command
    let now: Timestamp
    var events: [EventContent] = []

    init(state: consuming LedgerState, command: Command, now: Timestamp) {
        self.state = state
        self.command = command
        self.now = now
        // 4: an admission's events; a settlement has two or three.
        events.reserveCapacity(4)
    }

    mutating func decide() -> Decision {
        var decision = answer()
        noteBalance()
        decision.events = events
        return decision
    }

    private mutating func answer() -> Decision {
        if state.commands.contains(command.id) { return finish(.alreadyDone) }
        switch command.action {
        case .admitRun(let run): return admit(run)
        case .recordSubmission(let submission): return record(submission)
        case .settleRun(let settlement): return settle(settlement)
        case .requestCancel(let wish): return cancel(wish)
        case .expireHold(let holdID, let nodesCost): return expire(holdID, nodesCost)
        default: break
        }
        switch repetition {
        case .none: break
        case .same(let claim): return finish(.repeated(claim))
        case .other: return refuse(.idempotencyMismatch)
        }
        if case .openAccount(let opening) = command.action { return open(opening) }
        if case .closePeriod(let period) = command.action { return close(period) }
        if case .recordInvoice(let invoice) = command.action { return record(invoice) }
        guard let account = state.account else { return refuse(.accountUnknown) }
        if case .eraseAccount(let erasure) = command.action { return erase(erasure, account) }
        guard !account.isClosed else { return refuse(.accountClosed) }
        switch command.action {
        case .changeTier(let tier): return change(account, to: tier)
        case .changeRole(let role): return change(account, to: role)
        case .setApproval(let isApproved): return approve(isApproved)
        case .closeAccount: return close()
        case .issueKey(let key): return issue(key, for: account)
        case .revokeKey(let keyID): return revoke(keyID)
        case .addCredits(let addition): return add(addition)
        case .adjustCredits(let adjustment): return adjust(adjustment)
        case .renewPlan(let renewal): return renew(renewal, account)
        case .refundPayment(let refund): return takeBack(refund)
        case .setAlertThreshold(let threshold): return setAlert(threshold)
        case .setTopUpRules(let rules): return setTopUp(rules)
        case .startTopUp(let attempt): return startTopUp(attempt)
        case .endTopUp(let end): return endTopUp(end)
        case .issueGrant(let grant): return issue(grant, for: account)
        case .revokeGrant(let grantID): return revoke(grantID)
        case .saveWorkflow(let wish): return save(wish, of: account)
        case .deleteWorkflow(let wish): return delete(wish, of: account)
        case .resolveSuspense(let wish): return resolve(wish)
        default: preconditionFailure("a command without a rule")
        }
    }

    func finish(_ verdict: Verdict) -> Decision { Decision(events: events, verdict: verdict) }

    func refuse(_ refusal: Refusal, window: WindowStatus? = nil) -> Decision {
        finish(.refused(refusal, window: window))
    }

    /// When the next event will be recorded.
    var moment: Timestamp {
        guard let last = state.account?.lastRecordedAt, last >= now else { return now }
        return Timestamp(microseconds: last.microseconds + 1)
    }

    /// Content for the next event, with what the command alone determines.
    func content(_ type: EventType) -> EventContent {
        var content = EventContent(type, account: command.accountID, at: moment, command: command.id)
        content.requestID = command.requestID
        return content
    }

    /// Applies an event and keeps it. One of the account's money carries the sums after it.
    mutating func emit(_ event: consuming EventContent) {
        if let actor = command.actor { event.detail = event.detail.adding(actor) }
        do {
            try state.apply(event)
        } catch {
            preconditionFailure("the rules contradict the fold: \(error)")
        }
        if event.type.movesCredits {
            event.balanceAfter = state.account?.posted
            event.heldAfter = state.account?.held
        }
        events.append(event)
    }
}

extension EventType {
    /// Whether events of this type move an account's credits, and so carry the balance after them.
    public var movesCredits: Bool {
        switch self {
        case .creditsAdded, .creditsExpired, .creditsAdjusted, .creditsHeld, .creditsDebited, .creditsReleased: true
        default: false
        }
    }
}
