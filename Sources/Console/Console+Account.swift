import Administration
import Hummingbird
import Ledger
import LedgerStore
import RunAPI

extension Console {
    /// Events on a page of a timeline.
    static let eventsOnPage = 50

    /// The moment of an account's life that is looked at.
    struct Moment {
        let at: Int64
        let last: Int64
        /// When, if it was a moment that was asked for.
        var time: Timestamp?
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
        let sums = try await reader.ask(SampleBalances(place: place, last: moment.at, points: 1)).last
        let points = try await reader.ask(SampleBalances(place: place, last: moment.last, points: 160))
        let check = ChainCheck(ofAccount: events)
        let address = "/console/accounts/\(id)"
        let at = moment.at == moment.last ? "" : "at=\(moment.at)&"
        let chart = Chart.balance(points, mark: moment.at, end: account.lastRecordedAt)
        let time = try await time(of: moment.at, events, place)
        var view = View([
            "id": id.description, "idShort": Format.short(id), "address": address,
            "at": String(moment.at), "last": String(moment.last), "lastShown": Format.count(moment.last),
            "isPast": moment.at < moment.last ? true : nil, "atShown": Format.count(moment.at),
            "time": (moment.time ?? time).map(Self.local), "timeShown": (moment.time ?? time).map(Format.moment),
            "notice": moment.notice,
            "second": String((moment.time ?? time ?? account.lastRecordedAt).microseconds / 1_000_000),
            "firstSecond": String(account.openedAt.microseconds / 1_000_000),
            "lastSecond": String(account.lastRecordedAt.microseconds / 1_000_000 + 1),
            "balanceThen": Format.credits(sums?.balance ?? .zero),
            "heldThen": Format.credits(sums?.held ?? .zero),
            "events": events.prefix(limit).map {
                EventStory(event: $0, seesMoney: visitor.role.maySee(.money), texts: texts).row().members
            },
            "older": events.count > limit ? "\(address)?\(at)up=\(top - Int64(limit))#timeline" : nil,
            "newer": top < moment.at ? "\(address)?\(at)up=\(min(moment.at, top + Int64(limit)))#timeline" : nil,
            "previous": moment.at > 1 ? "\(address)?at=\(moment.at - 1)" : nil,
            "next": moment.at < moment.last ? "\(address)?at=\(moment.at + 1)" : nil,
            "chart": chart?.members, "checked": Format.count(Int64(check.checked)), "fault": check.fault,
            "chain": "/console/verification/chain?of=\(id)",
        ])
        view.add(Self.summary(account))
        view.add(try await standing(state, moment, moment.time ?? time, place))
        return .page("account", title: "Account \(Format.short(id))", view: view)
    }

    /// A whole number of the query.
    func number(
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
        guard let time = try Self.time(query) else {
            return Moment(at: try number("at", query, upTo: last, default: last), last: last)
        }
        let found = try await reader.ask(FindSequence(place: place, moment: time, last: last)).first ?? 0
        guard found > 0 else {
            return Moment(at: 1, last: last, notice: "Nothing had happened by then: this is the first event.")
        }
        return Moment(at: found, last: last, time: time)
    }

    /// The moment of a query: as a date and time, or as seconds since 1970, which the slider has. It is the second's end: what
    /// happened in the second that the page shows counts.
    private static func time(_ query: [String: String]) throws -> Timestamp? {
        if let text = query["second"], !text.isEmpty {
            guard let seconds = Int64(text), (0...253_000_000_000).contains(seconds) else {
                throw ConsoleRefusal.invalid("second: a whole number of seconds since 1970 is needed.")
            }
            return Timestamp(microseconds: seconds * 1_000_000 + 999_999)
        }
        guard let text = query["time"], !text.isEmpty else { return nil }
        // Browsers leave the seconds out when they are 0, and never name a zone: it is UTC, as the page says.
        let whole = text.utf8.count == 16 ? text + ":00Z" : text + "Z"
        guard let time = Timestamp(rfc3339: whole) else {
            throw ConsoleRefusal.invalid("time: a moment such as 2026-01-31T17:05:00 is needed, in UTC, from 1970 on.")
        }
        return Timestamp(microseconds: time.microseconds - time.microseconds % 1_000_000 + 999_999)
    }

    private func time(of sequence: Int64, _ events: [Event], _ place: AccountPlace) async throws -> Timestamp? {
        if let event = events.first, event.sequence == sequence { return event.content.recordedAt }
        return try await reader.ask(ReadTimeline(place: place, upTo: sequence, limit: 1)).first?.content.recordedAt
    }

    /// A moment as the field of a form has it.
    private static func local(_ moment: Timestamp) -> String { String(moment.rfc3339.prefix(19)) }
}
