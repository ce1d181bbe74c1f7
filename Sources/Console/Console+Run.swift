import Hummingbird
import Ledger
import LedgerStore
import RunAPI

extension Console {
    /// Events of an account that are looked through at each end of a run for the run's own: an account that runs a
    /// thousand things at once is given that much.
    static let eventsLookedThrough: Int64 = 5_000

    func run(_ visitor: Visitor, _ context: APIContext) async throws -> Answer {
        guard let id = AccountID(text: context.parameters.get("account") ?? ""),
            let runID = ExecutionID(text: context.parameters.get("run") ?? ""),
            let run = try await reader.store.execution(runID, of: id)
        else { throw ConsoleRefusal.notFound("The account has no run of this id.") }
        let events = try await events(of: run, reader.place(of: id))
        let seesMoney = visitor.role.maySee(.money)
        var view = View([
            "id": run.id.description, "idShort": Format.short(run.id), "account": id.description,
            "accountShort": Format.short(id), "model": run.model, "status": run.status.rawValue,
            "tone": Self.tone(of: run.status), "isUnresolved": run.status == .unresolved ? true : nil,
            "quote": Format.credits(run.quote), "charged": Format.credits(run.charged),
            "released": run.status.isEnd && run.grantID == nil ? Format.credits(run.quote - run.charged) : nil,
            "grant": run.grantID.map { Format.short($0) }, "priceVersion": run.priceVersion,
            "absorbed": run.absorbed.isPositive ? Format.credits(run.absorbed) : nil,
            "admitted": View.time(run.admittedAt), "deadline": View.time(run.deadlineAt),
            "submitted": run.submittedAt.map(View.time), "cancelRequested": run.cancelRequestedAt.map(View.time),
            "ended": run.endedAt.map(View.time), "error": run.errorCode, "isAsync": run.isAsync ? true : nil,
            "took": run.durationMilliseconds.map { Format.span(milliseconds: $0) },
            "providerRequest": run.providerRequestID, "instance": String(run.instance),
            "providerCost": seesMoney ? run.providerCost.map(Format.dollars) : nil,
            "request": run.requestID?.description, "key": run.keyID.description, "journal": run.id.journal.description,
        ])
        let rows = events.map { EventStory(event: $0, seesMoney: seesMoney).row(linkingRuns: false).members }
        view.add(
            View([
                "events": rows, "count": Format.count(Int64(events.count)),
                "fault": ChainCheck(ofJournal: events).fault,
                "decision": Self.decision(of: events).members,
            ])
        )
        view.add(try await publication(of: run, events))
        view.add(View(["mayTakeReceipt": seesMoney ? true : nil]))
        return .page("run", title: "Run \(Format.short(run.id))", view: view)
    }

    /// Whether the run's events are in the transparency log, and so have a receipt.
    private func publication(of run: Execution, _ events: [Event]) async throws -> View {
        guard log != nil else { return View(["isLogged": nil, "isPublished": nil]) }
        let last = events.map(\.position).max() ?? 0
        let record = try await reader.store.logCheckpoint(of: run.id.journal, upTo: .max)
        let isPublished = last > 0 && record.map { $0.size >= last } == true
        return View([
            "isLogged": true, "isPublished": isPublished ? true : nil,
            "checkpointSize": record.map { Format.count($0.size) },
            "isOpen": run.status.isEnd ? nil : true,
        ])
    }

    /// The run's receipts as a file.
    func receipt(_ context: APIContext) async throws -> Answer {
        guard let id = AccountID(text: context.parameters.get("account") ?? ""),
            let runID = ExecutionID(text: context.parameters.get("run") ?? ""),
            let run = try await reader.store.execution(runID, of: id)
        else { throw ConsoleRefusal.notFound("The account has no run of this id.") }
        guard let log else { throw ConsoleRefusal.notFound("This ledger publishes no transparency log.") }
        guard let text = try await log.receipt(of: run, for: id) else {
            throw ConsoleRefusal.notFound("The run is not yet in a checkpoint. One is signed every few seconds.")
        }
        return .file("\(run.id).tlog-proof", type: "text/plain; charset=utf-8", text: text)
    }

    /// The run's events: they are near the moments that its row names.
    private func events(of run: Execution, _ place: AccountPlace) async throws -> [Event] {
        guard let last = try await reader.ask(ReadTimeline(place: place, upTo: .max, limit: 1)).first?.sequence else {
            return []
        }
        func sequence(at moment: Timestamp) async throws -> Int64 {
            try await reader.ask(FindSequence(place: place, moment: moment, last: last)).first ?? last
        }
        // 16: the events of a decision before its hold, and those of an end after it, are fewer.
        let first = max(1, try await sequence(at: run.admittedAt) - 16)
        let end: Int64
        if let endedAt = run.endedAt { end = try await sequence(at: endedAt) + 16 } else { end = last }
        let reach = Self.eventsLookedThrough
        var ranges = [first...min(end, first + 2 * reach)]
        if end > first + 2 * reach { ranges = [first...(first + reach), (end - reach)...end] }
        var events: [Event] = []
        for range in ranges {
            events += try await reader.ask(
                ReadRunEvents(place: place, sequences: range, run: run.id, request: run.requestID)
            )
        }
        return events
    }

    private static func tone(of status: Execution.Status) -> String {
        switch status {
        case .succeeded: "good"
        case .failed, .unresolved: "bad"
        case .cancelled: "quiet"
        case .admitted, .submitted: "open"
        }
    }

    /// What the admission was decided from, out of the events that say so.
    private static func decision(of events: [Event]) -> View {
        func facts(_ type: EventType) -> [String: CanonicalJSON] {
            guard case .object(let members) = events.first(where: { $0.content.type == type })?.content.detail else {
                return [:]
            }
            return Dictionary(members.map { ($0.key, $0.value) }) { first, _ in first }
        }
        let capability = facts(.capabilityGranted)
        let window = facts(.rateLimitCounted)
        let hold = facts(.creditsHeld)
        let grant = facts(.grantHeld)
        return View([
            "capability": capability["required"]?.stringValue, "by": capability["by"]?.stringValue,
            "window": window["count"]?.integerValue.flatMap { count in
                window["limit"]?.integerValue.map { "\(Format.count(count)) of \(Format.count($0)) in its minute" }
            },
            "available": hold["available"]?.amountValue.map(Format.credits),
            "used": grant["used"]?.integerValue.map(Format.count),
            "inputs": facts(.requestReceived)["inputs"]?.stringValue,
            "result": facts(.executionSucceeded)["result"]?.stringValue,
        ])
    }
}
