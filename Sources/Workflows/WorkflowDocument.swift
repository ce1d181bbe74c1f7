public import Registry

/// A workflow as its owner saved it (api-contract, section 7): what the service reads of it, and everything else that an
/// editor keeps in it.
public struct WorkflowDocument: Hashable, Sendable {
    /// The most bytes that a document may have as canonical JSON.
    public static let largestBytes = 1 << 19
    /// The most nodes.
    public static let mostNodes = 200
    /// The most edges.
    public static let mostEdges = 1_000
    /// The most bytes that a document may have as canonical JSON if it is shown to everybody.
    public static let largestTemplateBytes = 1 << 16
    /// The longest name, in Unicode scalars.
    public static let longestName = 200

    /// The name that people read; never blank.
    public let name: String
    /// What it is for.
    public let description: String?
    /// Words to find it by.
    public let tags: [String]
    /// The graph.
    public let graph: WorkflowGraph
    /// Whether anybody may read its schema.
    public let isPublic: Bool
    /// Whether it is a template that everybody may read: `isTemplate`, and neither `hidden` nor `archived`.
    public var isShared: Bool {
        members["isTemplate"] == true && members["hidden"] != true && members["archived"] != true
    }
    /// Every member as it came, the ones that the service does not know too.
    public let members: [String: JSONValue]

    /// The document for storage and for the owner: `name` as it is, everything else as it came.
    public var json: JSONValue {
        var members = members
        members["name"] = .string(name)
        return .object(members)
    }

    /// What keeps a well-formed document from being saved as one that is listed: its flags, and a template's size. What was
    /// stored is not measured by it.
    public var listingIssues: [WorkflowIssue] {
        var reader = DocumentReader()
        for name in ["isTemplate", "hidden", "archived"] { _ = reader.flag(members[name], at: "/\(name)") }
        if isShared, json.canonicalBytes.count > Self.largestTemplateBytes {
            reader.report(
                "is larger than \(Self.largestTemplateBytes) bytes, the most that a template may have",
                at: ""
            )
        }
        return reader.issues
    }

    /// Reads a document.
    ///
    /// Only the form is checked here; `WorkflowGraph.issues(models:)` says whether it can run.
    ///
    /// - Parameter json: the body of a request, or what was stored.
    /// - Throws: every problem of the form at once.
    public init(_ json: JSONValue) throws(WorkflowError) {
        guard let members = json.objectValue else {
            throw WorkflowError(issues: [WorkflowIssue("must be an object, not \(json.kindName)", at: "")])
        }
        var reader = DocumentReader()
        if json.canonicalBytes.count > Self.largestBytes {
            reader.report("is larger than \(Self.largestBytes) bytes", at: "")
        }
        self.name = Self.name(members["name"], &reader)
        self.description = reader.optionalText(members["description"], longest: 5_000, at: "/description")
        self.tags = reader.texts(members["tags"], most: 20, longest: 50, at: "/tags")
        self.isPublic = reader.flag(members["publicPlayground"], at: "/publicPlayground")
        if let viewport = members["viewport"], viewport != .null, viewport.objectValue == nil {
            reader.report("must be an object with x, y and zoom, not \(viewport.kindName)", at: "/viewport")
        }
        self.graph = reader.graph(nodes: members["nodes"], edges: members["edges"])
        self.members = members.filter { !Self.computed.contains($0.key) }
        guard reader.issues.isEmpty else { throw WorkflowError(issues: reader.issues) }
    }

    /// What answers carry beside the document: ignored when it is sent back.
    private static let computed: Set<String> = ["slug", "createdBy", "createdAt", "updatedAt", "version", "success"]

    private static func name(_ value: JSONValue?, _ reader: inout DocumentReader) -> String {
        guard let value else {
            reader.report("is required", at: "/name")
            return ""
        }
        guard let text = value.stringValue else {
            reader.report("must be a string, not \(value.kindName)", at: "/name")
            return ""
        }
        if text.unicodeScalars.count > longestName {
            reader.report("must have at most \(longestName) characters", at: "/name")
        }
        return text.allSatisfy(\.isWhitespace) ? "Untitled workflow" : text
    }
}

/// What is wrong with a workflow, with the node or edge that it is wrong with.
public struct WorkflowIssue: Hashable, Sendable {
    /// The node's id, when it is about one.
    public let node: String?
    /// The edge's id, when it is about one.
    public let edge: String?
    /// Where in the document, as a JSON pointer (RFC 6901); empty for the whole.
    public let path: String
    /// What is wrong.
    public let message: String

    /// Makes an issue.
    public init(_ message: String, node: String? = nil, edge: String? = nil, at path: String = "") {
        self.node = node
        self.edge = edge
        self.path = path
        self.message = message
    }
}

/// Everything that is wrong with a workflow.
public struct WorkflowError: Error, Hashable, Sendable {
    /// The issues; never none.
    public let issues: [WorkflowIssue]
    /// Makes an error.
    public init(issues: [WorkflowIssue]) { self.issues = issues }
}
