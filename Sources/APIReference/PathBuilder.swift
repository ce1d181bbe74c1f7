/// Completes the description of one path: every operation gets the answers that its codes stand for.
struct PathBuilder {
    let file: String
    let path: String
    let item: DocumentValue
    let errors: ErrorCatalogue

    /// Codes that any operation may answer with.
    private static let always = ["INTERNAL_ERROR"]
    /// Codes of operations that ask whose key or token it is.
    private static let authenticated = ["UNAUTHORIZED", "LEDGER_UNAVAILABLE", "OVERLOADED"]
    /// A code of operations that take an API key.
    private static let keyed = ["LEGACY_KEY_RETIRED"]

    /// The completed path, and its operations.
    func build(
        including isWanted: (APIDocument.Route) -> Bool
    ) throws(DescriptionError) -> (DocumentValue, [APIDocument.Operation]) {
        var result: [DocumentValue.Member] = []
        var operations: [APIDocument.Operation] = []
        for member in item.members {
            guard APIDocument.methods.contains(member.key) else {
                result.append(member)
                continue
            }
            let routePath = member.value["x-route"]?.text ?? path
            let route = APIDocument.Route(method: member.key.uppercased(), path: routePath)
            guard isWanted(route) else { continue }
            let value = try operation(member.value, named: "\(route)")
            result.append(.init(member.key, value))
            operations.append(.init(path: path, route: route, value: value))
        }
        return (.object(result), operations)
    }

    private func operation(_ value: DocumentValue, named name: String) throws(DescriptionError) -> DocumentValue {
        func failure(_ message: String) -> DescriptionError { DescriptionError(file: file, "\(name): \(message)") }
        for key in ["operationId", "summary"] where value[key]?.text == nil { throw failure("needs `\(key)`") }
        guard let responses = value["responses"], !responses.members.isEmpty else { throw failure("needs `responses`") }
        guard let listed = value["x-errors"] else { throw failure("needs `x-errors`, be it empty") }
        var result = value
        result["x-errors"] = nil
        result["x-route"] = nil
        let isWindowed = value["x-window"] != nil
        var complete = DocumentValue.object(
            responses.members.map { .init($0.key, ResponseBuilder.addHeaders(to: $0.value, isWindowed: isWindowed)) }
        )
        var codes = listed.elements.compactMap(\.text) + Self.always
        if value["security"] != .list([]) { codes += Self.authenticated }
        if value["security"] == nil { codes += Self.keyed }
        var entries: [ErrorCatalogue.Entry] = []
        for code in codes where !entries.contains(where: { $0.code == code }) {
            guard let entry = errors[code] else { throw failure("`\(code)` is not in errors.yaml") }
            entries.append(entry)
        }
        for status in Set(entries.map(\.status)).sorted() {
            let group = entries.filter { $0.status == status }
            guard complete["\(status)"] == nil else { throw failure("`responses` and `x-errors` both say \(status)") }
            complete["\(status)"] = ResponseBuilder.response(for: group, isWindowed: isWindowed)
        }
        result["responses"] = complete
        return result
    }
}

/// Writes the answers of operations.
enum ResponseBuilder {
    static let windowHeaders = [
        "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit", "RateLimit-Policy",
    ]

    /// An answer with the headers that every one has.
    static func addHeaders(to response: DocumentValue, isWindowed: Bool, others: [String] = []) -> DocumentValue {
        guard response["$ref"] == nil else { return response }
        var headers = response["headers"] ?? .object([])
        for name in ["X-Request-Id"] + others + (isWindowed ? windowHeaders : []) where headers[name] == nil {
            headers[name] = .reference("headers", name)
        }
        var result = response
        result["headers"] = headers
        return result
    }

    /// The answer of a status that some codes share.
    static func response(for entries: [ErrorCatalogue.Entry], isWindowed: Bool) -> DocumentValue {
        let references = entries.map { DocumentValue.reference("schemas", $0.schemaName) }
        let schema: DocumentValue = references.count == 1 ? references[0] : ["oneOf": .list(references)]
        let examples = entries.map { entry in
            DocumentValue.Member(entry.code, ["summary": .string(entry.when), "value": entry.example])
        }
        let response: DocumentValue = [
            "description": .string(entries.map { "`\($0.code)`: \($0.when)" }.joined(separator: "\n\n")),
            "content": [
                "application/json": ["schema": schema, "examples": .object(examples)],
                "application/problem+json": [
                    "schema": ["allOf": [schema, .reference("schemas", "Problem")]]
                ],
            ],
        ]
        var others: [String] = []
        for header in entries.flatMap(\.headers) where !others.contains(header) { others.append(header) }
        let isCounted = entries.contains { !$0.isUncounted }
        return addHeaders(to: response, isWindowed: isWindowed && isCounted, others: others)
    }
}
