public import Ledger
import Runs

/// One request for a change: who makes it, and under which command.
public struct AdminCall: Sendable {
    /// Who makes it.
    public let actor: Actor
    /// The HTTP request behind it.
    public let requestID: RequestID?
    /// The command; the same for a request that is made again under its key.
    public let commandID: CommandID
    /// SHA-256 of all that was asked for; nil for a request without a key, which is never made again.
    public let fingerprint: Digest?

    /// Names a request by a key of its sender.
    ///
    /// - Parameters:
    ///   - actor: who makes it.
    ///   - requestID: the HTTP request behind it.
    ///   - route: method and path; a key is one request's in each.
    ///   - key: what the sender names the request by.
    ///   - body: all else that was asked for.
    public init(actor: Actor, requestID: RequestID?, route: String, key: String, body: [UInt8]) {
        self.actor = actor
        self.requestID = requestID
        self.commandID = CommandID(Self.identifier("command", actor.description, route, key))
        self.fingerprint = Digest(of: Array("\(route)\u{0}".utf8) + body)
    }

    /// A request that is made once.
    public init(actor: Actor, requestID: RequestID?, commandID: CommandID) {
        self.actor = actor
        self.requestID = requestID
        self.commandID = commandID
        self.fingerprint = nil
    }

    /// An identifier for something that the request makes, the same each time it is made.
    func identifier(_ kind: String) -> Identifier128 { Self.identifier(kind, commandID.description) }

    /// The first 16 bytes of the SHA-256 of some texts, in the form of a UUID of version 8 (RFC 9562, section 5.8).
    static func identifier(_ parts: String...) -> Identifier128 {
        let words = Digest(of: Array(parts.joined(separator: "\u{0}").utf8)).words
        return Identifier128(
            high: words.0 & 0xFFFF_FFFF_FFFF_0FFF | 0x8000,
            low: words.1 & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        )
    }
}
