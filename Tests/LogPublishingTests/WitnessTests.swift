import AsyncHTTPClient
import Foundation
import Hummingbird
import Ledger
import LedgerStore
import LedgerTestSupport
import LogFiles
import LogPublishing
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing
import TransparencyLog
import Witness

/// Goal: a witness signs no tree that does not extend the one before, whatever happens to it or to the ledger, and a log is not
/// published against its word. Method: the witness's own server on loopback.
@Suite("Witness", .gated, .database(LedgerDatabase.template(journals: 1)))
struct WitnessTests {
    private static let cosigner = NoteSigner(name: "witness.example/w1", kind: .cosigner, seed: Array(5...36))!
    private static let ledger = LogBench.signer

    private static func open(_ folder: String) throws -> WitnessDesk {
        try WitnessDesk(signer: cosigner, logs: [ledger.verifier], folder: folder) { 1_800_000_000 }
    }

    /// Serves a witness for as long as the body runs.
    private static func serving(
        _ desk: WitnessDesk,
        _ body: @Sendable @escaping (_ url: String, HTTPClient) async throws -> Void
    ) async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let (ports, told) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "witness") { _ in SwiftLogNoOpLogHandler() }
        let server = WitnessServer.build(desk: desk, host: "127.0.0.1", port: 0, logger: logger) { told.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            let services = ServiceGroup(services: [server], logger: logger)
            group.addTask { try await services.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            do {
                try await body("http://127.0.0.1:\(port)", client)
            } catch {
                await services.triggerGracefulShutdown()
                try? await client.shutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
        try await client.shutdown()
    }

    private static func policy(_ url: String, quorum: String = "w1") throws -> WitnessPolicy {
        try WitnessPolicy("witness w1 \(cosigner.verifier.description) \(url)\nquorum \(quorum)\n")
    }

    /// A small tree: its roots and proofs.
    private struct Tree {
        let leaves = (0..<40).map { MerkleHash.leaf(Array("entry \($0)".utf8)) }

        func note(_ size: Int, of name: String = "ledger.example", root: Digest? = nil) throws -> SignedNote {
            let checkpoint = Checkpoint(
                origin: name,
                size: UInt64(size),
                root: root ?? MerkleHash.root(of: leaves.prefix(size))
            )
            return try checkpoint.signed(by: ledger.named(name)!)
        }

        func request(_ old: Int, _ size: Int, note: SignedNote? = nil) async throws -> String {
            var tree = TileReader(ofTree: UInt64(size)) {
                Array(leaves.dropFirst(Int($0.index) * 256).prefix($0.width))
            }
            let proof = try await tree.consistencyProof(from: UInt64(old))
            return WitnessRequest(oldSize: UInt64(old), proof: proof, checkpoint: try note ?? self.note(size)).body
        }
    }

    @Test("each answer of the protocol, over HTTP, also after a restart")
    func answers() async throws {
        try await withTemporaryFolder { folder in
            let tree = Tree()
            let log = try await tree.request(0, 3)
            let stranger = NoteSigner(name: "ledger.example", kind: .log, seed: Array(9...40))!
            let desk = try Self.open(folder)
            // The store belongs to one witness at a time.
            #expect(throws: LogUnavailable.self) { try Self.open(folder) }
            try await Self.serving(desk) { url, client in
                func post(_ body: String) async throws -> (status: Int, type: String?, body: String) {
                    let response = try await client.post(url: url + "/add-checkpoint", body: .string(body)).get()
                    return (
                        Int(response.status.code), response.headers.first(name: "content-type"),
                        response.body.map { String(buffer: $0) } ?? ""
                    )
                }
                let first = try await post(log)
                #expect(first.status == 200)
                let note = try tree.note(3)
                let cosigned = try #require(SignedNote(note.description + first.body))
                let signature = try #require(cosigned.signature(by: Self.cosigner.verifier))
                #expect(Self.cosigner.verifier.time(of: signature) == 1_800_000_000)
                #expect(try await post(tree.request(3, 3)).status == 200)
                #expect(try await post(tree.request(3, 7)).status == 200)
                let stale = try await post(tree.request(3, 9))
                #expect(stale.status == 409)
                #expect(stale.type == "text/x.tlog.size")
                #expect(stale.body == "7\n")
                #expect(try await post(tree.request(7, 7, note: tree.note(7, root: .zero))).status == 409)
                #expect(try await post(tree.request(7, 9, note: tree.note(9, root: .zero))).status == 422)
                let reversed = WitnessRequest(oldSize: 7, proof: [], checkpoint: try tree.note(5))
                #expect(try await post(reversed.body).status == 400)
                #expect(try await post("old x\n\n").status == 400)
                let foreign = try Checkpoint(origin: "ledger.example", size: 9, root: .zero).signed(by: stranger)
                #expect(try await post(tree.request(7, 9, note: foreign)).status == 403)
                let unknown = try tree.note(9, of: "elsewhere.example")
                #expect(try await post(tree.request(7, 9, note: unknown)).status == 404)
                #expect(try await post(String(repeating: "x", count: 1 << 17)).status == 413)
                // A journal's log is another log, with a size of its own.
                let journal = try tree.note(4, of: "ledger.example/journal/2")
                #expect(try await post(tree.request(0, 4, note: journal)).status == 200)
                // Of many at a time that begin at one size, one is cosigned.
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for size in 10..<26 { group.addTask { try await post(tree.request(7, size)).status } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses.count { $0 == 200 } == 1)
                #expect(statuses.count { $0 == 409 } == 15)
            }
        }
    }

    @Test("what was cosigned is known after a restart, and a store that was changed is not built upon")
    func durable() async throws {
        try await withTemporaryFolder { folder in
            let tree = Tree()
            func add(_ old: Int, _ size: Int) async throws -> Int {
                let desk = try Self.open(folder)
                return try await desk.add(tree.request(old, size)).status
            }
            #expect(try await add(0, 5) == 200)
            #expect(try await add(0, 6) == 409)
            #expect(try await add(5, 6) == 200)
            let logs = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/logs")
            let file = "\(folder)/logs/\(try #require(logs.first))"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacing("\n6\n", with: "\n4\n").write(toFile: file, atomically: true, encoding: .utf8)
            await #expect(throws: LogFileDamaged.self) { try await add(4, 8) }
        }
    }

    @Test(
        "a log has the witness's cosignatures; one that was set back is stopped by it, in the log's own storage or not"
    )
    func publishing() async throws {
        try await LogBench.with { bench in
            let desk = try Self.open(bench.folder + "-witness")
            try await Self.serving(desk) { url, client in
                let policy = try Self.policy(url)
                let circle = WitnessCircle(policy: policy, client: client)
                let logs = bench.logs(nil, circle)
                try await bench.grow()
                #expect(try await bench.publish(logs).isEmpty)
                try await bench.grow()
                // Another process, which does not know what the witness knows.
                #expect(try await bench.publish(bench.logs(nil, WitnessCircle(policy: policy, client: client))).isEmpty)
                #expect(try await bench.audit(policy).isClean)
                let run = try await LogBench.chargedRun()
                let execution = try #require(try await bench.store.execution(run.execution, of: run.account))
                let receipt = try #require(try await logs.receipt(of: execution, account: run.account))
                #expect(try receipt.verify(key: Self.ledger.verifier, policy: policy).ledger != nil)

                // The storage is lost and the journal set back: nothing that the ledger has tells, but the witness does.
                let size = try #require(try await logs.log(of: JournalID(0)).publishedCheckpoint()).size
                try FileManager.default.removeItem(atPath: bench.folder)
                try await tamper("DELETE FROM ledger.events WHERE position > \(size - 2)")
                let failures = try await bench.publish(logs)
                let refusal = failures.first { $0.log == .journal(JournalID(0)) }?.error as? WitnessRefusal
                guard case .conflict(let witness, 409, _)? = refusal else {
                    Issue.record("\(failures)")
                    return
                }
                #expect(witness == Self.cosigner.verifier.name)
                #expect(!FileManager.default.fileExists(atPath: "\(bench.folder)/journal/0/checkpoint"))
            }
        }
    }

    @Test("without its witnesses a log waits, unless the policy asks for none; with them it goes on")
    func absent() async throws {
        try await LogBench.with { bench in
            try await bench.grow()
            let client = HTTPClient(eventLoopGroupProvider: .singleton)
            let nowhere = "http://127.0.0.1:1"
            let needed = bench.logs(nil, WitnessCircle(policy: try Self.policy(nowhere), client: client))
            let failures = try await bench.publish(needed)
            #expect(failures.count == 2)
            #expect(failures.allSatisfy { if case WitnessRefusal.quorumMissed = $0.error { true } else { false } })
            #expect(!FileManager.default.fileExists(atPath: "\(bench.folder)/checkpoint"))
            let welcome = try Self.policy(nowhere, quorum: "none")
            #expect(try await bench.publish(bench.logs(nil, WitnessCircle(policy: welcome, client: client))).isEmpty)
            #expect(try await bench.audit().isClean)
            try await client.shutdown()
        }
    }
}
