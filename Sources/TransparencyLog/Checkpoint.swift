public import Ledger

/// What a log signs: its name, how many entries it has, and the root over them (c2sp.org/tlog-checkpoint).
public struct Checkpoint: Hashable, Sendable {
    /// The log's name.
    public let origin: String
    /// Entries in the log.
    public let size: UInt64
    /// The root over them.
    public let root: Digest

    /// Makes a checkpoint.
    public init(origin: String, size: UInt64, root: Digest) {
        precondition(!origin.isEmpty && !origin.contains(where: \.isNewline), "an origin is one line")
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// The three lines that are signed.
    public var text: String { "\(origin)\n\(size)\n\(root.base64)\n" }

    /// Reads the text of a note; nil if it isn't a checkpoint. Lines after the third are allowed and left out.
    public init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 4, lines.last == "", !lines[0].isEmpty, let size = LogNumber.read(lines[1]),
            let root = Digest(base64: lines[2]), lines[3..<lines.count - 1].allSatisfy({ !$0.isEmpty })
        else { return nil }
        self.init(origin: String(lines[0]), size: size, root: root)
    }

    /// The checkpoint that a key signed; nil unless the note is signed by it, of its form, and of its name.
    public init?(_ note: SignedNote, signedBy key: NoteVerifier) {
        guard note.signature(by: key) != nil, let checkpoint = Self(text: note.text), checkpoint.origin == key.name
        else {
            return nil
        }
        self = checkpoint
    }

    /// Signs it.
    public func signed(by signer: NoteSigner) throws -> SignedNote {
        SignedNote(text: text, signatures: [try signer.sign(text, atSeconds: 0)])
    }
}

/// Numbers as logs write them.
enum LogNumber {
    /// Reads decimal digits without a leading zero.
    static func read(_ text: Substring) -> UInt64? {
        guard text == "0" || text.first != "0", !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else {
            return nil
        }
        return UInt64(text)
    }
}
