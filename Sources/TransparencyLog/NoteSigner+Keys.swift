extension NoteSigner {
    /// A new key; nil if the name has a space or a plus sign, or is empty.
    public static func random(name: String, kind: NoteKeyKind) -> NoteSigner? {
        var generator = SystemRandomNumberGenerator()
        return NoteSigner(
            name: name,
            kind: kind,
            seed: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        )
    }

    /// The same key under another name; nil if the name can't be a key's.
    public func named(_ name: String) -> NoteSigner? { NoteSigner(name: name, kind: verifier.kind, seed: seed) }
}

/// Who signs which log of a ledger: all by one key, each under the log's own name, which is the first line that is signed.
///
/// So whoever has the ledger's key can check every journal's log. The ledger's log has the ledger's name as its origin, and
/// lies at the top; a journal's is `NAME/journal/N`, and lies in `journal/N/`.
public enum LedgerLogs {
    private static let infix = "/journal/"

    /// The origin of a journal's log.
    public static func origin(ofJournal journal: Int16, ledger: String) -> String { "\(ledger)\(infix)\(journal)" }

    /// Where a journal's files are below the ledger's.
    public static func prefix(ofJournal journal: Int16) -> String { "journal/\(journal)/" }

    /// The journal whose log has an origin; nil when it is none of that ledger.
    public static func journal(ofOrigin origin: String, ledger: String) -> Int16? {
        guard origin.hasPrefix(ledger + infix),
            let number = LogNumber.read(Substring(origin.dropFirst(ledger.count + infix.count)))
        else { return nil }
        return Int16(exactly: number)
    }

    /// The journal whose log a key's name is; nil when it is no journal's.
    public static func journal(ofName name: String) -> Int16? {
        guard let range = name.ranges(of: infix).last else { return nil }
        return journal(ofOrigin: name, ledger: String(name[..<range.lowerBound]))
    }

    /// The key that checks the log of an origin; nil when the origin is neither the key's own nor that of a journal of it.
    public static func verifier(ofOrigin origin: String, ledger key: NoteVerifier) -> NoteVerifier? {
        if origin == key.name { return key }
        guard journal(ofOrigin: origin, ledger: key.name) != nil else { return nil }
        return NoteVerifier(name: origin, kind: key.kind, publicKey: key.publicKey)
    }
}
