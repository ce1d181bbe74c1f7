import Administration
import Hummingbird
import Ledger
import LedgerStore
import Reconciliation
import RunAPI

/// Invoices of providers: what comparing them found, and deciding on it.
extension Console {
    /// Items on a page of an import.
    static let itemsOnPage = 50
    /// Imports on a page of all.
    static let importsOnPage = 50

    func addReconciliation(to router: Router<APIContext>) {
        page(router, "/console/reconciliation", .money) { _, request, _ in try await reconciliations(request) }
        page(router, "/console/reconciliation/:import", .money, takesForm: true) { visitor, request, context in
            try await reconciliation(visitor, request, context)
        }
        router.post("/console/reconciliation/:import") { request, context in
            do {
                return try await decide(request, context)
            } catch {
                return await refuse(error, request, context, nil)
            }
        }
        router.refuseMethods(of: "/console/reconciliation/:import", except: [.get, .post])
    }

    // MARK: All imports

    private func reconciliations(_ request: Request) async throws -> Answer {
        var before: Int64?
        if let text = (URLForm.members(of: request.uri.query ?? "") ?? [:])["before"] {
            guard let position = Int64(text), position > 0 else {
                throw ConsoleRefusal.invalid("before: the position of an import is needed.")
            }
            before = position
        }
        let found = try await reader.store.summedImports(before: before, limit: Self.importsOnPage + 1)
        let imports = found.prefix(Self.importsOnPage)
        let rows = imports.map { record, total -> View in
            let value = record.value
            return View([
                "id": "\(value.id)", "invoice": value.invoice, "provider": value.provider, "days": Self.days(value),
                "billed": Self.money(value.billed), "difference": Self.change(total.difference),
                "matched": Format.count(total.matchedCount), "differing": Format.count(total.differingCount),
                "open": total.openCount > 0 ? Format.count(total.openCount) : nil,
                "at": View.time(record.recordedAt), "actor": record.actor,
            ])
        }
        let all = try await reader.store.importTotal()
        let view = View([
            "imports": rows.members, "isEmpty": all.importCount == 0 ? true : nil,
            "open": Format.count(all.openCount), "isOpen": all.openCount > 0 ? true : nil,
            "suspense": Self.change(all.open), "claimed": Self.money(all.claimed),
            "count": Format.count(all.importCount), "isLater": before == nil ? nil : true,
            "more": found.count > Self.importsOnPage
                ? imports.last.map { "/console/reconciliation?before=\($0.record.position)" } : nil,
        ])
        return .page("reconciliation", title: "Reconciliation", view: view)
    }

    // MARK: One import

    private func reconciliation(
        _ visitor: Visitor,
        _ request: Request,
        _ context: APIContext
    ) async throws -> Answer {
        let record = try Self.only(await invoices(context))
        let filter = try ReconciliationFilter(request.uri.query)
        var query = filter.query(record.value.id)
        query.limit = Self.itemsOnPage + 1
        let found = try await reader.store.invoiceItems(query)
        let items = found.prefix(Self.itemsOnPage)
        let path = "/console/reconciliation/\(record.value.id)"
        let mayDecide = Self.mayDecide(visitor.role)
        let value = record.value
        let percent = InvoiceImport.percent(value.tolerance.relativeMillionths)
        var view = View([
            "path": path, "invoice": value.invoice, "provider": value.provider, "days": Self.days(value),
            "billed": Self.money(value.billed), "lines": Format.count(value.lineCount),
            "skipped": value.skippedCount > 0 ? Format.count(value.skippedCount) : nil, "mapping": value.mapping,
            "rate": value.rate, "at": View.time(record.recordedAt), "actor": record.actor, "file": "\(value.file)",
            "result": "\(record.result)", "position": "0/\(record.position)",
            "tolerance": "\(Self.money(value.tolerance.absoluteMicroUSD)) or \(percent) %",
            "classes": record.classes.map { Self.card($0, filter, path).members },
        ])
        view.add(
            View([
                "items": items.map { Self.row($0, mayDecide: mayDecide).members },
                "isEmpty": items.isEmpty ? true : nil, "isFiltered": filter.isEmpty ? nil : true,
                "filter": filter.words, "filterQuery": filter.text,
                "more": found.count > Self.itemsOnPage
                    ? items.last.map { path + filter.with(after: $0.number).address } : nil,
                "isLater": filter.after > 0 ? path + filter.with(after: 0).address : nil,
                "states": Self.stateLinks(filter, path),
                "mayDecide": mayDecide && items.contains { $0.state == .open || $0.state == .claimed }
                    ? ["form": visitor.formToken, "every": filter.outcome.map { _ in filter.words as Any } ?? false]
                    : nil,
            ])
        )
        return .page("reconciled", title: "Invoice \(value.invoice)", view: view)
    }

