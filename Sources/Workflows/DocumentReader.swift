import Registry

/// Reads the parts of a document and collects what is wrong with them.
struct DocumentReader {
    private(set) var issues: [WorkflowIssue] = []

    mutating func report(_ message: String, node: String? = nil, edge: String? = nil, at path: String) {
        issues.append(WorkflowIssue(message, node: node, edge: edge, at: path))
    }

    mutating func optionalText(_ value: JSONValue?, longest: Int, node: String? = nil, at path: String) -> String? {
        guard let value, value != .null else { return nil }
        guard let text = value.stringValue else {
            report("must be a string, not \(value.kindName)", node: node, at: path)
            return nil
        }
        if text.unicodeScalars.count > longest {
            report("must have at most \(longest) characters", node: node, at: path)
        }
        return text
    }

    mutating func texts(
        _ value: JSONValue?,
        most: Int,
        longest: Int,
        node: String? = nil,
        at path: String
    ) -> [String] {
        guard let value, value != .null else { return [] }
        guard let elements = value.arrayValue else {
            report("must be an array of strings, not \(value.kindName)", node: node, at: path)
            return []
        }
        if elements.count > most { report("must have at most \(most) elements", node: node, at: path) }
        var read: [String] = []
        for (index, element) in elements.enumerated() {
            if element == .null {
                report("must be a string, not null", node: node, at: "\(path)/\(index)")
            } else if let text = optionalText(element, longest: longest, node: node, at: "\(path)/\(index)") {
                read.append(text)
            }
        }
        return read
    }

    mutating func flag(_ value: JSONValue?, node: String? = nil, at path: String) -> Bool {
        guard let value, value != .null else { return false }
        if let flag = value.boolValue { return flag }
        report("must be true or false, not \(value.kindName)", node: node, at: path)
        return false
    }

    mutating func graph(nodes: JSONValue?, edges: JSONValue?) -> WorkflowGraph {
        let nodeList = list(nodes, most: WorkflowDocument.mostNodes, at: "/nodes")
        let edgeList = list(edges, most: WorkflowDocument.mostEdges, at: "/edges")
        // More than the limit is not read any further: the work is bounded whatever is sent.
        return WorkflowGraph(
            nodes: distinct(nodeList, "node") { reader, json, id, path in reader.node(json, id: id, at: path) },
            edges: distinct(edgeList, "edge") { reader, json, id, path in reader.edge(json, id: id, at: path) }
        )
    }

    private mutating func list(_ value: JSONValue?, most: Int, at path: String) -> [(JSONValue, String)] {
        guard let value, value != .null else { return [] }
        guard let elements = value.arrayValue else {
            report("must be an array, not \(value.kindName)", at: path)
            return []
        }
        if elements.count > most { report("must have at most \(most) elements, not \(elements.count)", at: path) }
        return elements.prefix(most).enumerated().map { ($1, "\(path)/\($0)") }
    }

    private mutating func distinct<Element>(
        _ list: [(JSONValue, String)],
        _ word: String,
        _ read: (inout DocumentReader, [String: JSONValue], String, String) -> Element?
    ) -> [Element] {
        var ids: Set<String> = []
        var elements: [Element] = []
        for (json, path) in list {
            guard let members = json.objectValue else {
                report("must be an object, not \(json.kindName)", at: path)
                continue
            }
            guard let id = members["id"]?.stringValue, (1...100).contains(id.unicodeScalars.count) else {
                report("must be a string of 1 to 100 characters", at: path + "/id")
                continue
            }
            // A node's id is named by events, which people read.
            guard id.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
                report("must be on one line", at: path + "/id")
                continue
            }
            guard ids.insert(id).inserted else {
                report(
                    "the id \(id) is used twice",
                    node: word == "node" ? id : nil,
                    edge: word == "edge" ? id : nil,
                    at: path + "/id"
                )
                continue
            }
            if let element = read(&self, members, id, path) { elements.append(element) }
        }
        return elements
    }

    private mutating func edge(_ members: [String: JSONValue], id: String, at path: String) -> WorkflowEdge? {
        var ends: [String: String] = [:]
        for name in ["source", "target", "sourceHandle", "targetHandle"] {
            let isNeeded = !name.hasSuffix("Handle")
            switch members[name] {
            case .string(let text): ends[name] = text
            case nil where !isNeeded, .null where !isNeeded: continue
            default: report("must be a string", edge: id, at: "\(path)/\(name)")
            }
        }
        guard let source = ends["source"], let target = ends["target"] else { return nil }
        return WorkflowEdge(
            id: id,
            source: source,
            sourceHandle: ends["sourceHandle"],
            target: target,
            targetHandle: ends["targetHandle"]
        )
    }
}
