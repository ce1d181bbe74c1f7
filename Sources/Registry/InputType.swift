internal import FoundationEssentials

/// What a field may hold.
public indirect enum InputType: Hashable, Sendable {
    /// Text: its length in Unicode scalars, and, where there is a list, one of it.
    case string(lengths: ClosedRange<Int>, choices: [String]?)
    /// A whole number in a string, such as `"5"`: some providers want their numbers so.
    case numericString(ClosedRange<Int64>)
    /// A whole number, and, where there is a list, one of it. `2.0` and `2e0` are whole numbers.
    case integer(ClosedRange<Int64>, choices: [Int64]?)
    /// A number within bounds, each an exact JSON number or absent.
    case number(minimum: String?, maximum: String?)
    /// True or false.
    case boolean
    /// An absolute `http` or `https` URL of at most 2,048 characters, all of them printable ASCII (RFC 3986).
    case url
    /// A list with a bounded count of elements of one type.
    case array(of: InputType, counts: ClosedRange<Int>)
    /// An object with fields and rules of its own.
    case object(InputSchema)

    /// What a field that holds this is called in a message: `a string`, `a whole number` …
    var name: String {
        switch self {
        case .string: "a string"
        case .numericString: "a whole number in a string"
        case .integer: "a whole number"
        case .number: "a number"
        case .boolean: "true or false"
        case .url: "an http or https URL"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// Checks a value; adds what is wrong to `issues` and returns nil, or returns the value to use.
    func check(_ value: JSONValue, path: String, issues: inout [InputIssue]) -> JSONValue? {
        let problem: String?
        var accepted = value
        switch (self, value) {
        case (.string(let lengths, let choices), .string(let text)):
            problem = Self.problem(text, lengths: lengths, choices: choices)
        case (.numericString(let range), .string(let text)):
            problem = Self.numericProblem(text, range: range)
        case (.integer(let range, let choices), _):
            guard let number = Self.wholeNumber(value) else {
                problem = "must be \(name), not \(value.kindName)\(Self.fractionHint(value))"
                break
            }
            accepted = .integer(number)
            problem = Self.problem(number, range: range, choices: choices)
        case (.number(let minimum, let maximum), .integer), (.number(let minimum, let maximum), .decimal):
            problem = Self.problem(value.scalarText ?? "", minimum: minimum, maximum: maximum)
        case (.boolean, .bool): problem = nil
        case (.url, .string(let text)): problem = Self.isURL(text) ? nil : "must be \(name)"
        case (.array(let item, let counts), .array(let elements)):
            return Self.check(elements, item: item, counts: counts, path: path, issues: &issues)
        case (.object(let schema), .object(let members)):
            return schema.check(members, path: path, issues: &issues).map(JSONValue.object)
        default: problem = "must be \(name), not \(value.kindName)"
        }
        guard let problem else { return accepted }
        issues.append(InputIssue(path: path, message: problem))
        return nil
    }

    private static func check(
        _ elements: [JSONValue],
        item: InputType,
        counts: ClosedRange<Int>,
        path: String,
        issues: inout [InputIssue]
    ) -> JSONValue? {
        guard counts.contains(elements.count) else {
            let allowed = "must have \(describe(counts)) elements, not \(elements.count)"
            issues.append(InputIssue(path: path, message: allowed))
            return nil
        }
        let issueCount = issues.count
        let checked = elements.enumerated().compactMap { index, element in
            item.check(element, path: "\(path)[\(index)]", issues: &issues)
        }
        return issues.count == issueCount ? .array(checked) : nil
    }

    private static func problem(_ text: String, lengths: ClosedRange<Int>, choices: [String]?) -> String? {
        if let choices {
            return choices.contains(text)
                ? nil : "must be one of " + choices.map { "\"\($0)\"" }.joined(separator: ", ")
        }
        let length = text.unicodeScalars.count
        return lengths.contains(length) ? nil : "must have \(describe(lengths)) characters, not \(length)"
    }

    private static func numericProblem(_ text: String, range: ClosedRange<Int64>) -> String? {
        guard let number = Int64(text), String(number) == text else { return "must be a whole number in a string" }
        return range.contains(number) ? nil : "must be a whole number \(describe(range)) in a string"
    }

    private static func problem(_ number: Int64, range: ClosedRange<Int64>, choices: [Int64]?) -> String? {
        if let choices {
            return choices.contains(number)
                ? nil : "must be one of " + choices.map(String.init).joined(separator: ", ")
        }
        return range.contains(number) ? nil : "must be \(describe(range))"
    }

    private static func problem(_ text: String, minimum: String?, maximum: String?) -> String? {
        guard let number = exactDecimal(text) else { return "is not a number that can be represented" }
        let bounds = [minimum.map { "at least \($0)" }, maximum.map { "at most \($0)" }].compactMap { $0 }
        let isAbove = minimum.flatMap(exactDecimal).map { number >= $0 } ?? true
        let isBelow = maximum.flatMap(exactDecimal).map { number <= $0 } ?? true
        return isAbove && isBelow ? nil : "must be " + bounds.joined(separator: " and ")
    }

    /// A number as an exact decimal of at most 38 digits; nil when it has more or is out of range.
    static func exactDecimal(_ text: String) -> Decimal? {
        guard let number = Decimal(string: text), !number.isNaN else { return nil }
        return number
    }

    private static func wholeNumber(_ value: JSONValue) -> Int64? {
        switch value {
        case .integer(let number): return number
        case .decimal(let text):
            // A whole Decimal prints without a point, so that Int64 decides whether it is one and fits.
            guard let decimal = exactDecimal(text) else { return nil }
            return Int64(decimal.description)
        default: return nil
        }
    }

    private static func fractionHint(_ value: JSONValue) -> String {
        if case .decimal(let text) = value { " (\(text.prefix(40)))" } else { "" }
    }

    /// The longest URL, in characters.
    static let longestURL = 2_048

    private static func isURL(_ text: String) -> Bool {
        let lower = text.prefix(8).lowercased()
        guard text.utf8.count <= longestURL, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
        guard lower.hasPrefix("https://") || lower.hasPrefix("http://") else { return false }
        let host = text.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return !host.isEmpty && !host.hasPrefix(":") && !host.contains("\\")
    }

    private static func describe(_ range: ClosedRange<Int>) -> String {
        describe(Int64(range.lowerBound)...Int64(range.upperBound))
    }

    private static func describe(_ range: ClosedRange<Int64>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (.min, .max): "any number of"
        case (.min, let most): "at most \(most)"
        case (let least, .max): "at least \(least)"
        case (let least, let most) where least == most: "exactly \(least)"
        case (let least, let most): "between \(least) and \(most)"
        }
    }
}