    private static func card(_ group: RecordedClass, _ filter: ReconciliationFilter, _ path: String) -> View {
        var own = filter.with(after: 0)
        own.outcome = filter.outcome == group.sum.outcome ? nil : group.sum.outcome
        return View([
            "name": words(group.sum.outcome), "count": Format.count(group.sum.count),
            "billed": money(group.sum.billed), "booked": money(group.sum.booked),
            "difference": change(group.sum.difference),
            "open": group.openCount > 0 ? Format.count(group.openCount) : nil,
            "address": path + own.address, "here": filter.outcome == group.sum.outcome ? true : nil,
        ])
    }

    private static func stateLinks(_ filter: ReconciliationFilter, _ path: String) -> [[String: Any]] {
        let states: [ItemState?] = [nil, .open, .claimed, .accepted, .reversed, .credited, .writtenOff]
        return states.map { state in
            var own = filter.with(after: 0)
            own.state = state
            return View([
                "name": state.map { $0.rawValue.replacing("_", with: " ") } ?? "any state",
                "address": path + own.address,
                "here": filter.state == state ? true : nil,
            ]).members
        }
    }

    private static func row(_ item: RecordedItem, mayDecide: Bool) -> View {
        let isOpen = item.state == .open || item.state == .claimed
        let tone =
            switch item.state {
            case .open: "tone-open"
            case .claimed: "warn"
            case .matched: "tone-good"
            default: ""
            }
        return View([
            "number": "\(item.number)", "name": words(item.outcome),
            "state": item.state.rawValue.replacing("_", with: " "), "tone": tone,
            "day": "\(item.day)", "model": item.model, "request": item.requestID,
            "line": item.line.map { "line \($0)" }, "billed": money(item.billed), "booked": money(item.booked),
            "difference": change(item.difference), "run": item.run.map { "/console/runs/\($0)" },
            "runName": item.runCount > 1 ? "\(item.runCount) runs, the first" : "run",
            "earlier": item.earlier.map { "/console/reconciliation/\($0)" }, "reason": item.reason,
            "by": item.resolvedBy, "mayChoose": mayDecide && isOpen ? true : nil,
        ])
    }

    // MARK: Deciding

    /// Auditors look, and nothing else.
    private static func mayDecide(_ role: ConsoleRole) -> Bool { role == .finance || role == .admin }

    private func decide(_ request: Request, _ context: APIContext) async throws -> Response {
        let visitor = try await gate.admit(request, to: .money)
        let form = try await gate.form(request)
        guard gate.sealer.isFormToken(form["form"] ?? "", of: visitor.session.nonce, for: "session") else {
            throw ConsoleRefusal.form
        }
        guard Self.mayDecide(visitor.role) else { throw ConsoleRefusal.undone("Finance and administrators decide.") }
        guard let actor = Actor("operator:\(visitor.name)") else { throw ConsoleRefusal.form }
        let record = try Self.only(await invoices(context))
        let filter = try ReconciliationFilter(form["filter"])
        guard let resolution = SuspenseResolution(rawValue: form["as"] ?? "") else {
            throw ConsoleRefusal.undone("Say how: choose a decision.")
        }
        let numbers = form.keys.compactMap { $0.hasPrefix("item-") ? Int64($0.dropFirst(5)) : nil }
        let isEvery = form["every"] != nil && filter.outcome != nil
        guard isEvery || !numbers.isEmpty else { throw ConsoleRefusal.undone("Choose an item at least.") }
        let choice = SuspenseChoice(
            importID: record.value.id,
            items: isEvery ? .every(filter.outcome, in: filter.state) : .numbers(numbers),
            resolution: resolution,
            reason: (form["reason"] ?? "").trimmed
        )
        let call = AdminCall(
            actor: actor,
            requestID: context.requestID,
            commandID: CommandID(context.requestID.value)
        )
        let decision: SuspenseDecision
        do throws(AdminFailure) {
            decision = try await desk.resolve(choice, call)
        } catch {
            throw Self.refusal(error)
        }
        guard !isEvery || !decision.items.isEmpty else {
            throw ConsoleRefusal.undone("None of these items can be \(Self.words(resolution)).")
        }
        return Self.redirect(to: "/console/reconciliation/\(record.value.id)" + filter.address)
    }

