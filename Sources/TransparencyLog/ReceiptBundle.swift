import Ledger

/// Receipts of events and, if it has been published so far, the receipt of their journal's checkpoint in the ledger's log.
///
/// As text it is these receipts one after the other; each begins with the line that `tlog-proof` begins with.
public struct ReceiptBundle: Hashable, Sendable {
    /// The receipts in order.
    public let proofs: [LogProof]

    /// Puts receipts together.
    public init(_ proofs: [LogProof]) { self.proofs = proofs }

    private static let tooFew = "its checkpoint does not have the cosignatures that the policy asks for"

    /// The receipts as text.
    public var description: String { proofs.map(\.description).joined() }

    /// Reads receipts without checking them; nil when one has the wrong form, or there is none.
    public init?(_ text: String) {
        var parts: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == LogProof.header { parts.append("") }
            guard !parts.isEmpty else { return nil }
            parts[parts.count - 1] += line + "\n"
        }
        // The last line's end has become a line of its own.
        let proofs = parts.enumerated().compactMap { index, part in
            LogProof(index == parts.count - 1 ? String(part.dropLast()) : part)
        }
        guard !proofs.isEmpty, proofs.count == parts.count else { return nil }
        self.init(proofs)
    }

    /// What a bundle shows once it was checked.
    public struct Contents: Sendable {
        /// The events, in the order of the bundle.
        public internal(set) var events: [EntryFields] = []
        /// The checkpoints of journals that they are in.
        public internal(set) var journals: [Checkpoint] = []
        /// The ledger's checkpoint over those; nil when the bundle does not go up to it.
        public internal(set) var ledger: Checkpoint?
    }

    /// Why a bundle does not hold: which of its receipts, from 1, and what is wrong.
    public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// The receipt's number in the bundle, from 1.
        public let receipt: Int
        /// What is wrong.
        public let reason: String
        /// Both.
        public var description: String { "receipt \(receipt): \(reason)" }
    }

    /// Checks every receipt.
    ///
    /// - Parameters:
    ///   - key: the ledger's key, or that of the one log that the receipts are from.
    ///   - policy: which witnesses must have cosigned the ledger's checkpoint, and those of journals that are not below it.
    public func verify(key: NoteVerifier, policy: WitnessPolicy = WitnessPolicy()) throws(Fault) -> Contents {
        var contents = Contents()
        var notBelow: [Checkpoint: (receipt: Int, note: SignedNote)] = [:]
        for (index, proof) in proofs.enumerated() {
            func refuse(_ reason: String) -> Fault { Fault(receipt: index + 1, reason: reason) }
            guard let origin = Checkpoint(text: proof.checkpoint.text)?.origin,
                let verifier = LedgerLogs.verifier(ofOrigin: origin, ledger: key)
            else { throw refuse("its checkpoint is of no log of \(key.name)") }
            guard let entry = proof.extra else { throw refuse("it does not bring its entry") }
            let checkpoint: Checkpoint
            do throws(LogProof.Fault) {
                checkpoint = try proof.verify(MerkleHash.leaf(entry), log: verifier)
            } catch {
                throw refuse(error.description)
            }
            if let journal = LedgerLogs.journal(ofName: origin) {
                guard let fields = EntryFields(entry), fields.journal == Int64(journal),
                    UInt64(fields.position) == proof.index + 1
                else { throw refuse("its entry is not the event of its place") }
                contents.events.append(fields)
                if !contents.journals.contains(checkpoint) { contents.journals.append(checkpoint) }
                notBelow[checkpoint] = (index + 1, proof.checkpoint)
            } else {
                guard let note = SignedNote(String(decoding: entry, as: UTF8.self)),
                    let named = Checkpoint(text: note.text),
                    let signer = LedgerLogs.verifier(ofOrigin: named.origin, ledger: key),
                    Checkpoint(note, signedBy: signer) == named
                else { throw refuse("its entry is no checkpoint of a journal") }
                guard contents.journals.contains(named) else {
                    throw refuse("its entry is not the checkpoint of a receipt before it")
                }
                guard policy.isMet(by: proof.checkpoint) else { throw refuse(Self.tooFew) }
                notBelow[named] = nil
                contents.ledger = checkpoint
            }
        }
        for (receipt, note) in notBelow.values.sorted(by: { $0.receipt < $1.receipt }) where !policy.isMet(by: note) {
            throw Fault(receipt: receipt, reason: Self.tooFew)
        }
        return contents
    }
}

extension LogProof.Fault {
    /// What is wrong, for whoever checks.
    public var description: String {
        switch self {
        case .notSigned: "its checkpoint is not signed by the log's key"
        case .tooFewWitnesses(let count): "its checkpoint has the cosignatures of \(count) trusted witnesses only"
        case .notIncluded: "its hashes do not lead from its entry to the root that is signed"
        }
    }
}
