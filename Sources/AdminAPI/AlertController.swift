import Administration
import Hummingbird
import Ledger
import LedgerStore
import Registry
import RunAPI

/// `/admin/alerts`, and each account's threshold and rules of topping up.
struct AlertController {
    let desk: AdminDesk
    let gate: AdminGate
    private var accounts: AccountController { AccountController(desk: desk, gate: gate) }

    func addRoutes(to router: Router<APIContext>) {
        router.get("/admin/alerts") { request, _ in
            _ = try await gate.admit(request, for: .read)
            let alerts = try await answering { () async throws(AdminFailure) in try await desk.alerts() }
            return AdminAPI.respond(.ok, [("alerts", .array(alerts.map(Self.value)))])
        }
        router.refuseMethods(of: "/admin/alerts", except: [.get])
        let alert: RouterPath = "/admin/accounts/:account/alert"
        router.put(alert) { request, context in
            try await accounts.change(request, context) { fields in
                fields.credits("threshold").map { .setAlertThreshold($0) }
            }
        }
        router.delete(alert) { request, context in
            try await accounts.change(request, context) { _ in .setAlertThreshold(nil) }
        }
        router.refuseMethods(of: alert, except: [.put, .delete])
        let topUp: RouterPath = "/admin/accounts/:account/top-up"
        router.put(topUp) { request, context in try await setTopUp(request, context) }
        router.delete(topUp) { request, context in
            var (call, fields) = try await gate.change(request, context)
            let account = try gate.account(context)
            try fields.finish()
            return try await accounts.answer(call, about: account) { () async throws(AdminFailure) in
                try await desk.setTopUp(nil, charging: nil, of: account, call)
            }
        }
        router.refuseMethods(of: topUp, except: [.put, .delete])
    }

    private func setTopUp(_ request: Request, _ context: APIContext) async throws -> Response {
        var (call, fields) = try await gate.change(request, context)
        let account = try gate.account(context)
        let threshold = fields.credits("threshold")
        let amount = fields.credits("amount")
        let attempts = fields.number("attemptsPerDay", in: 1...24, isRequired: false) ?? 3
        let failures = fields.number("failuresToOpen", in: 1...10, isRequired: false) ?? 3
        let customer = fields.reference("customer", longest: PaymentMethod.longestReference)
        let method = fields.reference("paymentMethod", longest: PaymentMethod.longestReference)
        for (name, other) in [("customer", "paymentMethod"), ("paymentMethod", "customer")]
        where fields.has(name) && !fields.has(other) {
            fields.refuse(other, "it is needed with \(name)")
        }
        let payment = customer.flatMap { customer in
            method.flatMap { PaymentMethod(customer: customer, method: $0) }
        }
        try fields.finish()
        guard let threshold, let amount else { throw APIError.unreadable }
        let rules = AutoTopUp.Rules(
            threshold: threshold,
            amount: amount,
            attemptsPerDay: attempts,
            failuresToOpen: failures
        )
        return try await accounts.answer(call, about: account) { () async throws(AdminFailure) in
            try await desk.setTopUp(rules, charging: payment, of: account, call)
        }
    }

    private static func value(_ alert: AdminDesk.Alert) -> JSONValue {
        [
            "kind": .string(alert.kind.rawValue), "account": .string(alert.accountID.description),
            "raisedAt": .time(alert.raisedAt), "balance": .optionalCredits(alert.balance),
            "threshold": .optionalCredits(alert.threshold),
            "failures": alert.failures.map { .integer($0) } ?? .null,
        ]
    }
}
