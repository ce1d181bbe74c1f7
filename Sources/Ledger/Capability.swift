/// What a key may do: `*`, `<resource>:*`, `<resource>:<verb>` or `<resource>:<slug>:<verb>` (api-contract, section 2).
public struct Capability: Hashable, Sendable, CustomStringConvertible {
    /// The text as granted, such as `model:run`.
    public let text: String
    /// Same as `text`.
    public var description: String { text }

    /// Everything; for platform admins only.
    public static let everything = Capability(unchecked: "*")

    /// Asking about the account's own runs.
    public static let readExecutions = Capability(unchecked: "execution:read")
    /// Cancelling the account's own runs.
    public static let cancelExecutions = Capability(unchecked: "execution:cancel")

    private static let verbs: [String: Set<String>] = [
        "workflow": ["run", "read", "write"],
        "model": ["run"],
        "webhook": ["receive"],
        "execution": ["read", "cancel"],
        "agent": ["invoke"],
    ]
    private static let slugged: Set<String> = ["workflow:run", "model:run"]

    private static var colon: UInt8 { UInt8(ascii: ":") }

    init(unchecked text: String) { self.text = text }

    /// Reads a capability; nil when it does not follow the grammar or names no known resource or verb.
    public init?(_ text: String) {
        if text == "*" {
            self = .everything
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let resource = parts.first, let verbs = Self.verbs[resource] else { return nil }
        switch parts.count {
        case 2:
            guard parts[1] == "*" || verbs.contains(parts[1]) else { return nil }
        case 3:
            guard verbs.contains(parts[2]), Self.slugged.contains("\(resource):\(parts[2])") else { return nil }
            guard Slug.isValid(parts[1]) else { return nil }
        default: return nil
        }
        self.text = text
    }

    /// The narrowest capability that lets a key run one model: `model:<internalName>:run`.
    public static func runModel(_ internalName: String) -> Capability {
        Capability(unchecked: "model:" + internalName + ":run")
    }

    /// The granted capability that covers this one, in the contract's order: `*`, the same, `<resource>:*`, and
    /// `<resource>:<verb>` for the form with a slug; nil when none does.
    public func covering(in granted: [Capability]) -> Capability? {
        if granted.contains(.everything) { return .everything }
        if granted.contains(self) { return self }
        let bytes = text.utf8
        guard let first = bytes.firstIndex(of: Self.colon), let last = bytes.lastIndex(of: Self.colon) else {
            return nil
        }
        let resource = bytes[...first]
        if let all = granted.first(where: { $0.isMade(of: resource, "*".utf8[...]) }) { return all }
        guard first != last else { return nil }
        let verb = bytes[bytes.index(after: last)...]
        return granted.first { $0.isMade(of: resource, verb) }
    }

    private func isMade(of resource: Substring.UTF8View, _ verb: Substring.UTF8View) -> Bool {
        guard text.utf8.count == resource.count + verb.count else { return false }
        return text.utf8.starts(with: resource) && text.utf8.dropFirst(resource.count).elementsEqual(verb)
    }
}

/// The slug of a model or workflow: lower-case letters, digits and hyphens, 1 to 100 of them.
public enum Slug {
    /// The most characters a slug may have.
    public static let longest = 100

    /// Whether the text is a slug.
    public static func isValid(_ text: some StringProtocol) -> Bool {
        (1...longest).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
    }
}
