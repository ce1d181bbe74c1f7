public import Ledger
public import Registry

extension WorkflowGraph {
    /// The fields of the connected Request Input nodes, in the document's order; the first of two with one name counts.
    public var fields: [WorkflowField] {
        var names: Set<String> = []
        return connectedNodes.flatMap { node in
            guard case .requestInput(let fields) = node.kind else { return [WorkflowField]() }
            return fields.filter { names.insert($0.name).inserted }
        }
    }

    /// What a caller's `inputs` are checked against.
    public var inputSchema: InputSchema {
        InputSchema(
            fields: Dictionary(
                uniqueKeysWithValues: fields.map { field in
                    let isRequired = field.isRequired && field.fallback == nil
                    return (field.name, InputField(type: field.type, isRequired: isRequired, fallback: field.fallback))
                }
            )
        )
    }

    /// The fields as the schema shows them.
    public var fieldList: JSONValue { .array(fields.map(\.json)) }

    /// The fields' defaults by name.
    public var defaultValues: JSONValue {
        .object(
            Dictionary(uniqueKeysWithValues: fields.compactMap { field in field.fallback.map { (field.name, $0) } })
        )
    }

    /// What a run costs at most when callers leave out what has a default; nil when that depends on values that are not
    /// known before a run, or the graph is a draft.
    public func estimatedCost(models: ModelRegistry) -> Credits? {
        guard !isDraft else { return nil }
        var results: [String: [String: JSONValue]] = [:]
        for node in connectedNodes {
            if case .requestInput(let fields) = node.kind {
                results[node.id] = Dictionary(
                    uniqueKeysWithValues: fields.compactMap { field in field.fallback.map { (field.name, $0) } }
                )
            }
        }
        var total = Credits.zero
        for node in connectedNodes {
            guard case .model(let name, _) = node.kind else { continue }
            guard let model = models.model(named: name),
                let inputs = modelInputs(of: node.id, from: results, models: models),
                case .valid(let validated) = model.validate(inputs), let quote = try? model.quote(validated),
                let sum = total.adding(quote.amount)
            else { return nil }
            total = sum
        }
        return total
    }
}

extension WorkflowField {
    fileprivate var json: JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(name), "type": .string(control.rawValue), "label": .string(label ?? name),
            "required": .bool(isRequired && fallback == nil),
        ]
        members["default"] = fallback
        if !options.isEmpty { members["options"] = .array(options.map { .string($0) }) }
        members["min"] = minimum.map(Self.number)
        members["max"] = maximum.map(Self.number)
        return .object(members)
    }

    private static func number(_ text: String) -> JSONValue { Int64(text).map { .integer($0) } ?? .decimal(text) }
}
