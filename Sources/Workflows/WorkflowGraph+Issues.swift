public import Registry

extension WorkflowGraph {
    /// Everything that keeps the graph from running with these models; none for a draft.
    ///
    /// A connected node has to lead to the Response Output, of which there is one; nodes without an edge are only kept.
    public func issues(models: ModelRegistry) -> [WorkflowIssue] {
        guard !isDraft else { return [] }
        var issues: [WorkflowIssue] = []
        let known = Dictionary(uniqueKeysWithValues: nodes.map { ($0.id, $0) })
        // Once for each node: an edge may be one of a thousand to a node whose texts take long to read.
        let inputs = known.mapValues { $0.inputs(models) }
        for edge in edges { issues += Self.issues(of: edge, known, inputs[edge.target, default: [:]], models) }
        for node in connectedNodes { issues += self.issues(of: node, models) }
        let outputs = connectedNodes.filter { $0.kind == .responseOutput }
        if outputs.isEmpty { issues.append(WorkflowIssue("there is no Response Output node", at: "/nodes")) }
        for extra in outputs.dropFirst() {
            issues.append(
                WorkflowIssue("there can be one Response Output node only", node: extra.id, at: "/nodes")
            )
        }
        switch order() {
        case .cycle(let ids):
            issues += ids.map { WorkflowIssue("is part of a cycle, or depends on one", node: $0, at: "/nodes") }
        case .levels:
            guard outputs.count == 1 else { break }
            let useful = ancestors(of: outputs[0].id)
            issues += connectedNodes.filter { !useful.contains($0.id) }.map {
                WorkflowIssue("does not lead to the Response Output node", node: $0.id, at: "/nodes")
            }
        }
        return issues
    }

    private static func issues(
        of edge: WorkflowEdge,
        _ nodes: [String: WorkflowNode],
        _ inputs: [String: SocketType],
        _ models: ModelRegistry
    ) -> [WorkflowIssue] {
        var issues: [WorkflowIssue] = []
        func report(_ message: String, _ node: String?) {
            issues.append(WorkflowIssue(message, node: node, edge: edge.id, at: "/edges"))
        }
        for end in [edge.source, edge.target] where nodes[end] == nil { report("there is no node \(end)", nil) }
        guard let source = nodes[edge.source], let target = nodes[edge.target] else { return issues }
        let outputs = source.outputs(models)
        guard let from = resolve(edge.sourceHandle, outputs) else {
            // An unknown model is an issue of its node, and its sockets are not.
            if !source.isUnknownModel(models) {
                report("the node has no output \(edge.sourceHandle ?? "of its own to choose")", source.id)
            }
            return issues
        }
        guard let to = resolve(target.kind == .responseOutput ? nil : edge.targetHandle, inputs) else {
            if !target.isUnknownModel(models) {
                report("the node has no input \(edge.targetHandle ?? "of its own to choose")", target.id)
            }
            return issues
        }
        if let given = outputs[from], let wanted = inputs[to], !wanted.takes(given) {
            report("the input \(to) takes \(wanted.name), not \(given.name)", target.id)
        }
        return issues
    }

    private func issues(of node: WorkflowNode, _ models: ModelRegistry) -> [WorkflowIssue] {
        let sockets = node.inputs(models)
        let isOutput = node.kind == .responseOutput
        let bound = edges.filter { $0.target == node.id }.compactMap { edge in
            Self.resolve(isOutput ? nil : edge.targetHandle, sockets)
        }
        var issues: [WorkflowIssue] = []
        if !node.takesManyEdges {
            for (name, count) in Dictionary(grouping: bound, by: \.self).mapValues(\.count).sorted(by: {
                $0.key < $1.key
            })
            where count > 1 {
                issues.append(WorkflowIssue("the input \(name) has \(count) edges", node: node.id, at: "/edges"))
            }
        }
        switch node.kind {
        case .model(let name, let inputs):
            guard let model = models.model(named: name) else {
                return issues + [WorkflowIssue("there is no enabled model \(name)", node: node.id, at: "/nodes")]
            }
            issues += Self.issues(of: model, inputs, bound: Set(bound), node: node.id)
        case .httpRequest(let call):
            issues += call.variables.subtracting(bound).sorted().map {
                WorkflowIssue("nothing is connected to the variable \($0)", node: node.id, at: "/nodes")
            }
        case .responseOutput where bound.isEmpty:
            issues.append(WorkflowIssue("nothing is connected to the input value", node: node.id, at: "/nodes"))
        case .other(let type):
            issues.append(WorkflowIssue("nodes of type \(type) can't be connected", node: node.id, at: "/nodes"))
        default: break
        }
        return issues
    }

    /// Fixed inputs are checked against the model's fields now; what edges bring is checked when it is there.
    private static func issues(
        of model: ModelDefinition,
        _ inputs: [String: JSONValue],
        bound: Set<String>,
        node: String
    ) -> [WorkflowIssue] {
        var issues: [WorkflowIssue] = []
        var fixed: [String: JSONValue] = [:]
        var fields: [String: InputField] = [:]
        // Null is left out of a run, and so it is here.
        let inputs = inputs.filter { $0.value != .null }
        for (name, value) in inputs.sorted(by: { $0.key < $1.key }) {
            let variables = WorkflowTemplate.variables(in: value)
            for variable in variables.subtracting(bound).sorted() {
                issues.append(
                    WorkflowIssue("nothing is connected to the variable \(variable)", node: node, at: "/nodes")
                )
            }
            if !bound.contains(name), variables.isEmpty || model.inputs.fields[name] == nil { fixed[name] = value }
        }
        for (name, field) in model.inputs.fields where !bound.contains(name) {
            if fixed[name] != nil || inputs[name] == nil { fields[name] = field }
        }
        if case .invalid(let found) = InputSchema(fields: fields).validate(.object(fixed)) {
            issues += found.map { WorkflowIssue("the input \($0.path) \($0.message)", node: node, at: "/nodes") }
        }
        return issues
    }

    /// The socket that an edge means: the one it names, or the only one there is.
    static func resolve(_ handle: String?, _ sockets: [String: SocketType]) -> String? {
        if let handle { return sockets[handle] == nil ? nil : handle }
        return sockets.count == 1 ? sockets.keys.first : nil
    }

    /// A node and everything it depends on.
    private func ancestors(of id: String) -> Set<String> {
        var found: Set<String> = [id]
        var waiting = [id]
        while let next = waiting.popLast() {
            for edge in edges where edge.target == next && found.insert(edge.source).inserted {
                waiting.append(edge.source)
            }
        }
        return found
    }
}

extension WorkflowNode {
    fileprivate func isUnknownModel(_ models: ModelRegistry) -> Bool {
        guard case .model(let name, _) = kind else { return false }
        return models.model(named: name) == nil
    }
}
