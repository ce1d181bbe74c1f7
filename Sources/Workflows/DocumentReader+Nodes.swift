import Registry

extension DocumentReader {
    mutating func node(_ members: [String: JSONValue], id: String, at path: String) -> WorkflowNode? {
        guard let type = members["type"]?.stringValue else {
            report("must be a string", node: id, at: path + "/type")
            return nil
        }
        let data = members["data"] ?? .object([:])
        guard let data = data.objectValue else {
            report("must be an object, not \(data.kindName)", node: id, at: path + "/data")
            return nil
        }
        let path = path + "/data"
        switch type {
        case "requestInput": return WorkflowNode(id: id, kind: .requestInput(fields(data["fields"], id, path)))
        case "model": return model(data, id, path)
        case "list":
            let items = data["items"] ?? .array([])
            guard let items = items.arrayValue else {
                report("must be an array, not \(items.kindName)", node: id, at: path + "/items")
                return nil
            }
            if items.count > 1_000 { report("must have at most 1000 elements", node: id, at: path + "/items") }
            return WorkflowNode(id: id, kind: .list(items: items))
        case "httpRequest": return call(data, id, path).map { WorkflowNode(id: id, kind: .httpRequest($0)) }
        case "responseOutput": return WorkflowNode(id: id, kind: .responseOutput)
        default: return WorkflowNode(id: id, kind: .other(type))
        }
    }

    private mutating func model(_ data: [String: JSONValue], _ id: String, _ path: String) -> WorkflowNode? {
        guard let name = data["model"]?.stringValue else {
            report("must be a model's internal name", node: id, at: path + "/model")
            return nil
        }
        let inputs = data["inputs"] ?? .object([:])
        guard let inputs = inputs.objectValue else {
            report("must be an object, not \(inputs.kindName)", node: id, at: path + "/inputs")
            return nil
        }
        return WorkflowNode(id: id, kind: .model(name: name, inputs: inputs))
    }

    private mutating func call(_ data: [String: JSONValue], _ id: String, _ path: String) -> HTTPCall? {
        let method = optionalText(data["method"], longest: 10, node: id, at: path + "/method") ?? "GET"
        if !HTTPCall.methods.contains(method) {
            report(
                "must be one of " + HTTPCall.methods.joined(separator: ", "),
                node: id,
                at: path + "/method"
            )
        }
        guard let url = optionalText(data["url"], longest: 2_048, node: id, at: path + "/url") else {
            report("an http or https URL is needed", node: id, at: path + "/url")
            return nil
        }
        if !url.hasPrefix("https://"), !url.hasPrefix("http://") {
            report("must begin with https:// or http://", node: id, at: path + "/url")
        }
        return HTTPCall(method: method, url: url, headers: headers(data["headers"], id, path), body: data["body"])
    }

    /// Headers that a node may not set: they frame the message, or speak for the service.
    private static let refusedHeaders: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    private mutating func headers(_ value: JSONValue?, _ id: String, _ path: String) -> [String: String] {
        let path = path + "/headers"
        guard let value, value != .null else { return [:] }
        guard let members = value.objectValue else {
            report("must be an object, not \(value.kindName)", node: id, at: path)
            return [:]
        }
        if members.count > 32 { report("must have at most 32 members", node: id, at: path) }
        var headers: [String: String] = [:]
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            let isToken = !name.isEmpty && name.utf8.allSatisfy { Self.isTokenByte($0) }
            if !isToken || Self.refusedHeaders.contains(name.lowercased()) {
                report("the header \(name) can't be set", node: id, at: path)
            }
            guard let text = value.stringValue, text.utf8.count <= 4_096,
                text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else {
                report("\(name) must be a string of at most 4096 bytes on one line", node: id, at: path)
                continue
            }
            headers[name] = text
        }
        return headers
    }

    /// Whether a byte may stand in a header's name (RFC 9110, section 5.6.2).
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private mutating func fields(_ value: JSONValue?, _ id: String, _ path: String) -> [WorkflowField] {
        let path = path + "/fields"
        guard let elements = (value ?? .array([])).arrayValue else {
            report("must be an array of fields", node: id, at: path)
            return []
        }
        if elements.count > 100 { report("must have at most 100 elements", node: id, at: path) }
        var names: Set<String> = []
        var fields: [WorkflowField] = []
        for (index, element) in elements.prefix(100).enumerated() {
            guard let field = field(element, id, "\(path)/\(index)") else { continue }
            if names.insert(field.name).inserted {
                fields.append(field)
            } else {
                report("the field \(field.name) is there twice", node: id, at: "\(path)/\(index)/name")
            }
        }
        return fields
    }

    private mutating func field(_ json: JSONValue, _ id: String, _ path: String) -> WorkflowField? {
        guard json.objectValue != nil else {
            report("must be an object, not \(json.kindName)", node: id, at: path)
            return nil
        }
        guard let name = json["name"]?.stringValue, (1...100).contains(name.unicodeScalars.count) else {
            report("must be a string of 1 to 100 characters", node: id, at: path + "/name")
            return nil
        }
        let type = optionalText(json["type"], longest: 20, node: id, at: path + "/type")
        if type == nil, let sent = json["type"], sent != .null { return nil }
        guard let control = WorkflowField.Control(rawValue: type ?? "text") else {
            let all = WorkflowField.Control.allCases.map(\.rawValue).joined(separator: ", ")
            report("must be one of \(all)", node: id, at: path + "/type")
            return nil
        }
        let options = texts(json["options"], most: 100, longest: 500, node: id, at: path + "/options")
        if control == .pills, options.isEmpty { report("pills need options", node: id, at: path + "/options") }
        let field = WorkflowField(
            name: name,
            control: control,
            label: optionalText(json["label"], longest: 200, node: id, at: path + "/label"),
            isRequired: flag(json["required"], node: id, at: path + "/required"),
            fallback: json["default"].flatMap { $0 == .null ? nil : $0 },
            options: options,
            minimum: number(json["min"], id, path + "/min"),
            maximum: number(json["max"], id, path + "/max")
        )
        let hasBounds = control == .number || control == .slider
        if hasBounds, let minimum = field.minimum, let value = try? JSONValue(text: minimum),
            let problem = Self.problem(value, .number(minimum: nil, maximum: field.maximum))
        {
            report(problem, node: id, at: path + "/min")
        } else if let fallback = field.fallback, let problem = Self.problem(fallback, field.type) {
            report(problem, node: id, at: path + "/default")
        }
        return field
    }

    /// What is wrong with a value as one of a type.
    private static func problem(_ value: JSONValue, _ type: InputType) -> String? {
        let schema = InputSchema(fields: ["value": InputField(type: type, isRequired: true, fallback: nil)])
        guard case .invalid(let found) = schema.validate(.object(["value": value])) else { return nil }
        return found.map(\.message).joined(separator: "; ")
    }

    private mutating func number(_ value: JSONValue?, _ id: String, _ path: String) -> String? {
        switch value {
        case nil, .null: return nil
        case .integer, .decimal: return value?.scalarText
        default:
            report("must be a number", node: id, at: path)
            return nil
        }
    }
}
