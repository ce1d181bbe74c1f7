import Ledger
import Testing
import TransparencyLog

@Suite struct WitnessTests {
    private static let log = NoteSigner(name: "ledger.example/journal/3", kind: .log, seed: Array(1...32))!
    private static let stranger = NoteSigner(name: "ledger.example/journal/3", kind: .log, seed: Array(9...40))!
    private static let tree = ReferenceTree(size: 40)
    private static let forged = ReferenceTree((0..<40).map { Array("other \($0)".utf8) })

    private static func request(
        from old: Int,
        to new: Int,
        of tree: ReferenceTree = tree,
        by signer: NoteSigner = log
    ) throws -> WitnessRequest {
        let checkpoint = Checkpoint(origin: log.verifier.name, size: UInt64(new), root: tree.root(0..<new))
        return WitnessRequest(
            oldSize: UInt64(old),
            proof: old == 0 || old >= new ? [] : tree.subproof(old, 0..<new, true),
            checkpoint: try checkpoint.signed(by: signer)
        )
    }

    @Test func itFollowsALogThatOnlyGrows() throws {
        var witness = WitnessState(log: Self.log.verifier, latest: nil)
        for (old, new) in [(0, 5), (5, 5), (5, 17), (17, 40)] {
            let request = try Self.request(from: old, to: new)
            #expect(witness.answer(request) == .cosign(request.checkpoint.text))
            #expect(witness.latest?.size == UInt64(new))
        }
    }

    @Test func itRefusesEverythingElseAndStaysWhereItIs() throws {
        var witness = WitnessState(log: Self.log.verifier, latest: nil)
        _ = witness.answer(try Self.request(from: 0, to: 17))
        let before = witness
        #expect(witness.answer(try Self.request(from: 5, to: 20)) == .conflict(size: 17))
        #expect(witness.answer(try Self.request(from: 0, to: 40)) == .conflict(size: 17))
        #expect(witness.answer(try Self.request(from: 17, to: 5)) == .sizesReversed)
        #expect(witness.answer(try Self.request(from: 17, to: 40, by: Self.stranger)) == .notSigned)
        #expect(witness.answer(try Self.request(from: 17, to: 17, of: Self.forged)) == .conflict(size: 17))
        #expect(witness.answer(try Self.request(from: 17, to: 40, of: Self.forged)) == .proofFails)
        #expect(witness == before)
    }

    @Test func requestsAreReadAsTheyAreWritten() throws {
        let request = try Self.request(from: 5, to: 17)
        #expect(WitnessRequest(body: request.body) == request)
        #expect(WitnessRequest(body: request.body.replacing("old 5", with: "old 05")) == nil)
        #expect(WitnessRequest(body: request.body.replacing("old 5", with: "new 5")) == nil)
        #expect(WitnessRequest(body: "") == nil)
    }
}
