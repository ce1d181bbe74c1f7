import Administration
import Hummingbird
import Ledger
import LedgerStore
import Registry
import RunAPI

/// What is no account's: models, operators, their log, and the payment provider's events.
struct HouseController {
    let desk: AdminDesk
    let gate: AdminGate

    func addRoutes(to router: Router<APIContext>) {
        router.get("/admin/whoami") { request, _ in
            let who = try await gate.admit(request, for: .read)
            return AdminAPI.respond(.ok, [("name", .string(who.name)), ("role", .string(who.role.rawValue))])
        }
        router.refuseMethods(of: "/admin/whoami", except: [.get])
        router.get("/admin/models") { request, _ in
            _ = try await gate.admit(request, for: .read)
            let models = try await answering { () async throws(AdminFailure) in try await desk.allModels() }
            return AdminAPI.respond(.ok, [("models", .array(models.map(JSONValue.model)))])
        }
        router.refuseMethods(of: "/admin/models", except: [.get])
        router.put("/admin/models/:model") { request, context in try await switchModel(request, context) }
        router.refuseMethods(of: "/admin/models/:model", except: [.put])
        router.get("/admin/log") { request, _ in
            _ = try await gate.admit(request, for: .read)
            let limit = Int(try gate.number(request, "limit", in: 1...1_000, default: 100))
            let entries = try await answering { () async throws(AdminFailure) in try await desk.log(limit: limit) }
            return AdminAPI.respond(.ok, [("entries", .array(entries.map(Self.value)))])
        }
        router.refuseMethods(of: "/admin/log", except: [.get])
        router.get("/admin/payments") { request, _ in
            _ = try await gate.admit(request, for: .read)
            let limit = Int(try gate.number(request, "limit", in: 1...1_000, default: 100))
            let events = try await answering { () async throws(AdminFailure) in
                try await desk.payments(limit: limit)
            }
            return AdminAPI.respond(.ok, [("payments", .array(events.map(JSONValue.payment)))])
        }
        router.refuseMethods(of: "/admin/payments", except: [.get])
        addOperators(to: router)
    }

    private func addOperators(to router: Router<APIContext>) {
        router.get("/admin/operators") { request, _ in
            _ = try await gate.admit(request, for: .read)
            let operators = try await answering { () async throws(AdminFailure) in try await desk.operators() }
            return AdminAPI.respond(.ok, [("operators", .array(operators.map(JSONValue.operator)))])
        }
        router.post("/admin/operators") { request, context in
            try await add(request, context)
        }
        router.refuseMethods(of: "/admin/operators", except: [.get, .post])
        router.delete("/admin/operators/:name") { request, context in
            var (call, fields) = try await gate.change(request, context)
            try fields.finish()
            let name = context.parameters.get("name") ?? ""
            try await answering { () async throws(AdminFailure) in
                try await desk.removeOperator(name, by: call.actor)
            }
            return Response(status: .noContent)
        }
        router.refuseMethods(of: "/admin/operators/:name", except: [.delete])
    }

    private func add(_ request: Request, _ context: APIContext) async throws -> Response {
        let own = AdminToken.bearer(request.headers[.authorization]) ?? ""
        var (call, fields) = try await gate.change(request, context, sealedFor: own)
        let name = fields.text("name", longest: 64)
        let role = fields.word("role", as: OperatorRole.self)
        try fields.finish()
        let seal = try IdempotencyKey(of: request).map { AnswerSeal(token: own, idempotencyKey: $0.text) }
        // The same for a request that is made again, so that the first and the sixty-fourth add one operator.
        let token = seal.map { OperatorToken(random: $0.secretBytes(for: call.commandID)) } ?? OperatorToken()
        return try await gate.answer(call, seal: seal) {
            let record = try await answering { () async throws(AdminFailure) in
                try await desk.addOperator(name ?? "", role: role ?? .finance, token: token, by: call.actor)
            }
            return AdminAnswer(.created, [("operator", .operator(record)), ("token", .string(token.text))])
        }
    }

    private func switchModel(_ request: Request, _ context: APIContext) async throws -> Response {
        var (call, fields) = try await gate.change(request, context)
        let isEnabled = fields.flag("enabled")
        try fields.finish()
        let name = context.parameters.get("model") ?? ""
        let model = try await answering { () async throws(AdminFailure) in
            try await desk.switchModel(name, isEnabled: isEnabled ?? true, by: call.actor)
        }
        return AdminAPI.respond(.ok, [("model", .model(model))])
    }

    private static func value(_ entry: OperatorLogEntry) -> JSONValue {
        [
            "recordedAt": .time(entry.recordedAt), "actor": .string(entry.actor), "action": .string(entry.action),
            "subject": .string(entry.subject), "detail": .optionalText(entry.detail),
        ]
    }
}
