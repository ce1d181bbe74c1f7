import APIReference
import HTTPTypes
public import Hummingbird
public import Logging

/// `/openapi.json`, `/docs` and its style: what the routes of a router are, told by the router itself.
public struct ReferenceController {
    private let folder: String
    private let style: [UInt8]
    private let logger: Logger

    /// Makes the routes' source.
    ///
    /// - Parameters:
    ///   - folder: the files that describe the API.
    ///   - style: the style of the page.
    ///   - logger: is told the routes, at debug level.
    public init(folder: String, style: [UInt8], logger: Logger) {
        self.folder = folder
        self.style = style
        self.logger = logger
    }

    /// Adds the routes; call this last, since what was added before is what is described.
    ///
    /// - Throws: a `DescriptionError` that names what is wrong in which file.
    public func addRoutes(to router: Router<APIContext>) throws {
        let paths = ["/openapi.json", "/docs", "/docs/style.css"]
        let own = paths.flatMap { path in ["GET", "HEAD"].map { APIDocument.Route(method: $0, path: path) } }
        let routes = Set(
            router.routes.map { APIDocument.Route(method: $0.method.rawValue, path: $0.path.description) } + own
        )
        let document = try APIDocument(folder: folder, routes: routes)
        // A list: as one text, more than 8 KiB, it would be cut.
        logger.debug("routes", metadata: ["routes": .array(routes.sorted().map { .string($0.description) })])
        let answers = [
            ConditionalAnswer(document.value.json.utf8, type: "application/json", caching: Self.caching),
            ConditionalAnswer(
                ReferencePage(of: document).html.utf8,
                type: "text/html; charset=utf-8",
                caching: Self.caching,
                headers: [
                    .contentSecurityPolicy: ReferencePage.contentSecurityPolicy, .xContentTypeOptions: "nosniff",
                ]
            ),
            ConditionalAnswer(style, type: "text/css; charset=utf-8", caching: Self.caching),
        ]
        for (path, answer) in zip(paths, answers) {
            let routerPath = RouterPath(path)
            for method in [HTTPRequest.Method.get, .head] {
                router.on(routerPath, method: method) { request, _ in answer.response(to: request) }
            }
            router.refuseMethods(of: routerPath, except: [.get, .head])
        }
    }

    /// Five minutes without a question, then with the tag.
    private static let caching = "public, max-age=300"
}
