/// Texts that may say something about a person: names of keys, and reasons. An event names such a text without saying it, by
/// a commitment that only a key of the account's leads to; the text is kept beside the events, sealed under that key.
///
/// While the key is there, whoever has text and key can prove that it is the text; once it is destroyed, nobody can, not even
/// by trying every text there is.
public enum PrivateText {
    private static let prefix = "sealed:"

    /// What stands in an event in a text's place.
    public static func mark(_ commitment: Digest) -> String { prefix + commitment.description }

    /// The commitment that stands in a text's place; nil for a text that says what it says, as those of older events do.
    public static func commitment(in text: String) -> Digest? {
        guard text.utf8.count == prefix.utf8.count + 64, text.hasPrefix(prefix) else { return nil }
        return Digest(hexadecimal: String(text.dropFirst(prefix.count)))
    }
}

extension IssueKey {
    /// Whether a text can be a key's label: it has 1 to 100 bytes.
    public static func isName(_ text: String) -> Bool { (1...100).contains(text.utf8.count) }

    /// The same wish with another text in the name's place.
    public func named(_ name: String) -> IssueKey {
        IssueKey(keyID: keyID, name: name, secretDigest: secretDigest, capabilities: capabilities)
    }
}

extension APIKey {
    /// What is shown in the place of a text that was erased.
    public static let erasedName = "(erased)"

    /// The key with its name as it was, given the texts that names stand for; a name that was erased is said to be.
    public func named(from texts: [String: String]) -> APIKey {
        guard PrivateText.commitment(in: name) != nil else { return self }
        var key = APIKey(
            id: id,
            name: texts[name] ?? Self.erasedName,
            secretDigest: secretDigest,
            capabilities: capabilities,
            issuedAt: issuedAt
        )
        key.revokedAt = revokedAt
        return key
    }
}

extension AdjustCredits {
    /// Whether a text can be a reason: it has 1 to 500 bytes.
    public static func isReason(_ text: String) -> Bool { (1...500).contains(text.utf8.count) }

    /// The same wish with another text in the reason's place.
    public func because(of reason: String) -> AdjustCredits {
        AdjustCredits(potID: potID, amount: amount, reason: reason, correctsSequence: correctsSequence)
    }
}
