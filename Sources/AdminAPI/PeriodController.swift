import Administration
import Hummingbird
import Ledger
import Registry
import RunAPI

/// Months of the books.
struct PeriodController {
    let desk: AdminDesk
    let gate: AdminGate

    func addRoutes(to router: Router<APIContext>) {
        router.get("/admin/periods") { request, _ in
            _ = try await gate.admit(request, for: .read)
            let periods = try await answering { () async throws(AdminFailure) in try await desk.periods() }
            return AdminAPI.respond(.ok, [("periods", .array(periods.map(\.json)))])
        }
        router.post("/admin/periods") { request, context in
            var (call, fields) = try await gate.change(request, context)
            let month = fields.month("month")
            try fields.finish()
            guard let month else { preconditionFailure("a field that is required and was not refused") }
            let periods = try await answering { () async throws(AdminFailure) in
                try await desk.closePeriod(month, call)
            }
            return AdminAPI.respond(.ok, [("periods", .array(periods.map(\.json)))])
        }
        router.refuseMethods(of: "/admin/periods", except: [.get, .post])
    }
}
