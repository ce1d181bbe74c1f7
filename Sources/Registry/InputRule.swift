/// A rule over several fields of one object. What counts is what was given, before defaults are filled in.
public enum InputRule: Hashable, Sendable {
    /// Exactly one of these must be given.
    case exactlyOne([String])
    /// At least one of these must be given.
    case atLeastOne([String])
    /// Where a field is given, these must be given too.
    case requiredWith(String, [String])
    /// Where a field is given, these must not be given.
    case forbiddenWith(String, [String])
    /// Where fields have certain values, others are needed, not allowed, or more narrowly limited.
    case when(InputCondition, InputConsequence)
}

/// What fields must hold for a rule to apply. A field that is not given counts with its default.
public struct InputCondition: Hashable, Sendable {
    /// By field, the values that meet the condition; all fields must meet it.
    public let values: [String: [JSONValue]]

    /// Makes a condition.
    public init(values: [String: [JSONValue]]) { self.values = values }

    /// The condition as the end of a sentence: `mode is "a" or "b" and n is 1`.
    var text: String {
        values.keys.sorted().map { name in
            let allowed = values[name, default: []].map(\.description).joined(separator: " or ")
            return "\(name) is \(allowed)"
        }.joined(separator: " and ")
    }

    /// Whether checked values meet it.
    func isMet(by checked: [String: JSONValue]) -> Bool {
        values.allSatisfy { name, allowed in checked[name].map(allowed.contains) ?? false }
    }
}

/// What holds where a condition is met.
public struct InputConsequence: Hashable, Sendable {
    /// Fields that must be given.
    public let required: [String]
    /// Fields of which at least one must be given; empty for no such rule.
    public let atLeastOne: [String]
    /// Fields that must not be given.
    public let forbidden: [String]
    /// By field, a narrower form of its type.
    public let limits: [String: InputType]

    /// Makes a consequence.
    public init(required: [String], atLeastOne: [String], forbidden: [String], limits: [String: InputType]) {
        self.required = required
        self.atLeastOne = atLeastOne
        self.forbidden = forbidden
        self.limits = limits
    }
}

extension InputRule {
    /// Adds what breaks the rule to `issues`.
    ///
    /// - Parameters:
    ///   - given: the object as it came.
    ///   - values: the fields that passed their own checks, with defaults.
    ///   - path: where the object is; empty for the inputs as a whole.
    func check(
        given: [String: JSONValue],
        values: [String: JSONValue],
        path: String,
        issues: inout [InputIssue]
    ) {
        let whole = path.isEmpty ? "inputs" : path
        switch self {
        case .exactlyOne(let names):
            let found = names.filter { given[$0] != nil }
            guard found.count != 1 else { return }
            let count = found.isEmpty ? "none" : found.joined(separator: ", ")
            let message = "must have exactly one of \(names.joined(separator: ", ")), not \(count)"
            issues.append(InputIssue(path: whole, message: message))
        case .atLeastOne(let names):
            guard !names.contains(where: { given[$0] != nil }) else { return }
            let message = "must have at least one of \(names.joined(separator: ", "))"
            issues.append(InputIssue(path: whole, message: message))
        case .requiredWith(let trigger, let names):
            guard given[trigger] != nil else { return }
            for name in names where given[name] == nil {
                issues.append(InputIssue(path: InputSchema.path(path, name), message: "is required with \(trigger)"))
            }
        case .forbiddenWith(let trigger, let names):
            guard given[trigger] != nil else { return }
            for name in names where given[name] != nil {
                issues.append(InputIssue(path: InputSchema.path(path, name), message: "can't be given with \(trigger)"))
            }
        case .when(let condition, let consequence):
            guard condition.isMet(by: values) else { return }
            var found: [InputIssue] = []
            consequence.check(given: given, values: values, path: path, issues: &found)
            issues += found.map { InputIssue(path: $0.path, message: "\($0.message) when \(condition.text)") }
        }
    }
}

extension InputConsequence {
    fileprivate func check(
        given: [String: JSONValue],
        values: [String: JSONValue],
        path: String,
        issues: inout [InputIssue]
    ) {
        for name in required where given[name] == nil {
            issues.append(InputIssue(path: InputSchema.path(path, name), message: "is required"))
        }
        if !atLeastOne.isEmpty {
            InputRule.atLeastOne(atLeastOne).check(given: given, values: values, path: path, issues: &issues)
        }
        for name in forbidden where given[name] != nil {
            issues.append(InputIssue(path: InputSchema.path(path, name), message: "can't be given"))
        }
        // A default is within every limit, which the definition was checked for.
        for name in limits.keys.sorted() where given[name] != nil {
            guard let limit = limits[name], let value = values[name] else { continue }
            _ = limit.check(value, path: InputSchema.path(path, name), issues: &issues)
        }
    }
}
