/// Erases what is kept of the persons behind a closed account, by destroying the key that it is sealed under. What the ledger
/// proves stays: events hold no personal data.
public struct EraseAccount: Hashable, Sendable {
    /// Which key is destroyed: a fingerprint that leads nowhere; nil when the account never had one.
    public let keyFingerprint: Digest?
    /// Rows with personal data that were there when the erasure was asked for, by table.
    public let found: [String: Int64]

    /// Makes the wish.
    public init(keyFingerprint: Digest?, found: [String: Int64]) {
        self.keyFingerprint = keyFingerprint
        self.found = found
    }
}

extension CommandID {
    /// The one command that erases an account. Given again, it changes nothing: an account is erased once.
    public static func erasure(of account: AccountID) -> CommandID {
        var bytes = Array("erase".utf8)
        bytes.appendBigEndian(account.value.high)
        bytes.appendBigEndian(account.value.low)
        let words = Digest(of: bytes).words
        // In the form of a UUID of version 8 (RFC 9562, section 5.8).
        return CommandID(
            Identifier128(
                high: words.0 & 0xFFFF_FFFF_FFFF_0FFF | 0x8000,
                low: words.1 & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
            )
        )
    }
}

extension Decider {
    /// Ends every key and says what is erased. The key of the data is destroyed in the transaction of the event.
    mutating func erase(_ erasure: EraseAccount, _ account: Account) -> Decision {
        guard account.isClosed else { return refuse(.accountOpen) }
        guard state.holds.isEmpty else { return refuse(.accountInUse) }
        for key in state.keys.values.filter({ $0.revokedAt == nil }).sorted(by: { $0.id < $1.id }) {
            var event = content(.keyRevoked)
            event.keyID = key.id
            emit(event)
        }
        var event = content(.accountErased)
        let found = erasure.found.map { CanonicalJSON.Member($0.key, .integer($0.value)) }
        var members = [CanonicalJSON.Member("found", .sorted(found))]
        if let fingerprint = erasure.keyFingerprint { members.append(.init("key", .string("\(fingerprint)"))) }
        event.detail = .sorted(members)
        emit(event)
        return finish(.done)
    }
}

extension EventContent {
    /// What an `account.erased` says: the certificate of the erasure; nil for other events, and for one that says too little.
    public var erasure: EraseAccount? {
        guard type == .accountErased, case .object(let members)? = detail?["found"] else { return nil }
        let counts = members.compactMap { member in member.value.integerValue.map { (member.key, $0) } }
        guard counts.count == members.count else { return nil }
        let key = text("key")
        let fingerprint = key.flatMap { Digest(hexadecimal: $0) }
        guard (key == nil) == (fingerprint == nil) else { return nil }
        return EraseAccount(keyFingerprint: fingerprint, found: Dictionary(counts) { $1 })
    }
}
