import Exports
import Hummingbird
import Ledger
import LedgerStore
import Logging
import Postgres
import RunAPI
import Synchronization

/// Exports: the files of `runledger export`, made and handed over on the spot.
extension Console {
    /// Events of an export that the console makes; those of a larger ledger are made by the command.
    static let eventsOfExport: Int64 = 500_000
    /// Exports that are under way at a time in a process.
    static let exportsAtOnce = 2

    func addExports(to router: Router<APIContext>) {
        page(router, "/console/exports", .money) { _, _, _ in try await exports() }
        page(router, "/console/exports/:file", .money) { visitor, request, context in
            try await export(visitor, request, context)
        }
    }

    private func exports() async throws -> Answer {
        let heads = try await reader.ask(ReadHeads())
        let all = heads.reduce(0) { $0 + $1.position }
        let day = String(clock().rfc3339.prefix(10))
        let kinds = ExportKind.allCases.map { kind -> View in
            View([
                "kind": kind.rawValue, "title": kind.title, "summary": kind.summary, "form": kind.form,
                "asksPrice": kind == .focus ? true : nil, "address": "/console/exports/\(kind.rawValue).zip",
                "command": "runledger export \(kind.rawValue) --to \(kind.rawValue)-\(day)"
                    + (kind == .focus ? " --usd-per-credit 0.01" : ""),
            ])
        }
        let journals = heads.filter { $0.position > 0 }.map { head in
            View([
                "journal": head.journal.description, "position": Format.count(head.position),
                "hash": head.hash.description,
            ])
        }
        var view = View([
            "kinds": kinds.members, "journals": journals.members, "hasEvents": all > 0 ? true : nil,
            "events": Format.count(all), "limit": Format.count(Self.eventsOfExport),
            "isSmall": all <= Self.eventsOfExport ? true : nil,
        ])
        view.add(try await monthStatus())
        return .page("exports", title: "Exports", view: view)
    }

    /// Which months are closed, and which is next.
    func monthStatus() async throws -> View {
        let closed = try await reader.ask(ReadClosedMonths())
        let beginning = try await reader.ask(ReadBeginning()).first
        let current = CalendarMonth(clock())
        var next = closed.first.flatMap { CalendarMonth($0.month)?.next }
        if next == nil { next = beginning.flatMap { CalendarMonth($0) } }
        let toClose = next.flatMap { month in current.flatMap { month < $0 ? month : nil } }
        return View([
            "months": closed.map { line in
                View([
                    "month": line.month, "monthEvents": Format.count(line.events), "closedAt": View.time(line.closedAt),
                    "actor": line.actor,
                ]).members
            },
            "hasMonths": closed.isEmpty ? nil : true, "current": current?.description,
            "toClose": toClose?.description, "isNothingToClose": toClose == nil ? true : nil,
        ])
    }

    private func export(_ visitor: Visitor, _ request: Request, _ context: APIContext) async throws -> Answer {
        let name = context.parameters.get("file") ?? ""
        guard name.hasSuffix(".zip"), let kind = ExportKind(rawValue: String(name.dropLast(4))) else {
            throw ConsoleRefusal.notFound("There is no such export.")
        }
        var price: String?
        if kind == .focus {
            price = (URLForm.members(of: request.uri.query ?? "")?["price"] ?? "").trimmed
            _ = try ReportQuestion.price(price ?? "")
        }
        let all = try await reader.ask(ReadHeads()).reduce(0) { $0 + $1.position }
        guard all <= Self.eventsOfExport else {
            let limit = Format.count(Self.eventsOfExport)
            throw ConsoleRefusal.invalid("An export from here has at most \(limit) events: use `runledger export`.")
        }
        logger.info(
            "an export begins in the console",
            metadata: ["operator": "\(visitor.name)", "export": "\(kind.rawValue)", "request": "\(context.requestID)"]
        )
        let export = try ExportStream(kind, price: price)
        // Taken here and not when the body begins, so that no two requests see the last place free.
        guard let place = exportsUnderWay.take(most: Self.exportsAtOnce) else {
            throw ConsoleRefusal.later("Other exports are under way here. Try again when they have ended.")
        }
        let file = "\(reader.store.name)-\(kind.rawValue)-\(clock().rfc3339.prefix(10)).zip"
        let body = ResponseBody { writer in try await send(export, to: writer, place, context) }
        let headers = PageLibrary.fileHeaders(file, type: "application/zip")
        return .stream(Response(status: .ok, headers: headers, body: body))
    }

    private func send(
        _ export: ExportStream,
        to writer: any ResponseBodyWriter,
        _ place: ExportCount.Place,
        _ context: APIContext
    ) async throws {
        defer { place.leave() }
        do {
            let connection = try await PostgresScriptConnection(configuration: reader.exporting)
            do {
                var sink = ZipSink(writer, at: clock())
                let manifest = try await export.manifest(of: reader.store, connection)
                _ = try await export.run(manifest, reader.store, connection, to: &sink)
                try await sink.finish()
                await connection.close()
            } catch {
                await connection.close()
                throw error
            }
        } catch {
            // The archive has no directory then, and the connection breaks off: nobody takes it for whole.
            logger.warning(
                "an export of the console broke off",
                metadata: ["request": "\(context.requestID)", "error": "\(error)"]
            )
            throw error
        }
    }
}

/// Counts exports that are under way.
final class ExportCount: Sendable {
    private let number = Mutex(0)

    /// Takes a place for one more; nil when there are as many already.
    func take(most limit: Int) -> Place? {
        let isTaken = number.withLock { number in
            guard number < limit else { return false }
            number += 1
            return true
        }
        return isTaken ? Place(count: self) : nil
    }

    private func end() { number.withLock { $0 -= 1 } }

    /// A place that is taken until it is left, or nobody holds it any more: whoever asked may be gone before the body begins.
    final class Place: Sendable {
        private let count: ExportCount
        private let isTaken = Mutex(true)

        fileprivate init(count: ExportCount) { self.count = count }

        deinit { leave() }

        func leave() {
            let wasTaken = isTaken.withLock { isTaken in
                defer { isTaken = false }
                return isTaken
            }
            if wasTaken { count.end() }
        }
    }
}

extension ExportKind {
    fileprivate var title: String {
        switch self {
        case .events: "Events"
        case .postings: "Postings"
        case .focus: "Charges, FOCUS 1.2"
        case .beancount: "Books for Beancount"
        case .hledger: "Books for hledger"
        }
    }

    fileprivate var summary: String {
        switch self {
        case .events: "Every event with every column and its hashes."
        case .postings: "Every posting of the double-entry books, with the event that it follows from."
        case .focus: "What customers were charged, in the columns of FinOps. It needs what a credit is sold for."
        case .beancount: "The books as text with balance assertions, for bean-check."
        case .hledger: "The books as text with balance assertions, for hledger check."
        }
    }

    fileprivate var form: String {
        switch self {
        case .events, .postings, .focus: "CSV"
        case .beancount, .hledger: "text"
        }
    }
}
