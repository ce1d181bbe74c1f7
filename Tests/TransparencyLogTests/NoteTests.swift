import Ledger
import Testing
import TransparencyLog

@Suite struct NoteTests {
    private static let log = NoteSigner(name: "ledger.example/journal/3", kind: .log, seed: Array(1...32))!
    private static let witness = NoteSigner(name: "witness.example/w1", kind: .cosigner, seed: Array(2...33))!
    private static let other = NoteSigner(name: "ledger.example/journal/3", kind: .log, seed: Array(3...34))!

    private static let tree = ReferenceTree(size: 300)

    private static func checkpoint(_ size: Int, origin: String = "ledger.example/journal/3") -> Checkpoint {
        Checkpoint(origin: origin, size: UInt64(size), root: tree.root(0..<size))
    }

    /// The key and the note of the example in C2SP's signed-note.md, section "Verifier keys" and section "Format".
    @Test func theSpecificationsExampleVerifies() throws {
        let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
        let key = try #require(NoteVerifier(text))
        let example = """
            This is an example message.

            \u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=

            """
        let note = try #require(SignedNote(example))
        #expect(note.signature(by: key) != nil && note.text == "This is an example message.\n")
        #expect(note.description == example && key.description == text)
        let spoilt = try #require(SignedNote(example.replacing("an example", with: "another")))
        #expect(spoilt.signature(by: key) == nil)
        #expect(NoteVerifier(text.replacing("530d903a", with: "530d903b")) == nil)
    }

    /// The key and the note of the documentation of Go's `sumdb/note`.
    @Test func theExampleOfGoVerifies() throws {
        let key = try #require(
            NoteVerifier("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
        )
        let note = try #require(
            SignedNote(
                """
                If you think cryptography is the answer to your problem,
                then you don't know what your problem is.

                \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

                """
            )
        )
        #expect(note.signature(by: key) != nil)
        #expect(key.description == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    }

    @Test func aCheckpointIsReadByItsKeyOnly() throws {
        let note = try Self.checkpoint(7).signed(by: Self.log)
        let read = try #require(SignedNote(note.description))
        #expect(read == note)
        #expect(Checkpoint(read, signedBy: Self.log.verifier) == Self.checkpoint(7))
        #expect(Checkpoint(read, signedBy: Self.other.verifier) == nil)
        let foreign = try Self.checkpoint(7, origin: "other.example").signed(by: Self.log)
        #expect(Checkpoint(foreign, signedBy: Self.log.verifier) == nil)
    }

    @Test func changedTextIsNotSigned() throws {
        let note = try Self.checkpoint(7).signed(by: Self.log).description
        let changed = note.replacing("\n7\n", with: "\n8\n")
        let read = try #require(SignedNote(changed))
        #expect(Checkpoint(read, signedBy: Self.log.verifier) == nil)
    }

    @Test(arguments: [
        "", "text", "text\n", "text\n\n", "text\n\nno signature\n", "text\n\n\u{2014} name AAAA\n",
        "text\n\n\u{2014} name !!!!!!!!\n", "text\n\n\u{2014} na+me AAAAAAAA\n", "text\n\n\u{2014}  AAAAAAAA\n",
        "te\u{1}xt\n\n\u{2014} name AAAAAAAA\n", "text\n\n\u{2014} name AAAAAAAA",
        "text\n\n\u{2014} name AAAAAAAA extra\n",
    ])
    func malformedNotesAreNotRead(_ text: String) {
        #expect(SignedNote(text) == nil)
    }

    @Test(arguments: [
        "", "origin\n1\n", "origin\n01\nAAAA\n", "origin\n-1\n\(Digest.zero.base64)\n", "origin\n1\nAAAA\n",
        "\n1\n\(Digest.zero.base64)\n", "origin\n1\n\(Digest.zero.base64)", "origin\n+1\n\(Digest.zero.base64)\n",
        "origin\n18446744073709551616\n\(Digest.zero.base64)\n",
    ])
    func malformedCheckpointsAreNotRead(_ text: String) {
        #expect(Checkpoint(text: text) == nil)
    }

    @Test func verifierKeysNameTheirOwnID() {
        let text = Self.log.verifier.description
        #expect(NoteVerifier(text) == Self.log.verifier)
        #expect(NoteVerifier(text.replacing("+", with: "-")) == nil)
        #expect(NoteVerifier("x" + text) == nil)
        #expect(NoteVerifier(String(text.dropLast(4))) == nil)
    }

    @Test func receiptsHoldForTheirEntryAndNoOther() async throws {
        let shelf = TileShelf()
        shelf.append(Self.tree.leaves)
        var reader = shelf.reader(of: 300)
        let path = try await reader.inclusionProof(of: 299)
        let note = try Self.checkpoint(300).signed(by: Self.log)
        let proof = LogProof(index: 299, path: path, checkpoint: note, extra: [1, 2, 3])
        let read = try #require(LogProof(proof.description))
        #expect(read == proof)
        #expect(try read.verify(Self.tree.leaves[299], log: Self.log.verifier) == Self.checkpoint(300))
        #expect(throws: LogProof.Fault.notIncluded) {
            try read.verify(Self.tree.leaves[298], log: Self.log.verifier)
        }
        #expect(throws: LogProof.Fault.notSigned) {
            try read.verify(Self.tree.leaves[299], log: Self.other.verifier)
        }
        let witnesses = [Self.witness.verifier]
        #expect(throws: LogProof.Fault.tooFewWitnesses(has: 0)) {
            try read.verify(Self.tree.leaves[299], log: Self.log.verifier, witnesses: witnesses, quorum: 1)
        }
        var cosigned = note
        cosigned.signatures.append(try Self.witness.sign(note.text, atSeconds: 1_700_000_000))
        let stronger = LogProof(index: 299, path: path, checkpoint: cosigned, extra: nil)
        _ = try stronger.verify(Self.tree.leaves[299], log: Self.log.verifier, witnesses: witnesses, quorum: 1)
        // The same witness named twice is still one.
        #expect(throws: LogProof.Fault.tooFewWitnesses(has: 1)) {
            try stronger.verify(
                Self.tree.leaves[299],
                log: Self.log.verifier,
                witnesses: witnesses + witnesses,
                quorum: 2
            )
        }
    }

    @Test func malformedReceiptsAreNotRead() throws {
        let text = LogProof(
            index: 0,
            path: [.zero],
            checkpoint: try Self.checkpoint(2).signed(by: Self.log),
            extra: nil
        ).description
        #expect(LogProof(text) != nil)
        #expect(LogProof(text.replacing("@v1", with: "@v2")) == nil)
        #expect(LogProof(text.replacing("index 0", with: "index 00")) == nil)
        #expect(LogProof(text.replacing("index 0", with: "place 0")) == nil)
        #expect(LogProof(text.replacing("index 0\n", with: "extra *\nindex 0\n")) == nil)
        #expect(LogProof(text.replacing(Digest.zero.base64 + "\n", with: "AAAA\n")) == nil)
    }
}
