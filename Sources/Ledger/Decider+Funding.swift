/// Who pays for a run: a grant of the model if there is one, credits otherwise (design, section 7).
extension Decider {
    mutating func fund(_ run: AdmitRun, _ quote: RunQuote, _ account: Account, _ window: WindowStatus?) -> Decision {
        expireHolds(now: moment)
        let payers = payers(of: run.model, account)
        if let live = payers.live { return hold(live, run, quote, window) }
        var decision = payers.blocking.map { refuseGrant($0, run, window) } ?? holdCredits(run, quote, window)
        // A hold that was not loaded may give a free run back, whichever grant the refusal names.
        if case .refused = decision.verdict, payers.mayComeBack { decision.mayDependOnExpiredHolds = true }
        return decision
    }

    /// Who could pay for a run of a model besides the credits.
    struct Payers {
        /// The grant that pays.
        let live: Grant?
        /// The spent grant that blocks the model.
        let blocking: Grant?
        /// Whether a hold that has expired may give a free run back.
        let mayComeBack: Bool
    }

    func payers(of model: String?, _ account: Account) -> Payers {
        let grants = state.grants.values.filter { $0.model == model && !$0.isRevoked }
        let live = grants.filter { $0.isLive(at: moment) }.min { left, right in
            let expiries = (left.expiresAt?.microseconds ?? .max, right.expiresAt?.microseconds ?? .max)
            return expiries.0 == expiries.1 ? left.id < right.id : expiries.0 < expiries.1
        }
        return Payers(
            live: live,
            blocking: grants.filter { account.tier <= $0.tier }.min { $0.id < $1.id },
            mayComeBack: grants.contains { $0.held > 0 }
        )
    }

    func terms(_ run: AdmitRun, _ quote: RunQuote) -> [CanonicalJSON.Member] {
        let deadline = moment.adding(seconds: quote.deadlineSeconds)
        let expires = deadline.adding(seconds: quote.unresolvedHoldSeconds)
        // Left out of the others, whose events stay as they always were.
        var rare = run.isAsync ? [CanonicalJSON.Member("async", .boolean(true))] : []
        rare += run.placeMembers
        let priced = quote.priced.map { CanonicalJSON.Member($0.key, .string($0.value)) }
        if !priced.isEmpty { rare.append(.init("priced", .sorted(priced))) }
        return rare + [
            .init("deadline", .integer(deadline.microseconds)),
            .init("definition", .integer(Int64(quote.definitionVersion))),
            .init("expires", .integer(expires.microseconds)),
            .init("instance", .string(String(run.instance))),
            .init("policy", .string(quote.unresolvedPolicy.rawValue)),
            .init("quote", .amount(quote.amount)),
        ]
    }

    private func holdEvent(_ type: EventType, _ run: AdmitRun, _ quote: RunQuote) -> EventContent {
        var event = about(run, type)
        event.holdID = HoldID(run.executionID.value)
        event.priceVersion = quote.priceVersion
        return event
    }

    func admitted(_ run: AdmitRun, grant: GrantID?, _ window: WindowStatus?) -> Decision {
        let admission = Admission(
            executionID: run.executionID,
            holdID: HoldID(run.executionID.value),
            grantID: grant,
            admittedAt: state.account?.lastRecordedAt ?? now,
            window: window
        )
        return finish(.admitted(admission))
    }

    private mutating func hold(_ grant: Grant, _ run: AdmitRun, _ quote: RunQuote, _ window: WindowStatus?) -> Decision
    {
        if case .window(let seconds) = grant.allowance, grant.openedAt == nil {
            var opening = about(run, .grantOpened)
            opening.grantID = grant.id
            opening.detail = .object([.init("closes", .integer(moment.adding(seconds: seconds).microseconds))])
            emit(opening)
        }
        var event = holdEvent(.grantHeld, run, quote)
        event.grantID = grant.id
        var members = terms(run, quote)
        if case .runs(let granted) = grant.allowance { members.append(.init("granted", .integer(granted))) }
        members.append(.init("used", .integer(grant.used)))
        event.detail = .sorted(members)
        emit(event)
        return admitted(run, grant: grant.id, window)
    }

    mutating func refuseGrant(_ grant: Grant, _ run: AdmitRun, _ window: WindowStatus?) -> Decision {
        var event = about(run, .grantRefused)
        event.grantID = grant.id
        let numbers: GrantNumbers
        switch grant.allowance {
        case .runs(let granted):
            numbers = .runs(granted: granted, used: grant.used + grant.held)
            event.detail = .sorted(
                run.placeMembers + [
                    .init("granted", .integer(granted)), .init("held", .integer(grant.held)),
                    .init("used", .integer(grant.used)),
                ]
            )
        case .window:
            numbers = .window(opensAt: grant.openedAt, closesAt: grant.closesAt)
            let closes = grant.closesAt.map { [CanonicalJSON.Member("closes", .integer($0.microseconds))] } ?? []
            let opens = grant.openedAt.map { [CanonicalJSON.Member("opens", .integer($0.microseconds))] } ?? []
            event.detail = .sorted(run.placeMembers + closes + opens)
        }
        emit(event)
        return refuse(.grantExhausted(numbers), window: window)
    }

    private mutating func holdCredits(_ run: AdmitRun, _ quote: RunQuote, _ window: WindowStatus?) -> Decision {
        precondition(quote.amount.isPositive, "a quote of nothing; the registry refuses a model that can't be priced")
        expirePots()
        let available = state.account?.available ?? .zero
        guard available >= quote.amount else {
            return refuseCredits(run, quote.priceVersion, quote.amount, available, window)
        }
        var event = holdEvent(.creditsHeld, run, quote)
        event.amount = quote.amount
        event.detail = .sorted(
            terms(run, quote) + [
                .init("available", .amount(available)), .init("draws", .draws(draws(for: quote.amount))),
            ]
        )
        emit(event)
        return admitted(run, grant: nil, window)
    }

    mutating func refuseCredits(
        _ run: AdmitRun,
        _ priceVersion: String?,
        _ required: Credits,
        _ available: Credits,
        _ window: WindowStatus?
    ) -> Decision {
        var event = about(run, .creditsRefused)
        event.priceVersion = priceVersion
        event.detail = .sorted(
            run.placeMembers + [.init("available", .amount(available)), .init("required", .amount(required))]
        )
        emit(event)
        let refusal = Refusal.insufficientCredits(required: required, available: available)
        var decision = refuse(refusal, window: window)
        decision.mayDependOnExpiredHolds = (state.account?.held ?? .zero).isPositive
        return decision
    }

    private func draws(for amount: Credits) -> [Draw] {
        var missing = amount
        var draws: [Draw] = []
        for pot in state.pots.values.filter({ $0.remaining.isPositive }).sorted(by: Pot.drawsBefore) {
            let part = min(missing, pot.remaining)
            draws.append(Draw(potID: pot.id, amount: part))
            missing -= part
            if missing == .zero { break }
        }
        precondition(missing == .zero, "the pots hold less than the account")
        return draws
    }

    /// What remains in an expired pot stops counting, as an event, before the first decision that would count it.
    mutating func expirePots() {
        // One pot at a time, because each event moves the moment on, and another pot may expire in that microsecond.
        while let pot = state.pots.values.filter({ $0.remaining.isPositive && $0.isExpired(at: moment) })
            .min(by: Pot.drawsBefore)
        {
            var event = content(.creditsExpired)
            event.potID = pot.id
            event.amount = pot.remaining
            emit(event)
        }
    }
}
