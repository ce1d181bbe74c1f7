/// The order of decisions on a run (design, section 6).
extension Decider {
    mutating func admit(_ run: AdmitRun) -> Decision {
        guard let account = state.account else { return refuse(.unauthorized) }
        if let execution = state.executions[run.executionID] { return finish(.alreadyAdmitted(execution)) }

        if case .node(let place) = run.part { return admit(run, at: place, of: account) }
        guard let key = state.keys[run.keyID], key.revokedAt == nil, !account.isClosed else {
            return turnAway(run, .unauthorized)
        }
        guard account.isApproved else { return turnAway(run, .accountNotApproved) }
        guard run.preflight != .invalidSlug, let model = run.model else { return turnAway(run, .invalidSlug) }

        let required = run.requiredCapability(model)
        guard let granted = required.covering(in: key.capabilities),
            TierPolicy.ceilingAllows(required, tier: account.tier, role: account.role)
        else { return denyCapability(run, required) }

        switch repetition {
        case .none: break
        case .same(let claim): return finish(.repeated(claim))
        case .other: return turnAway(run, .idempotencyMismatch)
        }
        let window: WindowStatus?
        switch count(run, account) {
        case .exceeded(let status): return exceed(run, account, status)
        case .counted(let status): window = status
        }
        received(run)
        var event = about(run, .capabilityGranted)
        var members = [CanonicalJSON.Member("by", .string(granted.text)), .init("required", .string(required.text))]
        let bypassed = Self.gates(bypassedBy: account, required, run.preflight)
        // Left out of the others, whose events stay as they always were.
        if !bypassed.isEmpty { members.append(.init("bypassed", .array(bypassed.map { .string($0) }))) }
        event.detail = .sorted(members)
        emit(event)
        if let window { counted(run, window) }

        let quote: RunQuote
        switch run.preflight {
        case .invalidSlug: preconditionFailure("refused above")
        case .invalidBody: return refuseCounted(run, .invalidBody, window)
        case .invalidInputs(let problems):
            return refuseCounted(run, .invalidInputs, window, [.init("problems", .integer(Int64(problems)))])
        case .modelNotFound: return refuseCounted(run, .modelNotFound, window)
        case .workflowNotFound: return refuseCounted(run, .workflowNotFound, window)
        case .invalidWorkflow(let problems):
            return refuseCounted(run, .invalidWorkflow, window, [.init("problems", .integer(Int64(problems)))])
        case .quoted(let found): quote = found
        }
        guard account.tier >= quote.requiredTier || account.role == .admin else {
            let refusal = Refusal.modelTierRequired(required: quote.requiredTier, tier: account.tier)
            let numbers = [
                CanonicalJSON.Member("required", .string(quote.requiredTier.rawValue)),
                .init("tier", .string(account.tier.rawValue)),
            ]
            return refuseCounted(run, refusal, window, numbers)
        }
        guard !run.isAsync || quote.supportsAsync else { return refuseCounted(run, .asyncNotSupported, window) }
        if case .whole(let nodes) = run.part { return start(run, quote, nodes, account, window) }
        return fund(run, quote, account, window)
    }

    /// The gates of the account's plan that would have stopped or counted the run of anybody but an admin, in
    /// alphabetical order: `ceiling`, `rate_limit`, `tier`.
    private static func gates(
        bypassedBy account: Account,
        _ required: Capability,
        _ preflight: Preflight
    ) -> [String] {
        guard account.role == .admin else { return [] }
        var gates: [String] = []
        if !TierPolicy.ceilingAllows(required, tier: account.tier, role: .user) { gates.append("ceiling") }
        if TierPolicy.requestsPerMinute(tier: account.tier, role: .user) != nil { gates.append("rate_limit") }
        if case .quoted(let quote) = preflight, account.tier < quote.requiredTier { gates.append("tier") }
        return gates
    }

    /// Content for an event of the run, before there is a hold.
    func about(_ run: AdmitRun, _ type: EventType) -> EventContent {
        var event = content(type)
        event.executionID = run.executionID
        event.keyID = run.keyID
        event.model = run.model
        return event
    }

