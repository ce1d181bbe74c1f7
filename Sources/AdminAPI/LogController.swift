public import Administration
import HTTPTypes
public import Hummingbird
public import LogFiles
import NIOCore
public import RunAPI

/// The files of the ledger's transparency log, below `/log`, with the paths of c2sp.org/tlog-tiles.
///
/// Checkpoints and hashes are for everybody. The entries of journals are customers' events, and for operators alone.
struct LogController {
    let gate: AdminGate
    let files: any LogReading

    func addRoutes(to router: Router<APIContext>) {
        let path: RouterPath = "/log/**"
        router.get(path) { request, context in try await read(request, context) }
        router.on(path, method: .head) { request, context in try await read(request, context) }
        router.refuseMethods(of: path, except: [.get, .head])
    }

    private func read(_ request: Request, _ context: APIContext) async throws -> Response {
        let path = context.parameters.getCatchAll().joined(separator: "/")
        guard let kind = LogPaths.kind(of: path) else { throw APIError.notFound }
        if kind == .entries { _ = try await gate.admit(request, for: .read) }
        guard let bytes = try await files.read(path) else { throw APIError.notFound }
        var headers: HTTPFields = [.contentType: LogFileType.of(path), .xContentTypeOptions: "nosniff"]
        headers[.cacheControl] =
            switch kind {
            case .checkpoint: "no-cache"
            case .open: "public, max-age=31536000, immutable"
            case .entries: "private, max-age=31536000, immutable"
            }
        headers[.contentLength] = String(bytes.count)
        let body = request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        return Response(status: .ok, headers: headers, body: body)
    }
}

extension AdminAPI {
    /// Adds the routes of the log's files.
    ///
    /// - Parameters:
    ///   - router: the service's router.
    ///   - desk: knows the operators, who may read entries.
    ///   - environmentToken: lets the operator `environment` in; nil for none.
    ///   - files: where they are.
    public static func addLogRoutes(
        to router: Router<APIContext>,
        desk: AdminDesk,
        environmentToken: AdminToken?,
        files: any LogReading
    ) {
        LogController(gate: AdminGate(desk: desk, environmentToken: environmentToken), files: files)
            .addRoutes(to: router)
    }
}
