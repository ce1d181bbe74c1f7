import HTTPTypes
import Hummingbird
import Ledger
import Logging
import Runs
import Traces

/// Gives each request its id, turns whatever is thrown into an answer of the contract, and writes one line of log.
struct APIMiddleware: RouterMiddleware {
    let identifiers: IdentifierSource
    let logger: Logger
    let observer: (any RequestObserver)?
    let spans: Spans

    func handle(
        _ request: Request,
        context: APIContext,
        next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.requestID = Ledger.RequestID(identifiers.next())
        let sender = TraceContext.sender(
            request.headers[values: .traceparent],
            states: request.headers[values: .tracestate]
        )
        let (span, trace) = spans.beginRequest(request.method.rawValue, from: sender)
        context.trace = trace
        var response: Response
        var code: String?
        do {
            let asked = context
            response = try await TraceContext.$current.withValue(context.trace) { try await next(request, asked) }
        } catch {
            let failure = APIError(any: error)
            if failure.status == .internalServerError, failure.code == "INTERNAL_ERROR" {
                logger.error(
                    "a request failed",
                    metadata: [
                        "request": "\(context.requestID)", "trace": "\(context.trace.traceID)", "error": "\(error)",
                    ]
                )
            }
            code = failure.code
            response = failure.response(to: request, requestID: context.requestID)
        }
        // An answer that is given again names the request that it was given to first.
        if response.headers[.requestID] == nil { response.headers[.requestID] = context.requestID.description }
        observer?.answered(
            request.method.rawValue,
            route: context.endpointPath,
            status: response.status.code,
            after: context.receivedAt.duration(to: .now)
        )
        log(request, context, response, code)
        span?.end(request, context, response, code)
        // A body after the answer to HEAD would be read as the next answer.
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func log(_ request: Request, _ context: APIContext, _ response: Response, _ code: String?) {
        logger.info(
            "request",
            metadata: [
                "request": "\(context.requestID)", "method": "\(request.method)",
                "route": "\(context.endpointPath ?? "none")", "status": "\(response.status.code)",
                "trace": "\(context.trace.traceID)", "code": "\(code ?? "OK")",
                "ms": "\(context.receivedAt.duration(to: .now).wholeMilliseconds)",
            ]
        )
    }
}

extension OpenSpan {
    /// Ends the span of a request that is answered. It names the route's pattern, never the path.
    fileprivate func end(_ request: Request, _ context: APIContext, _ response: Response, _ code: String?) {
        let route = context.endpointPath
        if let route { rename("\(request.method) \(route)") }
        set([
            "http.request.method": .text(request.method.rawValue),
            "http.route": route.map { .text($0) },
            "http.response.status_code": .number(Int64(response.status.code)),
            "runledger.request.id": .text("\(context.requestID)"),
            "runledger.code": code.map { .text($0) },
        ])
        if response.status.kind == .serverError { fail(code ?? "\(response.status.code)") }
        end()
    }
}

extension APIError {
    /// The answer for whatever a handler or the framework throws.
    package init(any error: any Error) {
        if let known = error as? APIError {
            self = known
        } else if let http = error as? any HTTPResponseError {
            switch http.status {
            case .notFound: self = .notFound
            case .contentTooLarge: self = .bodyTooLarge(limit: RunService.largestBodyBytes)
            default:
                self = .internalError
                if (400..<500).contains(http.status.code) {
                    self = .unreadable
                    status = http.status
                }
            }
        } else {
            self = .internalError
        }
    }
}
