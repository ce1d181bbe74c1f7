import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Registry
import Runs
import Workflows

/// `/api/workflows` (api-contract, sections 1.2 and 7).
struct WorkflowController {
    let service: RunService
    let desk: WorkflowDesk
    let authenticator: KeyAuthenticator
    let webhooks: any WebhookDirectory

    func addRoutes(to router: Router<APIContext>) {
        let all: RouterPath = "/api/workflows"
        let one: RouterPath = "/api/workflows/:slug"
        let schema: RouterPath = "/api/workflows/:slug/schema"
        let publicSchema: RouterPath = "/api/workflows/:slug/public-schema"
        let run: RouterPath = "/api/workflows/:slug/run"
        for method in [HTTPRequest.Method.get, .head] {
            router.on(all, method: method) { request, _ in try await list(request) }
            router.on(one, method: method) { request, context in try await read(request, context) }
            router.on(schema, method: method) { request, context in try await readSchema(request, context) }
            router.on(publicSchema, method: method) { _, context in try await readPublicSchema(context) }
        }
        router.post(all) { request, context in try await create(request, context) }
        router.put(one) { request, context in try await update(request, context) }
        router.delete(one) { request, context in try await delete(request, context) }
        router.post(run) { request, context in try await self.run(request, context) }
        router.refuseMethods(of: all, except: [.get, .head, .post])
        router.refuseMethods(of: one, except: [.get, .head, .put, .delete])
        router.refuseMethods(of: schema, except: [.get, .head])
        router.refuseMethods(of: publicSchema, except: [.get, .head])
        router.refuseMethods(of: run, except: [.post])
    }

    // MARK: Documents

    private func list(_ request: Request) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let (entries, window) = try authenticator.result(of: await desk.list(for: identity), identity)
        let rows = entries.map { $0.summary(for: identity.accountID, desk.models) }
        return respond(.ok, JSONValue.array(rows), window)
    }

    private func read(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let (entry, window) = try authenticator.result(of: await desk.read(slug(context), for: identity), identity)
        guard let entry else { throw APIError(.workflowNotFound, issues: [], window: window) }
        return respond(.ok, .object(entry.members(for: identity.accountID)), window)
    }

    private func readSchema(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let (entry, window) = try authenticator.result(of: await desk.read(slug(context), for: identity), identity)
        guard let entry else { throw APIError(.workflowNotFound, issues: [], window: window) }
        var schema = entry.schema
        let estimate = entry.document.graph.estimatedCost(models: desk.models)
        schema["estimatedCreditCost"] = estimate.map { .credits($0) } ?? .null
        return respond(.ok, .object(schema), window)
    }

    private func readPublicSchema(_ context: APIContext) async throws -> Response {
        do {
            guard let entry = try await desk.readPublic(slug(context)) else {
                throw APIError(.workflowNotFound, issues: [], window: nil)
            }
            return respond(.ok, .object(entry.schema), nil)
        } catch let failure as LedgerFailure {
            throw APIError.unread(failure)
        }
    }

    private func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let key = try IdempotencyKey(of: request)
        let (bytes, json) = try await body(of: request)
        let saved = await desk.create(
            json,
            for: identity,
            request: context.requestID,
            keyed: key.map { Self.keyed($0, request, bytes, context.requestID, identity.accountID) }
        )
        return try respond(saved, identity) { entry in
            let draft = Self.created(entry.document, entry.workflow.slug, context.requestID, identity.accountID)
            return draft.answer(at: entry.workflow.savedAt).response(isRepeat: false)
        }
    }

    /// Makes a request known again by its key, given what it is answered.
    private static func keyed(
        _ key: IdempotencyKey,
        _ request: Request,
        _ body: [UInt8],
        _ id: Ledger.RequestID,
        _ account: AccountID
    ) -> @Sendable (String, WorkflowDocument) -> IdempotentRequest {
        { slug, document in
            key.request(for: request, body: body, answer: created(document, slug, id, account))
        }
    }

    /// The answer to a new workflow but for when it was made, which only the ledger's decision says.
    private static func created(
        _ document: WorkflowDocument,
        _ slug: String,
        _ id: Ledger.RequestID,
        _ account: AccountID
    ) -> AnswerDraft {
        let headers: HTTPFields = [
            .contentType: "application/json", .cacheControl: "no-store", .location: "/api/workflows/\(slug)",
            .requestID: id.description,
        ]
        var members = document.members(slug: slug, version: 1, owner: account)
        members["success"] = true
        return AnswerDraft(
            status: Int16(HTTPResponse.Status.created.code),
            headers: headers.lines,
            body: Array(#"{"createdAt":""#.utf8),
            rest: [
                Array(#"","updatedAt":""#.utf8),
                Array(#"","#.utf8) + JSONValue.object(members).canonicalBytes.dropFirst(),
            ]
        )
    }

    private func update(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let (_, json) = try await body(of: request)
        let saved = await desk.update(slug(context), json, for: identity, request: context.requestID)
        return try respond(saved, identity) { entry in
            var members = entry.members(for: identity.accountID)
            members["success"] = true
            return respond(.ok, .object(members), nil)
        }
    }

    private func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let answer = await desk.delete(slug(context), for: identity, request: context.requestID)
        let (_, window) = try authenticator.result(of: answer, identity)
        var headers = HTTPFields()
        if let window { headers.append(window) }
        return Response(status: .noContent, headers: headers)
    }

    // MARK: Runs

    private func run(_ request: Request, _ context: APIContext) async throws -> Response {
        let identity = try await authenticator.identity(of: request)
        let renderer = RunAnswerRenderer(for: request, by: identity, webhooks)
        let answer = await service.runWorkflow(
            try await request.run(of: slug(context), by: identity, context, renderer)
        )
        return try await renderer.response(to: answer, authenticator)
    }

    // MARK: Parts

    private func slug(_ context: APIContext) -> String { (context.parameters.get("slug") ?? "").percentDecoded }

    private func body(of request: Request) async throws -> (bytes: [UInt8], json: JSONValue) {
        let bytes = Array(buffer: try await request.wholeBody(upTo: RunService.largestBodyBytes))
        guard let json = try? JSONValue(parsing: bytes), json.objectValue != nil else {
            throw APIError(.invalidBody, issues: [], window: nil)
        }
        return (bytes, json)
    }

    private func respond(
        _ saved: WorkflowDesk.Saved,
        _ identity: KeyAuthenticator.Identity,
        _ answer: (WorkflowDesk.Entry) -> Response
    ) throws -> Response {
        switch saved {
        case .saved(let entry, let window):
            var response = answer(entry)
            if let window { response.headers.append(window) }
            return response
        case .repeated(let answer): return answer.response(isRepeat: true)
        case .invalid(let issues, let window): throw APIError.invalidWorkflow(issues, window: window)
        case .refused(let refusal, let window): throw authenticator.error(refusal, window, identity)
        case .unavailable(let failure): throw APIError.unread(failure)
        }
    }

    private func respond(_ status: HTTPResponse.Status, _ json: JSONValue, _ window: WindowStatus?) -> Response {
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        if let window { headers.append(window) }
        return Response(
            status: status,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.canonicalBytes))
        )
    }
}

