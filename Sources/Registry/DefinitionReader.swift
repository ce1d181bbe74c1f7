internal import Yams

/// One thing that is wrong with a definition file.
public struct DefinitionIssue: Hashable, Sendable, CustomStringConvertible {
    /// The file's name.
    public let file: String
    /// The line in it, from 1; nil when the issue belongs to no line.
    public let line: Int?
    /// The field, such as `price.credits`; empty for the file as a whole.
    public let field: String
    /// What is wrong, and what is allowed instead.
    public let message: String

    /// `models/x.yaml:12: price.credits: must be …`
    public var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return field.isEmpty ? "\(place): \(message)" : "\(place): \(field): \(message)"
    }
}

/// Why the registry can't be loaded: every issue of every file.
public struct RegistryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// In the order of files and lines; never empty.
    public let issues: [DefinitionIssue]

    /// One issue a line.
    public var description: String { issues.map(\.description).joined(separator: "\n") }
}

/// Collects what is wrong with one file, so that all of it is reported at once.
final class DefinitionIssues {
    let file: String
    private(set) var found: [DefinitionIssue] = []

    init(file: String) { self.file = file }

    func add(_ message: String, field: String, line: Int?) {
        found.append(DefinitionIssue(file: file, line: line, field: field, message: message))
    }

    func add(_ message: String, field: String, at node: Node? = nil) {
        found.append(DefinitionIssue(file: file, line: node?.mark?.line, field: field, message: message))
    }
}

/// Reads the keys of one mapping of a definition file, and notes what is wrong with them.
///
/// Every reading function returns nil after noting an issue, so that reading goes on and finds the rest.
struct MappingReader {
    let node: Node
    let path: String
    let issues: DefinitionIssues
    private let values: [String: Node]
    private let keys: [(name: String, node: Node)]

    /// Nil, with an issue, when the node is no mapping.
    init?(_ node: Node, path: String, issues: DefinitionIssues) {
        guard case .mapping(let mapping) = node else {
            issues.add("must be a mapping", field: path, at: node)
            return nil
        }
        self.node = node
        self.path = path
        self.issues = issues
        self.keys = mapping.map { (name: $0.key.scalar?.string ?? "", node: $0.key) }
        self.values = Dictionary(
            mapping.map { ($0.key.scalar?.string ?? "", $0.value) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The full name of a key.
    func field(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The keys in the order of the file.
    var names: [String] { keys.map(\.name) }

    /// Notes every key that is not in the list.
    func allowOnly(_ allowed: [String]) {
        for key in keys where !allowed.contains(key.name) {
            issues.add("unknown key; allowed: \(allowed.joined(separator: ", "))", field: field(key.name), at: key.node)
        }
    }

    /// The node of a key, or nil.
    func optional(_ key: String) -> Node? { values[key] }

    /// The node of a key; notes its absence.
    func required(_ key: String, _ expectation: String) -> Node? {
        if let value = values[key] { return value }
        issues.add("is missing: \(expectation)", field: field(key), at: node)
        return nil
    }

    /// Notes an issue with a key's value.
    func reject(_ key: String, _ message: String) { issues.add(message, field: field(key), at: values[key] ?? node) }

    /// A mapping under a key.
    func mapping(_ key: String, _ expectation: String) -> MappingReader? {
        required(key, expectation).flatMap { MappingReader($0, path: field(key), issues: issues) }
    }

    /// A mapping under a key that may be absent.
    func optionalMapping(_ key: String) -> MappingReader? {
        optional(key).flatMap { MappingReader($0, path: field(key), issues: issues) }
    }

    /// Text that is not empty.
    func text(_ key: String, _ expectation: String = "text") -> String? {
        guard let node = required(key, expectation) else { return nil }
        guard let text = node.scalar?.string, !text.isEmpty else {
            reject(key, "must be \(expectation)")
            return nil
        }
        return text
    }

    /// A whole number within bounds.
    func wholeNumber(_ key: String, in range: ClosedRange<Int64>) -> Int64? {
        let allowed = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let node = required(key, allowed) else { return nil }
        guard let text = node.scalar?.string, let number = Int64(text), range.contains(number) else {
            reject(key, "must be \(allowed)")
            return nil
        }
        return number
    }

    /// A whole number within bounds, or a default when the key is absent.
    func wholeNumber(_ key: String, in range: ClosedRange<Int64>, default fallback: Int64) -> Int64? {
        optional(key) == nil ? fallback : wholeNumber(key, in: range)
    }

    /// `true` or `false`, or a default when the key is absent.
    func flag(_ key: String, default fallback: Bool) -> Bool? {
        guard let node = optional(key) else { return fallback }
        guard let text = node.scalar?.string, text == "true" || text == "false" else {
            reject(key, "must be true or false")
            return nil
        }
        return text == "true"
    }

    /// One of the cases of an enumeration.
    func choice<Choice>(_ key: String, _: Choice.Type) -> Choice?
    where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
        let allowed = "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", ")
        guard let text = text(key, allowed) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            reject(key, "must be \(allowed), not \(text)")
            return nil
        }
        return choice
    }

    /// A JSON pointer that may be absent.
    func pointer(_ key: String) -> JSONPointer? {
        guard let node = optional(key) else { return nil }
        return pointer(node, field: field(key))
    }

    /// A JSON pointer, or a list of them, or nothing.
    func pointers(_ key: String) -> [JSONPointer] {
        guard let node = optional(key), case .sequence(let sequence) = node else {
            return [pointer(key)].compactMap(\.self)
        }
        return sequence.compactMap { pointer($0, field: field(key)) }
    }

    /// A JSON pointer in a node.
    func pointer(_ node: Node, field: String) -> JSONPointer? {
        guard let text = node.scalar?.string, !text.isEmpty, let pointer = JSONPointer(text) else {
            issues.add("must be a JSON pointer such as /data/taskId", field: field, at: node)
            return nil
        }
        return pointer
    }

    /// The scalars of a list under a key, with their nodes.
    func list(_ key: String, _ expectation: String) -> [(text: String, node: Node)]? {
        guard let node = required(key, expectation) else { return nil }
        guard case .sequence(let sequence) = node, !sequence.isEmpty else {
            reject(key, "must be \(expectation)")
            return nil
        }
        let scalars = sequence.compactMap { element in element.scalar.map { (text: $0.string, node: element) } }
        guard scalars.count == sequence.count else {
            reject(key, "must be \(expectation)")
            return nil
        }
        return scalars
    }
}
