public import Hummingbird
public import Ledger
public import Logging
import Registry
public import Runs

/// The HTTP interface for keys.
public enum RunAPI {
    /// Builds the router with every route of the public API.
    ///
    /// - Parameters:
    ///   - service: runs models.
    ///   - authenticator: tells whose key a request carries.
    ///   - clock: the wall clock, for request ids.
    ///   - logger: gets a line for each request; never a key, an input or a result.
    ///   - isReady: whether the service can take runs now.
    public static func router(
        service: RunService,
        authenticator: KeyAuthenticator,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger,
        isReady: @escaping @Sendable () async -> Bool
    ) -> Router<APIContext> {
        let router = Router(context: APIContext.self)
        router.add(middleware: APIMiddleware(identifiers: IdentifierSource(clock: clock), logger: logger))
        RunController(service: service, authenticator: authenticator).addRoutes(to: router)
        router.get("/healthz") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "application/json"],
                body: ResponseBody(json: [("status", "ok")])
            )
        }
        router.get("/readyz") { _, _ in
            let ready = await isReady()
            return Response(
                status: ready ? .ok : .serviceUnavailable,
                headers: [.contentType: "application/json"],
                body: ResponseBody(json: [("status", .string(ready ? "ready" : "not ready"))])
            )
        }
        return router
    }
}
