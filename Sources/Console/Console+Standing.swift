import Ledger
import LedgerStore
import RunAPI

/// What an account has: now, or as it was after an event.
extension Console {
    /// The account itself, as it is now.
    static func summary(_ account: Account) -> View {
        View([
            "tier": account.tier.rawValue, "role": account.role.rawValue == "user" ? nil : account.role.rawValue,
            "isClosed": account.isClosed ? true : nil, "isWaiting": account.isApproved ? nil : true,
            "balance": Format.credits(account.posted), "held": Format.credits(account.held),
            "available": Format.credits(account.available), "opened": View.time(account.openedAt),
            "latest": View.time(account.lastRecordedAt), "alert": account.alertThreshold.map(Format.credits),
            "isAlerted": account.alertRaisedAt == nil ? nil : true,
        ])
    }

    /// Its pots, grants, windows and open runs: of now from the projections, of a moment that is past from the fold of the
    /// events up to there.
    func standing(
        _ state: LedgerState,
        _ moment: Moment,
        _ time: Timestamp?,
        _ place: AccountPlace
    ) async throws -> View {
        guard moment.at < moment.last || moment.time.map({ $0 < clock() }) == true else {
            let runs = try await reader.ask(
                ListOpenRuns(account: place.account, journal: place.journal, limit: 20)
            )
            return Self.standing(state, runs.map { $0.row().members }, "now", at: clock())
        }
        switch await replayBook.answer(place.account, at: moment.at) {
        case .state(let past):
            let at = time ?? clock()
            return Self.standing(past, Self.openRuns(past), "at \(Format.moment(at))", at: at)
        case .pending(let done):
            return View([
                "when": "then", "isReplaying": true, "replayed": Format.count(done), "isKnown": nil,
                "replayFault": nil,
            ])
        case .failed(let fault):
            return View(["when": "then", "isReplaying": nil, "isKnown": nil, "replayFault": fault])
        }
    }

    private static func openRuns(_ state: LedgerState) -> [[String: Any]] {
        let open = state.holds.values.compactMap { hold in state.executions[hold.executionID].map { (hold, $0) } }
        let sorted = open.sorted { ($0.1.admittedAt, $0.1.id) < ($1.1.admittedAt, $1.1.id) }
        return sorted.prefix(20).map { hold, run in
            View([
                "run": run.id.description, "runShort": Format.short(run.id), "model": run.model,
                "status": run.status.rawValue, "held": hold.amount.isPositive ? Format.credits(hold.amount) : nil,
                "at": View.time(run.admittedAt),
            ]).members
        }
    }

    private static func standing(
        _ state: LedgerState,
        _ runs: [[String: Any]],
        _ when: String,
        at moment: Timestamp
    ) -> View {
        let pots = state.pots.values.filter { $0.remaining.isPositive || $0.held.isPositive }.sorted {
            ($0.expiresAt ?? Timestamp(microseconds: .max), $0.id) < (
                $1.expiresAt ?? Timestamp(microseconds: .max), $1.id
            )
        }
        let grants = state.grants.values.sorted { ($0.model, $0.id) < ($1.model, $1.id) }
        let windows = state.windows.sorted { $0.key.rawValue < $1.key.rawValue }
        return View([
            "when": when, "isReplaying": nil, "replayFault": nil, "isKnown": true,
            "openRuns": runs.isEmpty ? nil : true, "runs": runs,
            "pots": pots.map { row(of: $0, at: moment).members }, "hasPots": pots.isEmpty ? nil : true,
            "grants": grants.map { row(of: $0, at: moment).members }, "hasGrants": grants.isEmpty ? nil : true,
            "windows": windows.compactMap { route, window in
                state.account.map { row(of: window, route, $0, at: moment).members }
            },
            "hasWindows": windows.isEmpty ? nil : true,
        ])
    }

    private static func row(of pot: Pot, at moment: Timestamp) -> View {
        View([
            "id": pot.id.description, "short": Format.short(pot.id), "kind": pot.kind == .plan ? "plan" : "top-up",
            "remaining": Format.credits(pot.remaining), "added": Format.credits(pot.added),
            "held": pot.held.isPositive ? Format.credits(pot.held) : nil, "expires": pot.expiresAt.map(View.time),
            "isExpired": pot.expiresAt.map { $0 <= moment } == true ? true : nil, "reference": pot.reference,
            "period": pot.period,
            "share": Chart.number(Double(pot.remaining.microcredits) / Double(pot.added.microcredits) * 100),
        ])
    }

    private static func row(of grant: Grant, at moment: Timestamp) -> View {
        let expires = grant.closesAt ?? grant.expiresAt
        var allowance: String
        switch grant.allowance {
        case .runs(let runs): allowance = "\(Format.count(grant.used)) of \(Format.count(runs)) runs used"
        case .window(let seconds):
            allowance = "every run within \(Format.span(milliseconds: seconds * 1_000)) of the first"
            if grant.used > 0 { allowance += ", \(Format.count(grant.used)) so far" }
        }
        return View([
            "id": grant.id.description, "short": Format.short(grant.id), "model": grant.model, "allowance": allowance,
            "held": grant.held > 0 ? Format.count(grant.held) : nil, "expires": expires.map(View.time),
            "isOver": grant.isRevoked || expires.map { $0 <= moment } == true ? true : nil,
            "isRevoked": grant.isRevoked ? true : nil,
        ])
    }

    private static func row(of window: RateWindow, _ route: Route, _ account: Account, at moment: Timestamp) -> View {
        let limit = TierPolicy.requestsPerMinute(tier: account.tier, role: account.role)
        return View([
            "route": route.rawValue, "count": Format.count(window.count), "limit": limit.map(Format.count),
            "minute": View.time(Timestamp(microseconds: window.minute * 60_000_000)),
            "isCurrent": window.minute == moment.minute ? true : nil,
        ])
    }
}
