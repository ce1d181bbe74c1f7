import Foundation
import HTTPTypes
import Hummingbird
import Mustache
import NIOCore
import RunAPI

/// The templates, the style, the script, and the headers that pages are sent with.
struct PageLibrary: Sendable {
    /// Nothing but this service's own style and script; nothing inline, nothing from elsewhere, in no frame.
    static let contentSecurityPolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    /// A file that pages load.
    struct Asset: Sendable {
        let name: String
        let answer: ConditionalAnswer
    }

    /// A template is missing.
    struct MissingTemplate: Error, CustomStringConvertible {
        let description: String
    }

    private static let templates = [
        "layout", "sign-in", "overview", "accounts", "account", "run", "reports", "report", "exports", "reconciliation",
        "reconciled", "models", "verification", "chain", "log", "refusal",
    ]
    private static let navigation: [(path: String, name: String, area: ConsoleArea)] = [
        ("/console", "Overview", .ledger),
        ("/console/accounts", "Accounts", .ledger),
        ("/console/reports", "Reports", .money),
        ("/console/reconciliation", "Reconciliation", .money),
        ("/console/exports", "Exports", .money),
        ("/console/models", "Models", .ledger),
        ("/console/verification", "Verification", .ledger),
        ("/console/log", "Log", .operatorLog),
    ]

    let assets: [Asset]
    private let library: MustacheLibrary

    /// Reads the files that were built in.
    init() async throws {
        let folder = Self.folder()
        library = try await MustacheLibrary(directory: folder)
        for name in Self.templates where library.getTemplate(named: name) == nil {
            throw MissingTemplate(description: "the console's template \(name).mustache is not in \(folder)")
        }
        let files = [
            ("console.css", "text/css; charset=utf-8"), ("console.js", "text/javascript; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
        ]
        assets = try files.map { name, type in
            let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
            return Asset(
                name: name,
                answer: ConditionalAnswer(
                    bytes,
                    type: type,
                    caching: "public, max-age=300",
                    headers: [.xContentTypeOptions: "nosniff"]
                )
            )
        }
    }

    private static func folder() -> String {
        // Beside the executable first: the generated accessor also knows the build folder, and traps without either.
        let beside = Bundle.main.bundleURL.appendingPathComponent("runledger_Console.resources").path
        let bundle = FileManager.default.fileExists(atPath: beside) ? beside : Bundle.module.resourcePath
        return (bundle ?? Bundle.module.bundlePath) + "/Pages"
    }

    /// A page.
    ///
    /// - Parameters:
    ///   - name: the template.
    ///   - title: its title.
    ///   - path: the route, which marks where one is in the navigation.
    ///   - visitor: who looks; nil for someone who has not signed in.
    func response(
        _ name: String,
        title: String,
        path: String,
        visitor: Visitor?,
        _ view: View,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        var members = view.members
        members["pageTitle"] = title
        if let visitor {
            let links = Self.navigation.filter { visitor.role.maySee($0.area) }.map { link -> View in
                let isHere = link.path == path || (link.path != "/console" && path.hasPrefix(link.path + "/"))
                return View(["path": link.path, "name": link.name, "here": isHere ? true : nil])
            }
            members["visitor"] =
                View([
                    "name": visitor.name, "role": visitor.role.rawValue, "form": visitor.formToken,
                    "links": links.members,
                ]).members
        }
        guard let text = library.render(members, withTemplate: name) else {
            preconditionFailure("every template was there when the console was made")
        }
        return Response(status: status, headers: Self.headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// The headers of a file that the browser keeps.
    static func fileHeaders(_ name: String, type: String) -> HTTPFields {
        var fields = headers
        fields[.contentType] = type
        fields[.contentDisposition] = "attachment; filename=\"\(name)\""
        return fields
    }

    /// A file that the browser keeps.
    static func file(_ name: String, type: String, _ text: String) -> Response {
        Response(
            status: .ok,
            headers: fileHeaders(name, type: type),
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }

    private static let headers: HTTPFields = {
        var fields: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .contentSecurityPolicy: contentSecurityPolicy,
            .xContentTypeOptions: "nosniff", .cacheControl: "no-store",
        ]
        for header in plainHeaders {
            if let name = HTTPField.Name(header.name) { fields[name] = header.value }
        }
        return fields
    }()

    private static let plainHeaders: [(name: String, value: String)] = [
        // With `no-referrer`, browsers would send forms without their origin.
        ("Referrer-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ]
}