    private mutating func received(_ run: AdmitRun) {
        var event = about(run, .requestReceived)
        var members: [CanonicalJSON.Member] = []
        if run.isAsync { members.append(.init("async", .boolean(true))) }
        if let digest = run.inputsDigest { members.append(.init("inputs", .string(digest.description))) }
        members.append(.init("route", .string(run.route.rawValue)))
        if let trace = command.traceID { members.append(.init("trace", .string(trace.description))) }
        event.detail = .object(members)
        emit(event)
    }

    /// A refusal before the limiter: the request is recorded, and consumes nothing.
    private mutating func turnAway(_ run: AdmitRun, _ refusal: Refusal) -> Decision {
        received(run)
        var event = about(run, .requestRefused)
        event.detail = .object([.init("code", .string(refusal.code))])
        emit(event)
        return refuse(refusal)
    }

    private mutating func denyCapability(_ run: AdmitRun, _ required: Capability) -> Decision {
        received(run)
        var event = about(run, .capabilityDenied)
        event.detail = .object([.init("required", .string(required.text))])
        emit(event)
        return refuse(.capabilityDenied(required: required))
    }

    /// A refusal after the limiter: the request has consumed one count.
    private mutating func refuseCounted(
        _ run: AdmitRun,
        _ refusal: Refusal,
        _ window: WindowStatus?,
        _ numbers: [CanonicalJSON.Member] = []
    ) -> Decision {
        var event = about(run, .requestRefused)
        event.detail = .sorted(numbers + [.init("code", .string(refusal.code))])
        emit(event)
        return refuse(refusal, window: window)
    }
}

/// The limiter.
extension Decider {
    fileprivate enum Count {
        case exceeded(WindowStatus)
        case counted(WindowStatus?)
    }

    fileprivate func count(_ run: AdmitRun, _ account: Account) -> Count {
        guard let limit = TierPolicy.requestsPerMinute(tier: account.tier, role: account.role) else {
            return .counted(nil)
        }
        let minute = moment.minute
        let before = state.windows[run.route].map { $0.minute == minute ? $0.count : 0 } ?? 0
        let isExceeded = before >= limit
        let status = WindowStatus(
            limit: limit,
            count: isExceeded ? before : before + 1,
            minute: minute,
            decidedAt: moment
        )
        return isExceeded ? .exceeded(status) : .counted(status)
    }

    fileprivate mutating func counted(_ run: AdmitRun, _ window: WindowStatus) {
        var event = about(run, .rateLimitCounted)
        event.detail = .object([
            .init("count", .integer(window.count)), .init("limit", .integer(window.limit)),
            .init("minute", .integer(window.minute)), .init("route", .string(run.route.rawValue)),
        ])
        emit(event)
    }

    fileprivate mutating func exceed(_ run: AdmitRun, _ account: Account, _ window: WindowStatus) -> Decision {
        var event = content(.rateLimitExceeded)
        event.detail = .object([
            .init("counted", .integer(window.count)), .init("limit", .integer(window.limit)),
            .init("minute", .integer(window.minute)), .init("refused", .integer(1)),
            .init("route", .string(run.route.rawValue)), .init("tier", .string(account.tier.rawValue)),
        ])
        emit(event)
        return refuse(.rateLimited(tier: account.tier), window: window)
    }
}

extension EventContent {
    /// One event for two refusals by the same window, with the exact count of both; nil when they do not belong
    /// together (design, section 4: a flood of refused requests must not become a flood of rows).
    public func coalesced(with later: EventContent) -> EventContent? {
        guard type == .rateLimitExceeded, later.type == .rateLimitExceeded, accountID == later.accountID,
            let mine = detail, let other = later.detail,
            ["counted", "limit", "minute", "route", "tier"].allSatisfy({ mine[$0] == other[$0] }),
            let count = mine["refused"]?.integerValue, let more = other["refused"]?.integerValue,
            case .object(let members) = mine
        else { return nil }
        var merged = self
        merged.detail = .object(members.map { $0.key == "refused" ? .init("refused", .integer(count + more)) : $0 })
        return merged
    }
}
