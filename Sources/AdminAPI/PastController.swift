import Administration
import Hummingbird
import Ledger
import LedgerStore
import Registry
import RunAPI

/// `/admin/accounts/:account/balance` and `/why`: what an account had at any time, and why any number is what it is.
struct PastController {
    let desk: AdminDesk
    let gate: AdminGate

    func addRoutes(to router: Router<APIContext>) {
        router.get("/admin/accounts/:account/balance") { request, context in try await balance(request, context) }
        router.refuseMethods(of: "/admin/accounts/:account/balance", except: [.get])
        router.get("/admin/accounts/:account/why") { request, context in try await why(request, context) }
        router.refuseMethods(of: "/admin/accounts/:account/why", except: [.get])
    }

    private func balance(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try await gate.admit(request, for: .read)
        let account = try gate.account(context)
        let point = try point(request)
        let found = try await answering { () async throws(AdminFailure) in
            try await desk.balance(of: account, asOf: point)
        }
        return AdminAPI.respond(.ok, JSONValue.balance(found))
    }

    private func why(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try await gate.admit(request, for: .read)
        let account = try gate.account(context)
        let point = try point(request)
        let query = request.uri.queryParameters
        let subject: WhySubject
        do throws(WhySubjectError) {
            subject = try WhySubject(name: query.get("number") ?? "balance", reference: query.get("of"))
        } catch {
            throw APIError.invalid([.init(field: error.field, message: error.message)])
        }
        let found = try await answering { () async throws(AdminFailure) in
            try await desk.why(subject, of: account, asOf: point)
        }
        return AdminAPI.respond(.ok, JSONValue.explanation(found))
    }

    /// As of when: at most one of `at`, `sequence` and `position`; now without any.
    private func point(_ request: Request) throws -> LedgerStore.ReplayEnd {
        let query = request.uri.queryParameters
        let given = ["at", "sequence", "position"].filter { query.get($0) != nil }
        guard given.count <= 1 else {
            throw APIError.invalid([.init(field: given[1], message: "give one of at, sequence and position")])
        }
        switch given.first {
        case "at":
            guard let moment = query.get("at").flatMap({ Timestamp(rfc3339: $0) }) else {
                throw APIError.invalid([.init(field: "at", message: "a moment like 2027-01-31T12:00:00Z is needed")])
            }
            return .time(moment)
        case "sequence": return .sequence(try gate.number(request, "sequence", in: 0...Int64.max, default: 0))
        case "position": return .position(try gate.number(request, "position", in: 0...Int64.max, default: 0))
        default: return .now
        }
    }
}
