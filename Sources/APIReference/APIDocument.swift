internal import Foundation

/// The description of the API: OpenAPI 3.1, put together from the files of `openapi/`.
public struct APIDocument: Sendable {
    /// A method of a path.
    public struct Route: Hashable, Sendable, Comparable, CustomStringConvertible {
        /// `GET`, `POST` …
        public let method: String
        /// The path as the router has it, such as `/api/models/{internalName}/run`.
        public let path: String

        /// Makes a route.
        public init(method: String, path: String) {
            self.method = method
            self.path = path
        }

        /// Method and path.
        public var description: String { "\(method) \(path)" }

        /// By path, then by method.
        public static func < (left: Route, right: Route) -> Bool {
            (left.path, left.method) < (right.path, right.method)
        }
    }

    /// A method of a path with its description.
    public struct Operation: Sendable {
        /// The path as OpenAPI writes it.
        public let path: String
        /// The route that answers.
        public let route: Route
        /// The description.
        public let value: DocumentValue
        /// Whether it can be asked without key or token.
        public var isPublic: Bool { value["security"] == .list([]) }
    }

    /// The whole document.
    public let value: DocumentValue
    /// Its operations, in the order of the tags, then of the files.
    public let operations: [Operation]
    /// Every code of an answer that is no success.
    public let errorCodes: [String]
    let errors: ErrorCatalogue

    static let methods = ["get", "put", "post", "delete", "patch", "head", "options", "trace"]

    /// Puts the document together.
    ///
    /// - Parameters:
    ///   - folder: has `document.yaml`, `errors.yaml` and `paths`.
    ///   - routes: leaves out what none of these answers; nil for everything.
    /// - Throws: the first thing that is wrong, with its file.
    public init(folder: String, routes: Set<Route>? = nil) throws(DescriptionError) {
        let errors = try ErrorCatalogue(folder: folder)
        var document = try DocumentValue(file: "document.yaml", in: folder)
        var paths: [DocumentValue.Member] = []
        var operations: [Operation] = []
        for file in try Self.pathFiles(of: folder) {
            for path in try DocumentValue(file: file, in: folder).members {
                let builder = PathBuilder(file: file, path: path.key, item: path.value, errors: errors)
                let (item, found) = try builder.build { routes?.contains($0) ?? true }
                guard !found.isEmpty else { continue }
                if paths.contains(where: { $0.key == path.key }) {
                    throw DescriptionError(file: file, "\(path.key) is described twice")
                }
                paths.append(.init(path.key, item))
                operations += found
            }
        }
        Self.addComponents(to: &document, errors)
        document["paths"] = .object(paths)
        // Components and webhooks come last, for whoever reads the text from its beginning.
        for name in ["webhooks", "components"] {
            guard let value = document[name] else { continue }
            document[name] = nil
            document[name] = value
        }
        let tags = document["tags"]?.elements.compactMap { $0["name"]?.text } ?? []
        func place(_ operation: Operation) -> Int {
            operation.value["tags"]?.elements.first?.text.flatMap { tags.firstIndex(of: $0) } ?? tags.count
        }
        self.value = document
        self.operations = operations.enumerated().sorted {
            (place($0.element), $0.offset) < (place($1.element), $1.offset)
        }.map(\.element)
        self.errors = errors
        errorCodes = errors.entries.map(\.code)
    }

    private static func pathFiles(of folder: String) throws(DescriptionError) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/paths")
        guard let names, !names.isEmpty else { throw DescriptionError(file: "paths", "has no files") }
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { "paths/\($0)" }
    }

    private static func addComponents(to document: inout DocumentValue, _ errors: ErrorCatalogue) {
        var components = document["components"] ?? [:]
        var schemas = components["schemas"] ?? [:]
        for entry in errors.entries { schemas[entry.schemaName] = entry.schema }
        components["schemas"] = schemas
        var responses = components["responses"] ?? [:]
        responses["NotModified"] = [
            "description": "The client has it already.",
            "headers": [
                "X-Request-Id": .reference("headers", "X-Request-Id"), "ETag": .reference("headers", "ETag"),
                "Cache-Control": .reference("headers", "Cache-Control"),
            ],
        ]
        // Those of no operation: they answer for paths and methods that are not here.
        for code in ["NOT_FOUND", "METHOD_NOT_ALLOWED"] {
            responses[code] = errors[code].map { ResponseBuilder.response(for: [$0], isWindowed: false) }
        }
        components["responses"] = responses
        document["components"] = components
    }
}
