import Testing
import TransparencyLog

@Suite("Witness policies") struct PolicyTests {
    private static let signers = (1...4).map { number in
        NoteSigner(name: "w\(number).example", kind: .cosigner, seed: Array(repeating: UInt8(number), count: 32))!
    }
    private static let log = NoteSigner(name: "ledger.example", kind: .log, seed: Array(repeating: 9, count: 32))!
    private static let head = signers.enumerated().map {
        "witness w\($0 + 1) \($1.verifier.description) http://127.0.0.1/\($0)\n"
    }
    .joined()

    private static func note(_ cosigners: Int...) throws -> SignedNote {
        var note = try Checkpoint(origin: "ledger.example", size: 1, root: MerkleHash.emptyRoot).signed(by: log)
        for number in cosigners { note.signatures.append(try signers[number - 1].sign(note.text, atSeconds: 5)) }
        return note
    }

    @Test func aQuorumOfGroups() throws {
        let policy = try WitnessPolicy(
            """
            # Two of three of ours, and the other.
            log \(Self.log.verifier.description)
            \(Self.head)
            \tgroup ours 2 w1 w2 w3
            group both all ours w4
            quorum both
            """
        )
        #expect(policy.logs.map(\.key) == [Self.log.verifier])
        #expect(policy.witnesses.map(\.key) == Self.signers.map(\.verifier))
        #expect(policy.witnesses[2].url == "http://127.0.0.1/2")
        #expect(policy.isMet(by: try Self.note(1, 3, 4)))
        #expect(policy.isMet(by: try Self.note(1, 2, 3, 4)))
        for cosigners in [[], [1, 4], [1, 2, 3], [1, 1, 4]] {
            var note = try Self.note()
            for number in cosigners {
                note.signatures.append(try Self.signers[number - 1].sign(note.text, atSeconds: 5))
            }
            #expect(!policy.isMet(by: note), "\(cosigners)")
        }
        let other = try Checkpoint(origin: "ledger.example", size: 2, root: MerkleHash.emptyRoot).signed(by: Self.log)
        var moved = other
        moved.signatures += try Self.note(1, 3, 4).signatures.dropFirst()
        #expect(!policy.isMet(by: moved), "cosignatures of another checkpoint")
        #expect(try WitnessPolicy("quorum none\n").isMet(by: try Self.note()))
    }

    @Test(arguments: [
        ("", 0), ("quorum w1", 1), ("quorum none\nquorum none", 2), ("frob", 1), ("log x\nquorum none", 1),
        ("HEADgroup g 0 w1\nquorum g", 5), ("HEADgroup g 3 w1 w2\nquorum g", 5), ("HEADgroup g 01 w1\nquorum g", 5),
        ("HEADgroup g any w9\nquorum g", 5), ("HEADgroup g all w1 w1\nquorum g", 5),
        ("HEADgroup g any w1\ngroup h any w1\nquorum h", 6), ("HEADgroup none any w1\nquorum none", 5),
        ("HEADgroup w1 any w2\nquorum none", 5), ("quorum none extra", 1), ("quorum\u{1} none", 1),
    ])
    func malformedPoliciesNameTheLine(_ text: String, _ line: Int) {
        do throws(WitnessPolicy.Fault) {
            _ = try WitnessPolicy(text.replacing("HEAD", with: Self.head))
            Issue.record("taken: \(text)")
        } catch {
            #expect(error.line == line, "\(text): \(error)")
        }
    }

    @Test func theSameWitnessTwiceIsRefused() {
        #expect(throws: WitnessPolicy.Fault.self) {
            try WitnessPolicy(
                "witness a \(Self.signers[0].verifier.description)\nwitness b \(Self.signers[0].verifier.description)\nquorum a\n"
            )
        }
        #expect(throws: WitnessPolicy.Fault.self) {
            try WitnessPolicy("witness a \(Self.log.verifier.description)\nquorum a\n")
        }
    }
}
