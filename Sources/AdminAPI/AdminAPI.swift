public import Administration
public import Hummingbird
public import RunAPI

/// The HTTP interface for operators (docs/admin.md).
public enum AdminAPI {
    /// Adds every route under `/admin`.
    ///
    /// - Parameters:
    ///   - router: the service's router.
    ///   - desk: does what operators ask for.
    ///   - environmentToken: lets the operator `environment` in, who may do everything; nil for none.
    ///   - stripe: takes Stripe's events; nil for a service without that route.
    public static func addRoutes(
        to router: Router<APIContext>,
        desk: AdminDesk,
        environmentToken: AdminToken?,
        stripe: StripeEndpoint? = nil
    ) {
        let gate = AdminGate(desk: desk, environmentToken: environmentToken)
        AccountController(desk: desk, gate: gate).addRoutes(to: router)
        PastController(desk: desk, gate: gate).addRoutes(to: router)
        CreditController(desk: desk, gate: gate).addRoutes(to: router)
        GrantController(desk: desk, gate: gate).addRoutes(to: router)
        AlertController(desk: desk, gate: gate).addRoutes(to: router)
        HouseController(desk: desk, gate: gate).addRoutes(to: router)
        PeriodController(desk: desk, gate: gate).addRoutes(to: router)
        ReconciliationController(desk: desk, gate: gate).addRoutes(to: router)
        if let stripe { StripeController(endpoint: stripe).addRoutes(to: router) }
    }
}
