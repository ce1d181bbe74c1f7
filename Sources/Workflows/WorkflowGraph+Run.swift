public import Registry

/// What a run of a graph needs to know, from what its nodes have given so far.
extension WorkflowGraph {
    /// The nodes that a node takes something from.
    public func sources(of id: String) -> Set<String> {
        Set(edges.filter { $0.target == id }.map(\.source))
    }

    /// What the Request Input nodes give for a caller's inputs, by node.
    public func given(_ inputs: JSONValue) -> [String: [String: JSONValue]] {
        var results: [String: [String: JSONValue]] = [:]
        for node in connectedNodes {
            guard case .requestInput(let fields) = node.kind else { continue }
            var values: [String: JSONValue] = [:]
            for field in fields { values[field.name] = inputs[field.name] }
            results[node.id] = values
        }
        return results
    }

    /// The model nodes whose inputs are known once a caller's are: they depend on no model and on no HTTP Request.
    public var modelNodesKnownBeforehand: [WorkflowNode] {
        connectedNodes.filter { node in
            guard case .model = node.kind else { return false }
            var seen: Set<String> = []
            var left = sources(of: node.id)
            while let next = left.popFirst() {
                guard seen.insert(next).inserted else { continue }
                switch self.node(next)?.kind {
                case .model, .httpRequest, nil: return false
                default: left.formUnion(sources(of: next))
                }
            }
            return true
        }
    }

    /// What an HTTP Request node sends, with its variables filled in. Nobody has checked what they brought.
    ///
    /// - Returns: nil when there is no such node.
    public func call(
        of id: String,
        from results: [String: [String: JSONValue]],
        models: ModelRegistry
    ) -> HTTPCall? {
        guard let node = node(id), case .httpRequest(let call) = node.kind else { return nil }
        let values = values(for: node, from: results, models: models)
        func text(_ template: String) -> String {
            WorkflowValue.text(WorkflowTemplate.fill(.string(template), with: values))
        }
        return HTTPCall(
            method: call.method,
            url: text(call.url),
            headers: call.headers.mapValues(text),
            body: call.body.map { WorkflowTemplate.fill($0, with: values) }
        )
    }

    /// The workflow's result: what the edges into the Response Output bring, by kind, as a model's result has it.
    ///
    /// What comes from no model is text.
    ///
    /// - Returns: nil unless every node that the output takes something from has given it.
    public func result(from results: [String: [String: JSONValue]], models: ModelRegistry) -> JSONValue? {
        guard let output = connectedNodes.first(where: { $0.kind == .responseOutput }) else { return nil }
        var members: [String: JSONValue] = [:]
        for edge in edges where edge.target == output.id {
            guard let source = node(edge.source), let given = results[edge.source],
                let socket = Self.resolve(edge.sourceHandle, source.outputs(models))
            else { return nil }
            guard let value = given[socket], value != .null else { continue }
            let key = kind(of: source, models, depth: 0)
            let elements = (value.arrayValue ?? [value]).filter { $0 != .null }
            let texts = elements.map { JSONValue.string($0.stringValue ?? WorkflowValue.text($0)) }
            members[key] = .array((members[key]?.arrayValue ?? []) + texts)
        }
        return .object(members)
    }

    /// The key that what a node gives has in a result. A list has that of what it lists, if it is one kind.
    private func kind(of node: WorkflowNode, _ models: ModelRegistry, depth: Int) -> String {
        switch node.kind {
        case .model(let name, _): return models.model(named: name)?.type.resultKey ?? "text"
        case .list(let items):
            guard items.isEmpty, depth < WorkflowDocument.mostNodes else { return "text" }
            let kinds = Set(
                sources(of: node.id).compactMap(self.node).map { kind(of: $0, models, depth: depth + 1) }
            )
            return kinds.count == 1 ? kinds.first ?? "text" : "text"
        default: return "text"
        }
    }
}