    private static func refusal(_ failure: AdminFailure) -> any Error {
        guard case .invalid(let issues) = failure else { return failure }
        return ConsoleRefusal.undone(issues.map { "\($0.field): \($0.message)" }.joined(separator: "; ") + ".")
    }

    // Two functions, since the optimizer of Swift 6.3 crashes on an asynchronous one that returns the record itself.
    private func invoices(_ context: APIContext) async throws -> [RecordedImport] {
        guard let id = InvoiceImportID(text: context.parameters.get("import") ?? "") else { return [] }
        return try await reader.store.invoiceImports(.one(id))
    }

    private static func only(_ found: [RecordedImport]) throws(ConsoleRefusal) -> RecordedImport {
        guard let record = found.first else { throw .notFound("There is no import of an invoice with this id.") }
        return record
    }

    // MARK: Words

    private static func words(_ resolution: SuspenseResolution) -> String {
        resolution.rawValue.replacing("_", with: " ")
    }

    private static func words(_ outcome: InvoiceOutcome) -> String { outcome.rawValue.replacing("_", with: " ") }

    private static func days(_ value: InvoiceImport) -> String {
        let period = value.period
        if period.lowerBound == period.upperBound { return "\(period.lowerBound)" }
        return "\(period.lowerBound) \u{2013} \(period.upperBound)"
    }

    private static func money(_ microUSD: Int64) -> String {
        (microUSD < 0 ? "\u{2212}" : "") + Format.dollars(MicroUSD(microdollars: abs(microUSD)))
    }

    private static func change(_ microUSD: Int64) -> String { (microUSD > 0 ? "+" : "") + money(microUSD) }
}

/// Which items of an import a page shows.
struct ReconciliationFilter: Hashable {
    var outcome: InvoiceOutcome?
    var state: ItemState?
    private(set) var after: Int64 = 0

    /// Reads the query of an address.
    init(_ query: String?) throws {
        let members = URLForm.members(of: query ?? "") ?? [:]
        if let text = members["class"] {
            guard let word = InvoiceOutcome(rawValue: text) else {
                throw ConsoleRefusal.invalid("class: there is no class \(text.prefix(40)).")
            }
            outcome = word
        }
        if let text = members["state"] {
            guard let word = ItemState(rawValue: text) else {
                throw ConsoleRefusal.invalid("state: there is no state \(text.prefix(40)).")
            }
            state = word
        }
        if let text = members["after"] {
            guard let number = Int64(text), number >= 0 else {
                throw ConsoleRefusal.invalid("after: the number of an item is needed.")
            }
            after = number
        }
    }

    /// The same, from another item on.
    func with(after number: Int64) -> ReconciliationFilter {
        var filter = self
        filter.after = number
        return filter
    }

    /// Whether it is not narrowed.
    var isEmpty: Bool { outcome == nil && state == nil }

    /// Its items; without a class or a state, all that differ.
    func query(_ id: InvoiceImportID) -> InvoiceItemQuery {
        var query = InvoiceItemQuery(id)
        query.outcome = outcome
        query.state = state
        query.isExceptions = isEmpty
        query.after = after
        return query
    }

    /// As the query of an address, without its question mark.
    var text: String {
        [
            outcome.map { "class=\($0.rawValue)" }, state.map { "state=\($0.rawValue)" },
            after > 0 ? "after=\(after)" : nil,
        ].compactMap { $0 }.joined(separator: "&")
    }

    /// What follows a path.
    var address: String { text.isEmpty ? "" : "?\(text)" }

    /// For people.
    var words: String {
        [outcome?.rawValue, state?.rawValue].compactMap { $0?.replacing("_", with: " ") }.joined(separator: ", ")
    }
}
