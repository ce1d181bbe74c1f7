internal import Registry

/// The codes of answers that are no success, as `errors.yaml` lists them.
struct ErrorCatalogue: Sendable {
    /// One code.
    struct Entry: Sendable {
        let code: String
        let status: Int64
        /// What it means to a client.
        let when: String
        /// The text in `error`, as an example.
        let message: String
        /// What the body holds beside the usual members; each with its schema.
        let context: [DocumentValue.Member]
        /// Members of the context that may be missing.
        let optional: [String]
        /// Whether the answer comes before the rate limit is looked at.
        let isUncounted: Bool
        /// Headers beside those that every answer has.
        let headers: [String]
    }

    let entries: [Entry]
    private static let file = "errors.yaml"

    init(folder: String) throws(DescriptionError) {
        var entries: [Entry] = []
        for member in try DocumentValue(file: Self.file, in: folder).members {
            entries.append(try Entry(member))
        }
        self.entries = entries
    }

    subscript(code: String) -> Entry? { entries.first { $0.code == code } }
}

extension ErrorCatalogue.Entry {
    fileprivate init(_ member: DocumentValue.Member) throws(DescriptionError) {
        let (code, value) = (member.key, member.value)
        func failure(_ message: String) -> DescriptionError {
            DescriptionError(file: "errors.yaml", "\(code): \(message)")
        }
        let known = ["status", "when", "message", "context", "optional", "uncounted", "headers"]
        if let other = value.members.first(where: { !known.contains($0.key) }) {
            throw failure("`\(other.key)` is unknown; there are \(known.joined(separator: ", "))")
        }
        guard let status = value["status"]?.integer, (400...599).contains(status) else {
            throw failure("`status` must be a number from 400 to 599")
        }
        guard let when = value["when"]?.text, let message = value["message"]?.text else {
            throw failure("`when` and `message` must be texts")
        }
        self.code = code
        self.status = status
        self.when = when
        self.message = message
        context = value["context"]?.members ?? []
        optional = value["optional"]?.elements.compactMap(\.text) ?? []
        isUncounted = value["uncounted"]?.isTrue ?? false
        headers = value["headers"]?.elements.compactMap(\.text) ?? []
        let names = context.map(\.key)
        if let stray = optional.first(where: { !names.contains($0) }) {
            throw failure("`\(stray)` is not in `context`")
        }
        if let bare = context.first(where: { $0.value["example"] == nil && !optional.contains($0.key) }) {
            throw failure("`context.\(bare.key)` needs an `example`")
        }
    }

    /// The name of its schema.
    var schemaName: String { "Error_\(code)" }

    /// The schema of the body.
    var schema: DocumentValue {
        var properties: [DocumentValue.Member] = [
            .init("success", ["const": .scalar(.bool(false))]), .init("error", ["type": "string"]),
            .init("code", ["const": .string(code)]), .init("requestId", ["type": "string", "format": "uuid"]),
        ]
        for member in context {
            var schema = member.value
            schema["example"] = nil
            properties.append(.init(member.key, schema))
        }
        let required = properties.map(\.key).filter { !optional.contains($0) }
        return [
            "type": "object", "description": .string(when), "required": .list(required.map { .string($0) }),
            "properties": .object(properties),
        ]
    }

    /// A body.
    var example: DocumentValue {
        var members: [DocumentValue.Member] = [
            .init("success", .scalar(.bool(false))), .init("error", .string(message)), .init("code", .string(code)),
            .init("requestId", "0198e0ae-7b01-7c44-8f52-3d9a6f0c1e77"),
        ]
        members += context.compactMap { member in member.value["example"].map { .init(member.key, $0) } }
        return .object(members)
    }
}
