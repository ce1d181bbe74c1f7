public import Registry

/// The nodes of a workflow and what flows between them.
public struct WorkflowGraph: Hashable, Sendable {
    /// The nodes in the document's order; ids are unique.
    public let nodes: [WorkflowNode]
    /// The edges in the document's order; ids are unique.
    public let edges: [WorkflowEdge]

    /// The node with an id.
    public func node(_ id: String) -> WorkflowNode? { nodes.first { $0.id == id } }

    /// A graph without a node is a draft: it is kept, and can't run.
    public var isDraft: Bool { nodes.isEmpty }

    /// The nodes that take part: those with an edge, and Response Outputs. The rest is only kept.
    public var connectedNodes: [WorkflowNode] {
        let ends = Set(edges.flatMap { [$0.source, $0.target] })
        return nodes.filter { node in
            if case .responseOutput = node.kind { return true }
            return ends.contains(node.id)
        }
    }
}

/// A node of a workflow.
public struct WorkflowNode: Hashable, Sendable {
    /// Its id in the workflow.
    public let id: String
    /// What it does.
    public let kind: Kind

    /// What a node does.
    public enum Kind: Hashable, Sendable {
        /// Gives the values that a caller sends, one for each field.
        case requestInput([WorkflowField])
        /// Runs a model with fixed inputs and those that edges bring.
        case model(name: String, inputs: [String: JSONValue])
        /// Gives a list: fixed items, then those that edges bring.
        case list(items: [JSONValue])
        /// Asks an address on the network.
        case httpRequest(HTTPCall)
        /// The workflow's result.
        case responseOutput
        /// A type that the service does not know, such as a note; it can't be connected.
        case other(String)
    }
}

/// What an HTTP Request node sends. Texts may hold `{{variable}}`s that edges fill.
public struct HTTPCall: Hashable, Sendable {
    /// The methods that can be asked for.
    public static let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    /// One of `methods`.
    public let method: String
    /// An http or https URL.
    public let url: String
    /// Headers by name.
    public let headers: [String: String]
    /// The body: text as it is, anything else as JSON; nil for none.
    public let body: JSONValue?

    /// Makes a request.
    public init(method: String, url: String, headers: [String: String], body: JSONValue?) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// A connection from a socket of one node to a socket of another.
public struct WorkflowEdge: Hashable, Sendable {
    /// Its id in the workflow.
    public let id: String
    /// The node that the value comes from.
    public let source: String
    /// The socket it comes from; nil for the node's only one.
    public let sourceHandle: String?
    /// The node that the value goes to.
    public let target: String
    /// The socket it goes to; nil for the node's only one.
    public let targetHandle: String?
}

/// A field of a Request Input node.
public struct WorkflowField: Hashable, Sendable {
    /// How it is entered.
    public enum Control: String, Hashable, Sendable, CaseIterable {
        case text, textarea, number, slider, pills, toggle, media
    }

    /// Its name in `inputs`, and its socket.
    public let name: String
    /// How it is entered.
    public let control: Control
    /// What people read; the name when nil.
    public let label: String?
    /// Whether a caller must send it when it has no default.
    public let isRequired: Bool
    /// What it is when the caller leaves it out.
    public let fallback: JSONValue?
    /// The choices of pills.
    public let options: [String]
    /// The least of a number, as JSON writes it.
    public let minimum: String?
    /// The most of a number, as JSON writes it.
    public let maximum: String?

    /// The type that values are checked against.
    public var type: InputType {
        switch control {
        case .text, .textarea: .string(lengths: 0...100_000, choices: nil)
        case .pills: .string(lengths: 0...100_000, choices: options)
        case .number, .slider: .number(minimum: minimum, maximum: maximum)
        case .toggle: .boolean
        case .media: .url
        }
    }
}
