import Administration
import Hummingbird
import Ledger
import LedgerStore
import RunAPI

extension Console {
    /// Events on a page of a timeline.
    static let eventsOnPage = 50

    /// The moment of an account's life that is looked at.
    private struct Moment {
        let at: Int64
        let last: Int64
        var notice: String?
    }

    func account(_ visitor: Visitor, _ request: Request, _ context: APIContext) async throws -> Answer {
        let id = AccountID(text: context.parameters.get("account") ?? "")
        guard let id, let state = try await reader.store.state(of: id), let account = state.account else {
            throw ConsoleRefusal.notFound("There is no account of this id.")
        }
        let place = reader.place(of: id)
        let query = URLForm.members(of: request.uri.query ?? "") ?? [:]
        let moment = try await moment(query, account, place)
        let top = try number("up", query, upTo: moment.at, default: moment.at)
        let limit = Self.eventsOnPage
        let events = try await reader.ask(ReadTimeline(place: place, upTo: top, limit: limit + 1))
        let texts = try await desk.texts(of: id, in: events)
        let standing = try await reader.ask(SampleBalances(place: place, last: moment.at, points: 1)).last
        let points = try await reader.ask(SampleBalances(place: place, last: moment.last, points: 160))
        let openRuns = try await reader.ask(ListOpenRuns(account: id, journal: place.journal, limit: 20))
        let check = ChainCheck(ofAccount: events)
        let address = "/console/accounts/\(id)"
        let at = moment.at == moment.last ? "" : "at=\(moment.at)&"
        let chart = Chart.balance(points, mark: moment.at, end: account.lastRecordedAt)
        var view = View([
            "id": id.description, "idShort": Format.short(id), "address": address,
            "at": String(moment.at), "last": String(moment.last), "lastShown": Format.count(moment.last),
            "isPast": moment.at < moment.last ? true : nil, "atShown": Format.count(moment.at),
            "time": (try await time(of: moment.at, events, place)).map(Self.local), "notice": moment.notice,
            "balanceThen": Format.credits(standing?.balance ?? .zero),
            "heldThen": Format.credits(standing?.held ?? .zero),
            "events": events.prefix(limit).map {
                EventStory(event: $0, seesMoney: visitor.role.maySee(.money), texts: texts).row().members
            },
            "older": events.count > limit ? "\(address)?\(at)up=\(top - Int64(limit))#timeline" : nil,
            "newer": top < moment.at ? "\(address)?\(at)up=\(min(moment.at, top + Int64(limit)))#timeline" : nil,
            "previous": moment.at > 1 ? "\(address)?at=\(moment.at - 1)" : nil,
            "next": moment.at < moment.last ? "\(address)?at=\(moment.at + 1)" : nil,
            "chart": chart?.members, "checked": Format.count(Int64(check.checked)), "fault": check.fault,
            "openRuns": openRuns.isEmpty ? nil : true, "runs": openRuns.map { $0.row().members },
        ])
        view.add(Self.standing(account, state, at: clock()))
        return .page("account", title: "Account \(Format.short(id))", view: view)
    }

    /// A whole number of the query.
    private func number(
        _ name: String,
        _ query: [String: String],
        upTo last: Int64,
        default: Int64
    ) throws -> Int64 {
        guard let text = query[name], !text.isEmpty else { return `default` }
        guard let number = Int64(text), number >= 1, number <= last else {
            throw ConsoleRefusal.invalid("\(name): a whole number from 1 to \(last) is needed.")
        }
        return number
    }

