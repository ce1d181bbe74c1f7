/// Who gives an administrative command: `operator:ann`, `payments:stripe`. 1 to 100 printable ASCII characters.
public struct Actor: Hashable, Sendable, CustomStringConvertible {
    /// The actor as each event's detail says it, in its member `actor`.
    public let description: String

    /// Takes a text; nil when it is none.
    public init?(_ text: String) {
        guard (1...100).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        self.description = text
    }
}

extension CanonicalJSON? {
    /// The detail of an event with its actor.
    func adding(_ actor: Actor) -> CanonicalJSON {
        let member = CanonicalJSON.Member("actor", .string(actor.description))
        guard case .object(let members)? = self else { return .object([member]) }
        return .sorted(members + [member])
    }
}
