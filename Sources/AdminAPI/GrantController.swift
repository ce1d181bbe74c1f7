import Administration
import Hummingbird
import Ledger
import Registry
import RunAPI

/// `/admin/accounts/:account/grants`: free runs of models.
struct GrantController {
    let desk: AdminDesk
    let gate: AdminGate

    func addRoutes(to router: Router<APIContext>) {
        router.get("/admin/accounts/:account/grants") { request, context in
            _ = try await gate.admit(request, for: .read)
            let account = try gate.account(context)
            let grants = try await grants(of: account)
            return AdminAPI.respond(.ok, [("grants", .array(grants.map(JSONValue.grant)))])
        }
        router.post("/admin/accounts/:account/grants") { request, context in try await issue(request, context) }
        router.refuseMethods(of: "/admin/accounts/:account/grants", except: [.get, .post])
        router.delete("/admin/accounts/:account/grants/:grant") { request, context in
            try await revoke(request, context)
        }
        router.refuseMethods(of: "/admin/accounts/:account/grants/:grant", except: [.delete])
    }

    private func grants(of account: AccountID) async throws -> [Grant] {
        let view = try await answering { () async throws(AdminFailure) in try await desk.account(account) }
        return view.state.grants.values.sorted { $0.id < $1.id }
    }

    private func issue(_ request: Request, _ context: APIContext) async throws -> Response {
        var (call, fields) = try await gate.change(request, context, for: .support)
        let account = try gate.account(context)
        let model = fields.text("model", longest: Slug.longest)
        let runs = fields.number("runs", in: 1...1_000_000_000, isRequired: false)
        let seconds = fields.number("seconds", in: 1...315_360_000, isRequired: false)
        let expiresAt = fields.moment("expiresAt")
        if let model, !Slug.isValid(model) {
            fields.refuse("model", "lower-case letters, digits and hyphens are needed")
        }
        let allowances = [fields.members["runs"], fields.members["seconds"]].compactMap { $0 }
        if allowances.count != 1 || allowances == [.null] {
            fields.refuse("runs", "either runs or seconds is needed, and not both")
        }
        try fields.finish()
        let allowance: Grant.Allowance = runs.map { .runs($0) } ?? .window(seconds: seconds ?? 0)
        return try await gate.answer(call) {
            let made = try await answering { () async throws(AdminFailure) in
                try await desk.issueGrant(of: model ?? "", allowance, to: account, expiresAt: expiresAt, call)
            }
            let grant = try await grants(of: account).first { $0.id == made.value }
            return AdminAnswer(
                made.isRepeat ? .ok : .created,
                [("repeated", .bool(made.isRepeat)), ("grant", grant.map(JSONValue.grant) ?? .null)]
            )
        }
    }

    private func revoke(_ request: Request, _ context: APIContext) async throws -> Response {
        var (call, fields) = try await gate.change(request, context, for: .support)
        try fields.finish()
        let account = try gate.account(context)
        guard let grant = GrantID(text: context.parameters.get("grant") ?? "") else {
            throw APIError(AdminFailure.refused(.grantUnknown))
        }
        try await answering { () async throws(AdminFailure) in
            _ = try await desk.change(account, .revokeGrant(grant), call)
        }
        return Response(status: .noContent)
    }
}
