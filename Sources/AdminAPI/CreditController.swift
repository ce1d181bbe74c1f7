import Administration
import Hummingbird
import Ledger
import Registry
import RunAPI

/// `/admin/accounts/:account/credits`, `/adjustments` and `/renewals`: whatever adds credits or takes them.
struct CreditController {
    let desk: AdminDesk
    let gate: AdminGate

    func addRoutes(to router: Router<APIContext>) {
        router.post("/admin/accounts/:account/credits") { request, context in try await add(request, context) }
        router.refuseMethods(of: "/admin/accounts/:account/credits", except: [.post])
        router.post("/admin/accounts/:account/adjustments") { request, context in
            try await adjust(request, context)
        }
        router.refuseMethods(of: "/admin/accounts/:account/adjustments", except: [.post])
        router.post("/admin/accounts/:account/renewals") { request, context in try await renew(request, context) }
        router.refuseMethods(of: "/admin/accounts/:account/renewals", except: [.post])
    }

    private func add(_ request: Request, _ context: APIContext) async throws -> Response {
        var (call, fields) = try await gate.change(request, context)
        let account = try gate.account(context)
        let amount = fields.credits("amount")
        let reference = fields.text("reference", longest: 200)
        let kind = fields.word("kind", isRequired: false, as: Pot.Kind.self) ?? .topUp
        let expiresAt = fields.moment("expiresAt")
        try fields.finish()
        return try await respond(to: account, call) { () async throws(AdminFailure) in
            try await desk.addCredits(
                amount ?? .zero,
                to: account,
                kind: kind,
                expiresAt: expiresAt,
                reference: reference,
                call
            )
        }
    }

    private func adjust(_ request: Request, _ context: APIContext) async throws -> Response {
        var (call, fields) = try await gate.change(request, context)
        let account = try gate.account(context)
        let pot = fields.id("pot", as: PotID.self)
        let amount = fields.credits("amount", isSigned: true)
        let reason = fields.text("reason", longest: 500)
        let corrects = fields.number("corrects", in: 1...CanonicalJSON.largestInteger)
        try fields.finish()
        guard let pot else { throw APIError.unreadable }
        let adjustment = AdjustCredits(
            potID: pot,
            amount: amount ?? .zero,
            reason: reason ?? "",
            correctsSequence: corrects
        )
        return try await respond(to: account, call) { () async throws(AdminFailure) in
            try await desk.adjust(adjustment, of: account, call)
        }
    }

    private func renew(_ request: Request, _ context: APIContext) async throws -> Response {
        var (call, fields) = try await gate.change(request, context)
        let account = try gate.account(context)
        let period = fields.text("period", longest: 64)
        let allowance = fields.credits("allowance", isRequired: false)
        let expiresAt = fields.moment("expiresAt")
        let reference = fields.text("reference", longest: 200, isRequired: false)
        try fields.finish()
        return try await respond(to: account, call) { () async throws(AdminFailure) in
            try await desk.renewPlan(
                of: account,
                period: period ?? "",
                allowance: allowance,
                expiresAt: expiresAt,
                reference: reference,
                call
            )
        }
    }

    /// The pot that was filled or corrected, now or by an earlier request, and the balance.
    private func respond(
        to account: AccountID,
        _ call: AdminCall,
        _ body: () async throws(AdminFailure) -> AdminDesk.Made<Pot>
    ) async throws -> Response {
        try await gate.answer(call) {
            let made = try await answering(body)
            let view = try await answering { () async throws(AdminFailure) in try await desk.account(account) }
            return AdminAnswer(
                made.isRepeat ? .ok : .created,
                [
                    ("repeated", .bool(made.isRepeat)), ("pot", .pot(made.value)),
                    ("balance", .optionalCredits(view.state.account?.posted)),
                    ("available", .optionalCredits(view.state.account?.available)),
                ]
            )
        }
    }
}
