import HTTPTypes
import Hummingbird
import NIOCore
import Registry
import Runs

/// `POST /api/callbacks/:token`: a provider says that a run's state has changed. A hint to ask it, and nothing more.
struct CallbackController {
    let desk: CallbackDesk

    func addRoutes(to router: Router<APIContext>) {
        let path: RouterPath = "/api/callbacks/:token"
        router.post(path) { request, context in try await take(request, context) }
        router.refuseMethods(of: path, except: [.post])
    }

    private func take(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await request.wholeBody(upTo: CallbackDesk.largestBodyBytes)
        let headers = request.headers.map { (name: $0.name.rawName, value: $0.value) }
        let token = context.parameters.get("token") ?? ""
        switch await desk.take(token, headers: headers, body: Array(buffer: body)) {
        case .taken:
            return Response(
                status: .accepted,
                headers: [.contentType: "application/json"],
                body: ResponseBody(json: [("success", .bool(true))])
            )
        case .unknownAddress: throw APIError.notFound
        case .notGenuine:
            throw APIError(
                status: .unauthorized,
                code: "INVALID_SIGNATURE",
                message: "The callback does not carry the provider's signature"
            )
        case .unavailable(let failure): throw APIError.unread(failure)
        }
    }
}
