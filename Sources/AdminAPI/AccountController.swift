import Administration
import Hummingbird
import Ledger
import Registry
import RunAPI

/// `/admin/accounts`: to open, list and show accounts, and to change their plan, role, approval and standing.
struct AccountController {
    let desk: AdminDesk
    let gate: AdminGate

    func addRoutes(to router: Router<APIContext>) {
        router.get("/admin/accounts") { request, _ in try await list(request) }
        router.post("/admin/accounts") { request, context in try await open(request, context) }
        router.refuseMethods(of: "/admin/accounts", except: [.get, .post])
        router.get("/admin/accounts/:account") { request, context in
            _ = try await gate.admit(request, for: .read)
            return try await shown(gate.account(context)).response
        }
        router.refuseMethods(of: "/admin/accounts/:account", except: [.get])
        router.get("/admin/accounts/:account/events") { request, context in try await events(request, context) }
        router.refuseMethods(of: "/admin/accounts/:account/events", except: [.get])
        addChanges(to: router)
    }

    private func addChanges(to router: Router<APIContext>) {
        router.put("/admin/accounts/:account/tier") { request, context in
            try await change(request, context) { fields in fields.word("tier").map { .changeTier($0) } }
        }
        router.refuseMethods(of: "/admin/accounts/:account/tier", except: [.put])
        router.put("/admin/accounts/:account/role") { request, context in
            try await change(request, context) { fields in fields.word("role").map { .changeRole($0) } }
        }
        router.refuseMethods(of: "/admin/accounts/:account/role", except: [.put])
        router.put("/admin/accounts/:account/approval") { request, context in
            try await change(request, context, for: .support) { fields in
                fields.flag("approved").map { .setApproval($0) }
            }
        }
        router.refuseMethods(of: "/admin/accounts/:account/approval", except: [.put])
        router.post("/admin/accounts/:account/close") { request, context in
            try await change(request, context) { _ in .closeAccount }
        }
        router.refuseMethods(of: "/admin/accounts/:account/close", except: [.post])
        router.post("/admin/accounts/:account/erase") { request, context in try await erase(request, context) }
        router.get("/admin/accounts/:account/erase") { request, context in
            _ = try await gate.admit(request, for: .read)
            let account = try gate.account(context)
            let view = try await answering { () async throws(AdminFailure) in try await desk.erasure(of: account) }
            guard let view else { throw APIError(.notFound("an erasure of this account")) }
            return AdminAPI.respond(.ok, [("erasure", view.json)])
        }
        router.refuseMethods(of: "/admin/accounts/:account/erase", except: [.get, .post])
    }

    /// Erases what is kept of the persons behind an account. The id is asked for twice: there is no way back.
    private func erase(_ request: Request, _ context: APIContext) async throws -> Response {
        var (call, fields) = try await gate.change(request, context)
        let account = try gate.account(context)
        let confirmed = fields.id("confirm", as: AccountID.self)
        try fields.finish()
        guard confirmed == account else {
            throw APIError.invalid([.init(field: "confirm", message: "the account's id is needed once more")])
        }
        let view = try await answering { () async throws(AdminFailure) in try await desk.erase(account, call) }
        return AdminAPI.respond(.ok, [("erasure", view.json)])
    }

    private func list(_ request: Request) async throws -> Response {
        _ = try await gate.admit(request, for: .read)
        let limit = Int(try gate.number(request, "limit", in: 1...500, default: 50))
        var after: AccountID?
        if let text = request.uri.queryParameters.get("after") {
            after = AccountID(text: text)
            if after == nil {
                throw APIError.invalid([.init(field: "after", message: "an id in the form 8-4-4-4-12 is needed")])
            }
        }
        let start = after
        // One more than is shown tells whether there are more.
        let found = try await answering { () async throws(AdminFailure) in
            try await desk.accounts(after: start, limit: limit + 1)
        }
        let page = found.prefix(limit)
        let next = found.count > limit ? page.last.map { JSONValue.string($0.id.description) } : nil
        return AdminAPI.respond(.ok, [("accounts", .array(page.map(JSONValue.account))), ("next", next ?? .null)])
    }

    private func open(_ request: Request, _ context: APIContext) async throws -> Response {
        var (call, fields) = try await gate.change(request, context)
        let tier = fields.word("tier", as: Tier.self)
        let role = fields.word("role", isRequired: false, as: Role.self) ?? .user
        let isApproved = fields.flag("approved", isRequired: false) ?? false
        try fields.finish()
        let opening = OpenAccount(tier: tier ?? .free, role: role, isApproved: isApproved)
        return try await gate.answer(call) {
            let made = try await answering { () async throws(AdminFailure) in
                try await desk.openAccount(opening, call)
            }
            let view = try await answering { () async throws(AdminFailure) in try await desk.account(made.value) }
            return AdminAnswer(
                made.isRepeat ? .ok : .created,
                [("repeated", .bool(made.isRepeat))] + Self.members(view)
            )
        }
    }

    private func shown(_ account: AccountID) async throws -> AdminAnswer {
        let view = try await answering { () async throws(AdminFailure) in try await desk.account(account) }
        return AdminAnswer(.ok, Self.members(view))
    }

    private static func members(_ view: AdminDesk.AccountView) -> [(key: String, value: JSONValue)] {
        guard let account = view.state.account else { return [] }
        let pots = view.state.pots.values.sorted(by: Pot.drawsBefore)
        let grants = view.state.grants.values.sorted { $0.id < $1.id }
        return [
            ("account", .account(account)), ("pots", .array(pots.map(JSONValue.pot))),
            ("grants", .array(grants.map(JSONValue.grant))),
            ("topUp", .topUp(view.topUp, charging: view.paymentMethod)),
            ("short", .credits(view.short)),
        ]
    }

    private func events(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try await gate.admit(request, for: .read)
        let account = try gate.account(context)
        let after = try gate.number(request, "after", in: 0...Int64.max, default: 0)
        let limit = Int(try gate.number(request, "limit", in: 1...1_000, default: 100))
        let found = try await answering { () async throws(AdminFailure) in
            try await desk.events(of: account, after: after)
        }
        let page = found.prefix(limit)
        let next = found.count > limit ? page.last.map { JSONValue.integer($0.sequence) } : nil
        let texts = try await answering { () async throws(AdminFailure) in
            try await desk.texts(of: account, in: Array(page))
        }
        return AdminAPI.respond(
            .ok,
            [
                ("events", .array(page.map(JSONValue.event))), ("texts", .object(texts.mapValues { .string($0) })),
                ("next", next ?? .null),
            ]
        )
    }

    /// A change that makes nothing new: answered with the account as it is then.
    func change(
        _ request: Request,
        _ context: APIContext,
        for permission: Permission = .administer,
        _ read: (inout RequestFields) -> Command.Action?
    ) async throws -> Response {
        var (call, fields) = try await gate.change(request, context, for: permission)
        let account = try gate.account(context)
        let action = read(&fields)
        try fields.finish()
        guard let action else { throw APIError.unreadable }
        return try await answer(call, about: account) { () async throws(AdminFailure) in
            _ = try await desk.change(account, action, call)
        }
    }

    /// Has something done to an account, and answers with the account as it is then.
    func answer(
        _ call: AdminCall,
        about account: AccountID,
        _ body: () async throws(AdminFailure) -> Void
    ) async throws -> Response {
        try await gate.answer(call) {
            try await answering(body)
            return try await shown(account)
        }
    }
}
