/// Decides the recorded commands of one account again, and compares what the rules give with what was recorded.
///
/// Commands are no rows of their own: their events carry everything that the decision used, and ``RecordedCommand`` reads
/// it back. State and time are those of the recording, so the same rules must give the same events, to the byte. What
/// was decided without leaving an event (an operator's command that was refused, a repetition) is not there to decide.
public struct DecisionReplay: Sendable {
    /// Commands decided again so far.
    public private(set) var commands: Int64 = 0
    /// How they were decided: the code of a refusal, `admitted`, or the type of the event that says it.
    public private(set) var verdicts: [String: Int64] = [:]
    private var state = LedgerState()
    private var pending: [Event] = []

    /// Starts before the account's first event.
    public init() {}

    /// Takes the account's next event; decides the command before it once that is known to be complete.
    ///
    /// - Throws: the first event that the rules would not have recorded; the replay is then of no further use.
    public mutating func add(_ event: Event) throws(DecisionFinding) {
        if let last = pending.last, last.content.commandID != event.content.commandID || !isContinued(by: event) {
            try decide()
        }
        pending.append(event)
    }

    /// Decides the last command.
    public mutating func finish() throws(DecisionFinding) {
        if !pending.isEmpty { try decide() }
    }

    /// Whether an event of the same command belongs to the same decision: a refused command may be given again.
    private func isContinued(by event: Event) -> Bool {
        guard pending.contains(where: { $0.content.type.endsAdmission }) else { return true }
        return event.content.type == .alertRaised || event.content.type == .alertCleared
    }

    private mutating func decide() throws(DecisionFinding) {
        let recorded = pending
        pending = []
        let contents = recorded.map(\.content)
        guard let recordedCommand = RecordedCommand(contents, state) else {
            throw DecisionFinding(recorded[0], "\(contents[0].type.rawValue) can't be the answer to a command")
        }
        let withheld = withholdExpired(from: contents, recordedCommand.command)
        if let key = recordedCommand.unnamedKey { state.keys[key.id] = key }
        if let claim = recordedCommand.claim { state.claims[claim.key] = claim }
        // That the slug was the account's own is what its event says.
        if case .saveWorkflow(let wish) = recordedCommand.command.action {
            state.slugOwners = [wish.slug: recordedCommand.command.accountID]
        }
        let decision = state.perform(recordedCommand.command, at: contents[0].recordedAt)
        if let key = recordedCommand.unnamedKey { state.keys[key.id] = nil }
        state.claims = [:]
        state.slugOwners = [:]
        state.changes = LedgerState.Changes()
        try compare(decision.events, recorded)
        if decision.mayDependOnExpiredHolds, withheld.contains(where: { $0.expiresAt <= contents[0].recordedAt }) {
            throw DecisionFinding(
                recorded[recorded.count - 1],
                "refused while a hold that had expired was not given back"
            )
        }
        for hold in withheld { state.holds[hold.id] = hold }
        for event in recorded { state.advance(to: event) }
        commands += 1
        verdicts[recordedCommand.verdict, default: 0] += 1
    }

    /// The writer reads expired holds only when they could turn a refusal around. Those that the decision did not end were
    /// not there for it. Those of workflows are ended by no decision on another run.
    private mutating func withholdExpired(from contents: [EventContent], _ command: Command) -> [Hold] {
        switch command.action {
        case .admitRun, .closeAccount: break
        default: return []
        }
        guard let last = contents.last?.recordedAt else { return [] }
        let ended = Set(contents.compactMap(\.endedHold))
        let withheld = state.holds.values.filter { hold in
            hold.expiresAt <= last && !ended.contains(hold.id)
                && state.executions[hold.executionID]?.workflowSlug == nil
        }
        for hold in withheld { state.holds[hold.id] = nil }
        return withheld
    }

    private func compare(_ decided: [EventContent], _ recorded: [Event]) throws(DecisionFinding) {
        for (event, content) in zip(recorded, decided) {
            let was = event.content.asOneRefusal
            guard was != content else { continue }
            throw DecisionFinding(event, was.difference(from: content))
        }
        if recorded.count > decided.count {
            let extra = recorded[decided.count]
            throw DecisionFinding(extra, "\(extra.content.type.rawValue) was recorded; the rules give nothing more")
        }
        if recorded.count < decided.count {
            throw DecisionFinding(
                recorded[recorded.count - 1],
                "nothing was recorded after it; the rules give \(decided[recorded.count].type.rawValue)"
            )
        }
    }
}

/// An event that the rules would not have recorded.
public struct DecisionFinding: Error, Hashable, Sendable, CustomStringConvertible {
    /// The event.
    public let event: Event
    /// What was recorded, and what the rules give.
    public let message: String

    init(_ event: Event, _ message: String) {
        self.event = event
        self.message = message
    }

    /// One line that says where and what.
    public var description: String {
        "journal \(event.journal), position \(event.position), account \(event.content.accountID), "
            + "sequence \(event.sequence): \(message)"
    }
}

extension EventType {
    /// Whether an event of this type is the last word on an admission, or on a wish to cancel that is denied.
    var endsAdmission: Bool {
        switch self {
        case .creditsHeld, .grantHeld, .workflowStarted, .creditsRefused, .grantRefused, .requestRefused,
            .capabilityDenied,
            .rateLimitExceeded:
            true
        default: false
        }
    }

    var endsHold: Bool {
        switch self {
        case .creditsDebited, .creditsReleased, .grantConsumed, .grantReleased: true
        default: false
        }
    }
}

extension EventContent {
    /// The hold that it ends. A workflow's holds no credits, and ends with its run.
    fileprivate var endedHold: HoldID? {
        if type.endsHold { return holdID }
        return text("by") == "policy" ? executionID.map { HoldID($0.value) } : nil
    }

    /// Refusals by one window coalesce into one event with their count; the decision on each is the same.
    fileprivate var asOneRefusal: EventContent {
        guard type == .rateLimitExceeded, case .object(let members)? = detail else { return self }
        var one = self
        one.detail = .object(members.map { $0.key == "refused" ? .init("refused", .integer(1)) : $0 })
        return one
    }

    /// What was recorded and what the rules give, where they differ first.
    fileprivate func difference(from decided: EventContent) -> String {
        if type != decided.type {
            return "\(type.rawValue) was recorded; the rules give \(decided.type.rawValue)"
        }
        let fields: [(String, String?, String?)] = [
            ("amount", amount?.description, decided.amount?.description),
            ("balance_after", balanceAfter?.description, decided.balanceAfter?.description),
            ("held_after", heldAfter?.description, decided.heldAfter?.description),
            ("pot_id", potID?.description, decided.potID?.description),
            ("grant_id", grantID?.description, decided.grantID?.description),
            ("price_version", priceVersion, decided.priceVersion),
            ("request_id", requestID?.description, decided.requestID?.description),
            ("execution_id", executionID?.description, decided.executionID?.description),
            ("key_id", keyID?.description, decided.keyID?.description),
            ("hold_id", holdID?.description, decided.holdID?.description),
            ("model", model, decided.model),
            ("command_id", commandID.description, decided.commandID.description),
            ("recorded_at", recordedAt.rfc3339, decided.recordedAt.rfc3339),
            ("detail", detail?.text, decided.detail?.text),
        ]
        guard let field = fields.first(where: { $0.1 != $0.2 }) else {
            return "\(type.rawValue) differs from what the rules give"
        }
        return "\(type.rawValue) has \(field.0) \(field.1 ?? "none"); the rules give \(field.2 ?? "none")"
    }
}
