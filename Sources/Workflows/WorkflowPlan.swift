public import Registry

extension WorkflowGraph {
    /// The order in which nodes can run.
    public enum Order: Hashable, Sendable {
        /// Nodes of one level depend on earlier levels only, and can run at once.
        case levels([[String]])
        /// There is none: these nodes depend on themselves, or on nodes that do.
        case cycle([String])
    }

    /// The connected nodes in the order in which they can run, each level in the document's order.
    public func order() -> Order {
        let connected = connectedNodes
        let ids = Set(connected.map(\.id))
        var needs: [String: Set<String>] = [:]
        for edge in edges where ids.contains(edge.source) && ids.contains(edge.target) {
            needs[edge.target, default: []].insert(edge.source)
        }
        var left = connected.map(\.id)
        var levels: [[String]] = []
        while !left.isEmpty {
            let level = left.filter { needs[$0, default: []].isEmpty }
            guard !level.isEmpty else { return .cycle(left) }
            levels.append(level)
            let done = Set(level)
            left.removeAll(where: done.contains)
            for id in left { needs[id]?.subtract(done) }
        }
        return .levels(levels)
    }

    /// What a node takes, by socket, from what other nodes have given.
    ///
    /// - Parameters:
    ///   - node: the node.
    ///   - results: what each node that has run gave, by its sockets.
    ///   - models: the models that the graph was checked with.
    /// - Returns: the values; a socket without an edge is absent, and so is one whose value is null.
    func values(
        for node: WorkflowNode,
        from results: [String: [String: JSONValue]],
        models: ModelRegistry
    ) -> [String: JSONValue] {
        let sockets = node.inputs(models)
        var values: [String: JSONValue] = [:]
        for edge in edges where edge.target == node.id {
            guard let source = self.node(edge.source),
                let to = Self.resolve(node.kind == .responseOutput ? nil : edge.targetHandle, sockets),
                let from = Self.resolve(edge.sourceHandle, source.outputs(models)), let socket = sockets[to],
                let value = results[edge.source]?[from]
            else { continue }
            let fitting = WorkflowValue.fit(value, socket)
            guard fitting != .null else { continue }
            if node.takesManyEdges, let before = values[to]?.arrayValue, let more = fitting.arrayValue {
                values[to] = .array(before + more)
            } else {
                values[to] = fitting
            }
        }
        return values
    }

    /// The inputs that a model node runs with: its fixed ones, with variables filled in, under those that edges bring.
    ///
    /// - Returns: nil when there is no such model node.
    public func modelInputs(
        of id: String,
        from results: [String: [String: JSONValue]],
        models: ModelRegistry
    ) -> JSONValue? {
        guard let node = node(id), case .model(let name, let fixed) = node.kind,
            let model = models.model(named: name)
        else { return nil }
        let values = values(for: node, from: results, models: models)
        var inputs: [String: JSONValue] = [:]
        for (field, value) in fixed where value != .null {
            var filled = WorkflowTemplate.fill(value, with: values)
            if let type = model.inputs.fields[field]?.type, !WorkflowTemplate.variables(in: value).isEmpty {
                filled = WorkflowValue.fit(filled, to: type)
            }
            if filled != .null { inputs[field] = filled }
        }
        for (field, value) in values where model.inputs.fields[field] != nil { inputs[field] = value }
        return .object(inputs)
    }

    /// What a List node gives.
    public func items(
        of id: String,
        from results: [String: [String: JSONValue]],
        models: ModelRegistry
    ) -> [JSONValue] {
        guard let node = node(id), case .list(let items) = node.kind else { return [] }
        return items + (values(for: node, from: results, models: models)["items"]?.arrayValue ?? [])
    }
}
