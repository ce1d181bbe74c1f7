/// The fields that a model takes, and the rules over several of them.
public struct InputSchema: Hashable, Sendable {
    /// By name.
    public let fields: [String: InputField]
    /// In the order of the definition.
    public let rules: [InputRule]

    /// Names in the order of their bytes, so that issues come in a fixed order.
    let names: [String]

    /// Makes a schema.
    public init(fields: [String: InputField], rules: [InputRule] = []) {
        self.fields = fields
        self.rules = rules
        self.names = fields.keys.sorted()
    }

    /// Checks the `inputs` of a run and fills in defaults; see `ModelDefinition.validate(_:)`.
    public func validate(_ inputs: JSONValue) -> InputValidation {
        guard case .object(let given) = inputs else {
            return .invalid([InputIssue(path: "inputs", message: "must be an object, not \(inputs.kindName)")])
        }
        var issues: [InputIssue] = []
        guard let values = check(given, path: "", issues: &issues) else { return .invalid(issues) }
        return .valid(ValidatedInputs(values: values))
    }

    /// Checks an object at a path, which is empty for the inputs as a whole: fields first, then what is no field, then
    /// the rules. Adds what is wrong to `issues` and returns nil, or returns the values with defaults filled in.
    func check(
        _ given: [String: JSONValue],
        path: String,
        issues: inout [InputIssue]
    ) -> [String: JSONValue]? {
        let issueCount = issues.count
        var values: [String: JSONValue] = [:]
        values.reserveCapacity(fields.count)
        for name in names {
            guard let field = fields[name] else { continue }
            guard let value = given[name] else {
                if let fallback = field.fallback {
                    values[name] = fallback
                } else if field.isRequired {
                    issues.append(InputIssue(path: Self.path(path, name), message: "is required"))
                }
                continue
            }
            if let checked = field.type.check(value, path: Self.path(path, name), issues: &issues) {
                values[name] = checked
            }
        }
        for name in given.keys.sorted() where fields[name] == nil {
            let owner = path.isEmpty ? "this model" : "this object"
            issues.append(InputIssue(path: Self.path(path, name), message: "is not a field of \(owner)"))
        }
        for rule in rules { rule.check(given: given, values: values, path: path, issues: &issues) }
        return issues.count == issueCount ? values : nil
    }

    /// The path of a member.
    static func path(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}

/// One field of a model's inputs.
public struct InputField: Hashable, Sendable {
    /// What it holds.
    public let type: InputType
    /// Whether a run without it is refused.
    public let isRequired: Bool
    /// What it is when it is not given.
    public let fallback: JSONValue?

    /// Makes a field.
    public init(type: InputType, isRequired: Bool, fallback: JSONValue?) {
        self.type = type
        self.isRequired = isRequired
        self.fallback = fallback
    }
}

/// One thing that is wrong with a run's inputs.
public struct InputIssue: Hashable, Sendable {
    /// The field, such as `elements[2].image_url`; `inputs` for a rule over several fields.
    public let path: String
    /// What is wrong with it, as the end of a sentence that begins with the field.
    public let message: String

    /// Makes an issue.
    public init(path: String, message: String) {
        self.path = path
        self.message = message
    }
}

/// The outcome of checking a run's inputs.
public enum InputValidation: Hashable, Sendable {
    /// Nothing is wrong; defaults are filled in.
    case valid(ValidatedInputs)
    /// Everything that is wrong, at least one thing.
    case invalid([InputIssue])
}

/// Inputs that a definition has checked, with its defaults filled in.
public struct ValidatedInputs: Hashable, Sendable {
    /// The value of each field that has one.
    public let values: [String: JSONValue]

    init(values: [String: JSONValue]) { self.values = values }

    /// The value of a field, or nil.
    public subscript(field: String) -> JSONValue? { values[field] }

    /// The inputs as a JSON object.
    public var json: JSONValue { .object(values) }
}
