import Foundation
public import Ledger

/// A receipt: that an entry is in a log, checked without the log (c2sp.org/tlog-proof, v1).
public struct LogProof: Hashable, Sendable {
    static let header = "c2sp.org/tlog-proof@v1"

    /// The entry's place in the log, from 0: a journal's position less one.
    public let index: UInt64
    /// The hashes from the entry's sibling up.
    public let path: [Digest]
    /// The log's signed checkpoint, with the cosignatures it has.
    public let checkpoint: SignedNote
    /// What comes with it and is not covered by it, such as the entry's own bytes.
    public let extra: [UInt8]?

    /// Makes a receipt.
    public init(index: UInt64, path: [Digest], checkpoint: SignedNote, extra: [UInt8]?) {
        self.index = index
        self.path = path
        self.checkpoint = checkpoint
        self.extra = extra
    }

    /// The receipt as text.
    public var description: String {
        var text = Self.header + "\n"
        if let extra { text += "extra \(Data(extra).base64EncodedString())\n" }
        text += "index \(index)\n"
        for hash in path { text += hash.base64 + "\n" }
        return text + "\n" + checkpoint.description
    }

    /// Reads a receipt without checking it; nil when the form is wrong.
    public init?(_ text: String) {
        guard let blank = text.range(of: "\n\n"), let note = SignedNote(String(text[blank.upperBound...])) else {
            return nil
        }
        var lines = text[..<blank.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard lines.popFirst().map(String.init) == Self.header else { return nil }
        var extra: [UInt8]?
        if let line = lines.first, line.hasPrefix("extra ") {
            guard let data = Data(base64Encoded: String(line.dropFirst(6))) else { return nil }
            extra = Array(data)
            lines.removeFirst()
        }
        guard let line = lines.popFirst(), line.hasPrefix("index "), let index = LogNumber.read(line.dropFirst(6))
        else {
            return nil
        }
        let path = lines.compactMap { Digest(base64: $0) }
        // 63: no tree of 64-bit size is higher.
        guard path.count == lines.count, path.count <= 63 else { return nil }
        self.init(index: index, path: path, checkpoint: note, extra: extra)
    }

    /// Why a receipt does not hold.
    public enum Fault: Error, Hashable, Sendable {
        /// The checkpoint isn't signed by the log's key, or is another log's.
        case notSigned
        /// Fewer trusted witnesses have cosigned the checkpoint than are asked for.
        case tooFewWitnesses(has: Int)
        /// The hashes don't lead from the entry to the checkpoint's root.
        case notIncluded
    }

    /// Checks that an entry is in a log.
    ///
    /// - Parameters:
    ///   - leaf: the entry's hash: an event's own.
    ///   - log: the log's key.
    ///   - witnesses: keys of trusted witnesses, of which `quorum` must have cosigned.
    /// - Returns: the checkpoint that it is in.
    public func verify(
        _ leaf: Digest,
        log: NoteVerifier,
        witnesses: [NoteVerifier] = [],
        quorum: Int = 0
    ) throws(Fault) -> Checkpoint {
        guard let signed = Checkpoint(checkpoint, signedBy: log) else { throw .notSigned }
        let cosigned = Set(witnesses).count { checkpoint.signature(by: $0) != nil }
        guard cosigned >= quorum else { throw .tooFewWitnesses(has: cosigned) }
        guard MerkleProof.includes(leaf, at: index, inTreeOf: signed.size, path: path, root: signed.root) else {
            throw .notIncluded
        }
        return signed
    }
}
