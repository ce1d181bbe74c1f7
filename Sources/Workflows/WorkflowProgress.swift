public import Registry

/// How far a run of a graph has come: what its nodes gave, which have failed, and which may begin. Pure.
public struct WorkflowProgress: Sendable {
    /// How a node ended, or that it has not.
    public enum NodeEnd: Hashable, Sendable {
        /// What it gives, by socket.
        case done([String: JSONValue])
        /// It gives nothing, for a reason that the owner may read.
        case failed(String)
        /// It may have been done; nobody knows yet.
        case unresolved
        /// The process stops; another one goes on.
        case interrupted
    }

    /// The graph.
    public let graph: WorkflowGraph
    /// What each node that has ended well gave, by its sockets.
    public private(set) var results: [String: [String: JSONValue]] = [:]
    /// Why nodes failed, by node.
    public private(set) var failures: [String: String] = [:]
    /// Nodes of which it is not known how they ended.
    public private(set) var unresolved: Set<String> = []
    /// Whether the process stops.
    public private(set) var isInterrupted = false
    private var begun: Set<String> = []

    /// Begins a run.
    ///
    /// - Parameter inputs: the caller's, which were checked.
    public init(_ graph: WorkflowGraph, inputs: JSONValue) {
        self.graph = graph
        self.results = graph.given(inputs)
        self.begun = Set(results.keys)
    }

    /// Takes nodes that may begin now: everything that they depend on has given something. Nodes that depend on one that
    /// failed never do.
    ///
    /// - Parameter limit: how many at most.
    public mutating func begin(atMost limit: Int) -> [WorkflowNode] {
        guard !isInterrupted, limit > 0 else { return [] }
        let ready = graph.connectedNodes.filter { node in
            if node.kind == .responseOutput { return false }
            return !begun.contains(node.id) && graph.sources(of: node.id).allSatisfy { results[$0] != nil }
        }
        let taken = Array(ready.prefix(limit))
        begun.formUnion(taken.map(\.id))
        return taken
    }

    /// Notes how a node ended.
    public mutating func ended(_ id: String, _ end: NodeEnd) {
        switch end {
        case .done(let values): results[id] = values
        case .failed(let reason): failures[id] = reason
        case .unresolved: unresolved.insert(id)
        case .interrupted: isInterrupted = true
        }
    }

    /// Why there is no result: each node that failed, in the document's order.
    public var failureMessage: String {
        let lines = graph.nodes.compactMap { node in failures[node.id].map { "Node \(node.id): \($0)" } }
        return lines.isEmpty ? "The workflow gave no result" : lines.joined(separator: "; ")
    }
}
