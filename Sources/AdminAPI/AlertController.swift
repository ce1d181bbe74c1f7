import Administration
import Hummingbird
import Ledger
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
        router.put(topUp) { request, context in
            try await accounts.change(request, context) { fields in
                let threshold = fields.credits("threshold")
                let amount = fields.credits("amount")
                let attempts = fields.number("attemptsPerDay", in: 1...24, isRequired: false) ?? 3
                let failures = fields.number("failuresToOpen", in: 1...10, isRequired: false) ?? 3
                guard let threshold, let amount else { return nil }
                return .setTopUpRules(
                    AutoTopUp.Rules(
                        threshold: threshold,
                        amount: amount,
                        attemptsPerDay: attempts,
                        failuresToOpen: failures
                    )
                )
            }
        }
        router.delete(topUp) { request, context in
            try await accounts.change(request, context) { _ in .setTopUpRules(nil) }
        }
        router.refuseMethods(of: topUp, except: [.put, .delete])
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
