import Foundation
public import Ledger

/// What a log sends a witness (c2sp.org/tlog-witness, `add-checkpoint`).
public struct WitnessRequest: Hashable, Sendable {
    /// The size that the log believes the witness cosigned last; 0 for none.
    public let oldSize: UInt64
    /// That the checkpoint extends the log of that size.
    public let proof: [Digest]
    /// The checkpoint to cosign.
    public let checkpoint: SignedNote

    /// Makes a request.
    public init(oldSize: UInt64, proof: [Digest], checkpoint: SignedNote) {
        self.oldSize = oldSize
        self.proof = proof
        self.checkpoint = checkpoint
    }

    /// The body as it is sent.
    public var body: String {
        "old \(oldSize)\n" + proof.map { $0.base64 + "\n" }.joined() + "\n" + checkpoint.description
    }

    /// Reads a body; nil when the form is wrong.
    public init?(body: String) {
        guard let blank = body.range(of: "\n\n"), let note = SignedNote(String(body[blank.upperBound...])) else {
            return nil
        }
        var lines = body[..<blank.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard let first = lines.popFirst(), first.hasPrefix("old "), let size = LogNumber.read(first.dropFirst(4))
        else {
            return nil
        }
        let proof = lines.compactMap { Digest(base64: $0) }
        guard proof.count == lines.count, proof.count <= 63 else { return nil }
        self.init(oldSize: size, proof: proof, checkpoint: note)
    }
}

/// What a witness remembers of one log, and what it answers: it never signs a tree that does not extend the last.
public struct WitnessState: Hashable, Sendable {
    /// The log's key.
    public let log: NoteVerifier
    /// The checkpoint cosigned last.
    public private(set) var latest: Checkpoint?

    /// A witness of a log.
    public init(log: NoteVerifier, latest: Checkpoint?) {
        self.log = log
        self.latest = latest
    }

    /// An answer; the numbers are HTTP's.
    public enum Answer: Hashable, Sendable {
        /// 200, once the state is stored: this text may be cosigned.
        case cosign(String)
        /// 400: the old size is larger than the checkpoint's.
        case sizesReversed
        /// 403: not signed by the log.
        case notSigned
        /// 409: the witness is at another size, this one; or knows another root for the size.
        case conflict(size: UInt64)
        /// 422: the proof does not hold.
        case proofFails
    }

    /// Decides on a request, and moves on if it holds. The caller stores the state before it hands out a cosignature.
    public mutating func answer(_ request: WitnessRequest) -> Answer {
        guard let offered = Checkpoint(request.checkpoint, signedBy: log) else { return .notSigned }
        guard request.oldSize <= offered.size else { return .sizesReversed }
        let known = latest ?? Checkpoint(origin: log.name, size: 0, root: MerkleHash.emptyRoot)
        guard request.oldSize == known.size else { return .conflict(size: known.size) }
        if known.size == offered.size, known.root != offered.root { return .conflict(size: known.size) }
        guard MerkleProof.extends((known.size, known.root), to: (offered.size, offered.root), path: request.proof)
        else {
            return .proofFails
        }
        latest = offered
        return .cosign(request.checkpoint.text)
    }
}
