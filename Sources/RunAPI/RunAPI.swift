package import HTTPTypes
public import Hummingbird
public import Ledger
public import Logging
import Registry
public import Runs
public import Traces

/// The HTTP interface for keys.
public enum RunAPI {
    /// Builds the router with every route of the public API.
    ///
    /// - Parameters:
    ///   - service: runs models.
    ///   - authenticator: tells whose key a request carries.
    ///   - executions: answers questions about runs; nil when none of them outlives its request.
    ///   - receipts: gives receipts of runs; nil for a ledger that publishes no log.
    ///   - callbacks: takes providers' callbacks; nil when the service can't be reached from outside.
    ///   - webhooks: knows where the ends of runs are reported to.
    ///   - webhookAdministration: keeps the webhooks of keys; nil for an API without their routes.
    ///   - callers: answers whoever asks about the own account; nil for an API without those routes.
    ///   - keys: issues, lists and revokes keys; nil for an API without their routes.
    ///   - adminToken: lets operators in; nil lets nobody in.
    ///   - operators: knows the operators who have tokens of their own; nil for none.
    ///   - clock: the wall clock, for request ids.
    ///   - logger: gets a line for each request; never a key, an input or a result.
    ///   - observer: counts requests.
    ///   - spans: records requests' spans.
    ///   - isReady: whether the service can take runs now.
    public static func router(
        service: RunService,
        authenticator: KeyAuthenticator,
        executions: ExecutionDesk? = nil,
        receipts: (any ReceiptSource)? = nil,
        callbacks: CallbackDesk? = nil,
        webhooks: any WebhookDirectory = NoWebhooks(),
        webhookAdministration: (any WebhookAdministration)? = nil,
        callers: CallerDesk? = nil,
        keys: KeyDesk? = nil,
        adminToken: AdminToken? = nil,
        operators: (any OperatorDirectory)? = nil,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger,
        observer: (any RequestObserver)? = nil,
        spans: Spans = .off,
        isReady: @escaping @Sendable () async -> Bool
    ) -> Router<APIContext> {
        let router = Router(context: APIContext.self)
        let gate = OperatorGate(adminToken: adminToken, operators: operators)
        router.add(
            middleware: APIMiddleware(
                identifiers: IdentifierSource(clock: clock),
                logger: logger,
                observer: observer,
                spans: spans
            )
        )
        RunController(service: service, authenticator: authenticator, webhooks: webhooks).addRoutes(to: router)
        if let desk = WorkflowDesk(for: service) {
            WorkflowController(service: service, desk: desk, authenticator: authenticator, webhooks: webhooks)
                .addRoutes(to: router)
        }
        ModelController(models: service.models, authenticator: authenticator, executions: executions)
            .addRoutes(to: router)
        if let executions {
            ExecutionController(desk: executions, authenticator: authenticator, receipts: receipts)
                .addRoutes(to: router)
        }
        if let callbacks { CallbackController(desk: callbacks).addRoutes(to: router) }
        if let webhookAdministration {
            WebhookController(webhooks: webhookAdministration, gate: gate).addRoutes(to: router)
        }
        if let callers { CallerController(desk: callers, authenticator: authenticator).addRoutes(to: router) }
        if let keys { KeyController(desk: keys, gate: gate).addRoutes(to: router) }
        router.answerStatus(at: "/healthz") { (.ok, "ok") }
        router.answerStatus(at: "/readyz") { await isReady() ? (.ok, "ready") : (.serviceUnavailable, "not ready") }
        return router
    }
}

extension Router<APIContext> {
    /// Answers GET and HEAD with a status and a word for it.
    fileprivate func answerStatus(
        at path: RouterPath,
        status: @escaping @Sendable () async -> (HTTPResponse.Status, String)
    ) {
        for method in [HTTPRequest.Method.get, .head] {
            on(path, method: method) { _, _ in
                let (status, word) = await status()
                return Response(
                    status: status,
                    headers: [.contentType: "application/json"],
                    body: ResponseBody(json: [("status", .string(word))])
                )
            }
        }
        refuseMethods(of: path, except: [.get, .head])
    }

    /// Answers every other method that HTTP defines, QUERY among them, with 405.
    package func refuseMethods(of path: RouterPath, except allowed: [HTTPRequest.Method]) {
        var all: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace, .connect]
        if let query = HTTPRequest.Method(rawValue: "QUERY") { all.append(query) }
        let allow = allowed.map(\.rawValue).joined(separator: ", ")
        for method in all where !allowed.contains(method) {
            on(path, method: method) { _, _ -> Response in throw APIError.methodNotAllowed(allow: allow) }
        }
    }
}
