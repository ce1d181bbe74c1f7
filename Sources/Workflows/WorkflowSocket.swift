import Registry

/// What flows through a socket.
struct SocketType: Hashable, Sendable {
    /// The kinds of values that are told apart when a workflow is saved.
    enum Element: String, Hashable, Sendable {
        case text, number, boolean, media, any
    }

    let element: Element
    let isList: Bool

    static let any = SocketType(element: .any, isList: false)

    /// Whether a value of another type may flow in. Lists and single values fit each other: see `WorkflowValue.fit`.
    func takes(_ other: SocketType) -> Bool {
        element == other.element || element == .any || other.element == .any || element == .text
    }

    var name: String { isList ? "a list of \(element.rawValue)" : element.rawValue }
}

extension InputType {
    /// The socket of a model's field.
    var socket: SocketType {
        switch self {
        case .string, .numericString: SocketType(element: .text, isList: false)
        case .integer, .number: SocketType(element: .number, isList: false)
        case .boolean: SocketType(element: .boolean, isList: false)
        case .url: SocketType(element: .media, isList: false)
        case .array(let item, _): SocketType(element: item.socket.element, isList: true)
        case .object: .any
        }
    }
}

extension ModelType {
    /// The socket of a model's result.
    var socket: SocketType {
        SocketType(element: resultKey == "text" ? .text : .media, isList: true)
    }
}

extension WorkflowNode {
    /// What a node gives, by socket. Empty for a model that is unknown.
    func outputs(_ models: ModelRegistry) -> [String: SocketType] {
        switch kind {
        case .requestInput(let fields):
            Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.type.socket) })
        case .model(let name, _):
            models.model(named: name).map { [$0.type.resultKey: $0.type.socket] } ?? [:]
        case .list: ["items": SocketType(element: .any, isList: true)]
        case .httpRequest: ["body": .any, "status": SocketType(element: .number, isList: false)]
        case .responseOutput, .other: [:]
        }
    }

    /// What a node takes, by socket. Variables in texts are sockets, too.
    func inputs(_ models: ModelRegistry) -> [String: SocketType] {
        switch kind {
        case .requestInput, .other: return [:]
        case .model(let name, let inputs):
            var sockets = Dictionary(
                uniqueKeysWithValues: WorkflowTemplate.variables(in: .object(inputs)).map { ($0, SocketType.any) }
            )
            for (field, input) in models.model(named: name)?.inputs.fields ?? [:] { sockets[field] = input.type.socket }
            return sockets
        case .list: return ["items": SocketType(element: .any, isList: true)]
        case .httpRequest(let call):
            return Dictionary(uniqueKeysWithValues: call.variables.map { ($0, .any) })
        case .responseOutput: return ["value": SocketType(element: .any, isList: true)]
        }
    }

    /// Whether a socket takes more than one edge.
    var takesManyEdges: Bool {
        switch kind {
        case .list, .responseOutput: true
        default: false
        }
    }
}

extension HTTPCall {
    var variables: Set<String> {
        var parts: [JSONValue] = [.string(url)] + headers.values.map { .string($0) }
        if let body { parts.append(body) }
        return WorkflowTemplate.variables(in: .array(parts))
    }
}
