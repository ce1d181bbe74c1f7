import Administration
import HTTPTypes
import Hummingbird
import Ledger
import LedgerStore
import NIOCore
import Reconciliation
import Registry
import RunAPI

/// Invoices of providers.
struct ReconciliationController {
    let desk: AdminDesk
    let gate: AdminGate

    func addRoutes(to router: Router<APIContext>) {
        router.get("/admin/reconciliations") { request, _ in
            _ = try await gate.admit(request, for: .read)
            let before = try gate.number(request, "before", in: 1...Int64.max, default: .max)
            let most = Int64(ImportChoice.mostImports)
            let limit = Int(try gate.number(request, "limit", in: 1...most, default: most))
            let imports = try await answering { () async throws(AdminFailure) in
                try await desk.imports(before: before, limit: limit)
            }
            let next = imports.count == limit ? imports.last.map { JSONValue.integer($0.position) } : nil
            return AdminAPI.respond(.ok, [("imports", .array(imports.map(\.json))), ("next", next ?? .null)])
        }
        router.post("/admin/reconciliations") { request, context in try await take(request, context) }
        router.refuseMethods(of: "/admin/reconciliations", except: [.get, .post])
        router.get("/admin/reconciliations/:import") { request, context in
            _ = try await gate.admit(request, for: .read)
            return AdminAPI.respond(.ok, [("import", try await record(context).json)])
        }
        router.refuseMethods(of: "/admin/reconciliations/:import", except: [.get])
        router.get("/admin/reconciliations/:import/items") { request, context in
            _ = try await gate.admit(request, for: .read)
            let query = try itemQuery(request, of: try await record(context).value.id)
            let items = try await answering { () async throws(AdminFailure) in try await desk.items(query) }
            let next = items.count == query.limit ? items.last.map { JSONValue.integer($0.number) } : nil
            return AdminAPI.respond(.ok, [("items", .array(items.map(\.json))), ("next", next ?? .null)])
        }
        router.refuseMethods(of: "/admin/reconciliations/:import/items", except: [.get])
        router.post("/admin/reconciliations/:import/resolutions") { request, context in
            try await resolve(request, context)
        }
        router.refuseMethods(of: "/admin/reconciliations/:import/resolutions", except: [.post])
    }

    /// Reads the file as it comes, so that no more of it is in memory than its lines.
    private func take(_ request: Request, _ context: APIContext) async throws -> Response {
        let who = try await gate.admit(request, for: .reconcile)
        let query = request.uri.queryParameters
        func text(_ name: Substring) -> String? { query.get(String(name)) }
        let known = ["provider", "invoice", "mapping", "rate", "from", "until", "dryRun"]
        let strange = query.map { String($0.key) }.filter { !known.contains($0) }.sorted()
        guard strange.isEmpty else {
            throw APIError.invalid(strange.map { FieldIssue(field: $0, message: "there is no such field") })
        }
        let trial = text("dryRun") ?? "false"
        guard trial == "true" || trial == "false" else {
            throw APIError.invalid([FieldIssue(field: "dryRun", message: "true or false is needed")])
        }
        let order = try await answering { () async throws(AdminFailure) in
            try InvoiceOrder(
                provider: text("provider"),
                invoice: text("invoice"),
                mapping: text("mapping"),
                rate: text("rate"),
                from: text("from"),
                until: text("until")
            )
        }
        let file = try await read(request, order)
        let asked = file.digest.bytes + Array((request.uri.query ?? "").utf8)
        let call = try gate.call(request, context, who, asked)
        return try await gate.answer(call) {
            let found = try await answering { () async throws(AdminFailure) in
                try await desk.pinning(call) { () async throws(AdminFailure) in
                    try await desk.importInvoice(file, order, isTrial: trial == "true", call)
                }
            }
            return AdminAnswer(found.fate == .imported ? .created : .ok, [("comparison", found.json)])
        }
    }

    private func read(_ request: Request, _ order: InvoiceOrder) async throws -> InvoiceFile {
        let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard announced <= InvoiceReader.largestFile else {
            throw APIError.bodyTooLarge(limit: InvoiceReader.largestFile)
        }
        var intake = InvoiceIntake(order)
        var byteCount = 0
        do {
            for try await piece in request.body {
                byteCount += piece.readableBytes
                guard byteCount <= InvoiceReader.largestFile else {
                    throw APIError.bodyTooLarge(limit: InvoiceReader.largestFile)
                }
                do throws(AdminFailure) { try intake.take(piece.readableBytesView) } catch { throw APIError(error) }
            }
        } catch let error as APIError {
            throw error
        } catch {
            // The client went away, or sent something that is no HTTP.
            throw APIError.unreadable
        }
        return try await answering { () async throws(AdminFailure) in try intake.finish() }
    }

    private func resolve(_ request: Request, _ context: APIContext) async throws -> Response {
        var (call, fields) = try await gate.change(request, context, for: .reconcile)
        let numbers = fields.numbers("items", most: 1_000, isRequired: false)
        let outcome = fields.word("class", isRequired: false, as: InvoiceOutcome.self)
        let isAll = fields.flag("all", isRequired: false) ?? false
        let resolution = fields.word("as", as: SuspenseResolution.self)
        let reason = fields.text("reason", longest: 500)
        if [numbers != nil, outcome != nil, isAll].count(where: { $0 }) != 1 {
            fields.refuse("items", "one of items, class and all is needed, to say which items")
        }
        try fields.finish()
        guard let resolution, let reason else { preconditionFailure("a field that is required and was not refused") }
        let choice = SuspenseChoice(
            importID: try await record(context).value.id,
            items: numbers.map { .numbers($0) } ?? .every(outcome),
            resolution: resolution,
            reason: reason
        )
        return try await gate.answer(call) {
            let decision = try await answering { () async throws(AdminFailure) in
                try await desk.pinning(call) { () async throws(AdminFailure) in try await desk.resolve(choice, call) }
            }
            return AdminAnswer(.ok, [("decision", decision.json)])
        }
    }

    private func record(_ context: APIContext) async throws -> RecordedImport {
        let id = InvoiceImportID(text: context.parameters.get("import") ?? "")
        return try await answering { () async throws(AdminFailure) in
            guard let id, let found = try await desk.imports(.one(id)).first else {
                throw AdminFailure.notFound("an import of this id")
            }
            return found
        }
    }

    private func itemQuery(_ request: Request, of id: InvoiceImportID) throws -> InvoiceItemQuery {
        var query = InvoiceItemQuery(id)
        query.outcome = try word(request, "class")
        query.state = try word(request, "state")
        query.isExceptions = query.outcome == nil && query.state == nil
        query.after = try gate.number(request, "after", in: 0...Int64.max, default: 0)
        let most = Int64(InvoiceItemQuery.mostItems)
        query.limit = Int(try gate.number(request, "limit", in: 1...most, default: 100))
        return query
    }

    private func word<Word: RawRepresentable & CaseIterable>(
        _ request: Request,
        _ name: String
    ) throws -> Word? where Word.RawValue == String {
        guard let text = request.uri.queryParameters.get(name) else { return nil }
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw APIError.invalid([FieldIssue(field: name, message: "one of \(words) is needed")])
    }
}