extension WorkflowDocument {
    /// The whole document: what was sent, and what the service knows besides but for the moments.
    fileprivate func members(slug: String, version: Int32, owner: AccountID) -> [String: JSONValue] {
        var members = json.objectValue ?? [:]
        members["slug"] = .string(slug)
        members["version"] = .integer(Int64(version))
        members["createdBy"] = .userID(owner)
        return members
    }
}

extension WorkflowDesk.Entry {
    /// The whole document as an account sees it. It can be sent back as it is.
    fileprivate func members(for reader: AccountID) -> [String: JSONValue] {
        var members = document.members(slug: workflow.slug, version: workflow.version, owner: owner)
        members["createdAt"] = .time(workflow.createdAt)
        members["updatedAt"] = .time(workflow.savedAt)
        // Whoever sends it back makes a copy: outside of the owner's folders, and shown to nobody before its new owner says so.
        if owner != reader { for name in ["folderId", "isTemplate", "publicPlayground"] { members[name] = nil } }
        return members
    }

    /// The workflow as an account's list shows it.
    fileprivate func summary(for reader: AccountID, _ models: ModelRegistry) -> JSONValue {
        func kept(_ name: String) -> JSONValue { document.members[name] ?? .null }
        func flag(_ name: String) -> JSONValue { .bool(document.members[name] == true) }
        let estimate = document.graph.estimatedCost(models: models)
        return [
            "slug": .string(workflow.slug), "name": .string(document.name),
            "description": document.description.map { .string($0) } ?? .null,
            "tags": .array(document.tags.map { .string($0) }), "isTemplate": flag("isTemplate"),
            "hidden": flag("hidden"), "archived": flag("archived"), "cover": kept("cover"),
            "thumbnail": kept("thumbnail"), "createdBy": .userID(owner),
            "estimatedCreditCost": estimate.map { .credits($0) } ?? .null,
            "folderId": owner == reader ? kept("folderId") : .null,
            "updatedAt": .time(workflow.savedAt),
        ]
    }

    /// What a run takes.
    fileprivate var schema: [String: JSONValue] {
        [
            "fields": document.graph.fieldList, "values": document.graph.defaultValues,
            "name": .string(document.name),
            "description": document.description.map { .string($0) } ?? .null,
        ]
    }
}

extension APIError {
    /// Everything that keeps a workflow from being saved, or from running, with the node or edge that it is about.
    static func invalidWorkflow(_ issues: [WorkflowIssue], window: WindowStatus?) -> APIError {
        let list = issues.prefix(100).map { issue in
            JSONValue.object([
                "node": issue.node.map { .string($0) } ?? .null, "edge": issue.edge.map { .string($0) } ?? .null,
                "path": .string(issue.path), "message": .string(issue.message),
            ])
        }
        var error = APIError(
            status: .badRequest,
            code: "INVALID_WORKFLOW",
            message: "The workflow can't run as it is; see issues",
            context: [("issues", .array(list))]
        )
        if let window { error.headers.append(window) }
        return error
    }
}