    private func moment(_ query: [String: String], _ account: Account, _ place: AccountPlace) async throws -> Moment {
        let last = account.sequence
        guard let text = query["time"], !text.isEmpty else {
            return Moment(at: try number("at", query, upTo: last, default: last), last: last)
        }
        // Browsers leave the seconds out when they are 0, and never name a zone: it is UTC, as the page says.
        let whole = text.utf8.count == 16 ? text + ":00Z" : text + "Z"
        guard let time = Timestamp(rfc3339: whole) else {
            throw ConsoleRefusal.invalid("time: a moment such as 2026-01-31T17:05:00 is needed, in UTC, from 1970 on.")
        }
        let found = try await reader.ask(FindSequence(place: place, moment: time, last: last)).first ?? 0
        guard found > 0 else {
            return Moment(at: 1, last: last, notice: "Nothing had happened by then: this is the first event.")
        }
        return Moment(at: found, last: last)
    }

    private func time(of sequence: Int64, _ events: [Event], _ place: AccountPlace) async throws -> Timestamp? {
        if let event = events.first, event.sequence == sequence { return event.content.recordedAt }
        return try await reader.ask(ReadTimeline(place: place, upTo: sequence, limit: 1)).first?.content.recordedAt
    }

    /// A moment as the field of a form has it.
    private static func local(_ moment: Timestamp) -> String { String(moment.rfc3339.prefix(19)) }

    /// What the account has now.
    private static func standing(_ account: Account, _ state: LedgerState, at now: Timestamp) -> View {
        let pots = state.pots.values.filter { $0.remaining.isPositive }.sorted {
            ($0.expiresAt ?? Timestamp(microseconds: .max), $0.id) < (
                $1.expiresAt ?? Timestamp(microseconds: .max), $1.id
            )
        }
        let grants = state.grants.values.sorted { ($0.model, $0.id) < ($1.model, $1.id) }
        let windows = state.windows.sorted { $0.key.rawValue < $1.key.rawValue }
        return View([
            "tier": account.tier.rawValue, "role": account.role.rawValue == "user" ? nil : account.role.rawValue,
            "isClosed": account.isClosed ? true : nil, "isWaiting": account.isApproved ? nil : true,
            "balance": Format.credits(account.posted), "held": Format.credits(account.held),
            "available": Format.credits(account.available), "opened": View.time(account.openedAt),
            "latest": View.time(account.lastRecordedAt), "alert": account.alertThreshold.map(Format.credits),
            "isAlerted": account.alertRaisedAt == nil ? nil : true,
            "pots": pots.map { row(of: $0, at: now).members }, "hasPots": pots.isEmpty ? nil : true,
            "grants": grants.map { row(of: $0, at: now).members }, "hasGrants": grants.isEmpty ? nil : true,
            "windows": windows.map { row(of: $0.value, $0.key, account, at: now).members },
            "hasWindows": windows.isEmpty ? nil : true,
        ])
    }

    private static func row(of pot: Pot, at now: Timestamp) -> View {
        View([
            "id": pot.id.description, "short": Format.short(pot.id), "kind": pot.kind == .plan ? "plan" : "top-up",
            "remaining": Format.credits(pot.remaining), "added": Format.credits(pot.added),
            "held": pot.held.isPositive ? Format.credits(pot.held) : nil, "expires": pot.expiresAt.map(View.time),
            "isExpired": pot.expiresAt.map { $0 <= now } == true ? true : nil, "reference": pot.reference,
            "period": pot.period,
            "share": Chart.number(Double(pot.remaining.microcredits) / Double(pot.added.microcredits) * 100),
        ])
    }

    private static func row(of grant: Grant, at now: Timestamp) -> View {
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
            "isOver": grant.isRevoked || expires.map { $0 <= now } == true ? true : nil,
            "isRevoked": grant.isRevoked ? true : nil,
        ])
    }

    private static func row(of window: RateWindow, _ route: Route, _ account: Account, at now: Timestamp) -> View {
        let limit = TierPolicy.requestsPerMinute(tier: account.tier, role: account.role)
        return View([
            "route": route.rawValue, "count": Format.count(window.count), "limit": limit.map(Format.count),
            "minute": View.time(Timestamp(microseconds: window.minute * 60_000_000)),
            "isCurrent": window.minute == now.minute ? true : nil,
        ])
    }
}
