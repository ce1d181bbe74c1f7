import AsyncHTTPClient
import Foundation
import Hummingbird
import Ledger
import LedgerStore
import LedgerTestSupport
import LocalCluster
import LogFiles
import LogPublishing
import NetworkTestSupport
import ObjectStorage
import TestSupport
import Testing
import TransparencyLog

/// Goal: the logs of a whole ledger, from the events to the one root, are right, and so are the receipts that go up to it.
/// Method: real histories in a real database; the files in a folder, or in a bucket that checks signatures.
@Suite("Ledger log", .gated, .database(LedgerDatabase.template(journals: 2)))
struct LedgerLogTests {
    @Test("one root stands over all journals, and receipts of a run go up to it")
    func oneRoot() async throws {
        try await LogBench.with { bench in
            #expect(try await bench.publish().isEmpty)
            let empty = try await bench.logs().ledger.publishedCheckpoint()
            #expect(empty?.size == 0)
            try await bench.grow(4)
            #expect(try await bench.publish().isEmpty)
            try await bench.grow()
            let run = try await bench.wholeRun()
            #expect(try await bench.publish().isEmpty)
            let report = try await bench.audit()
            #expect(report.findings == [])
            #expect(
                report.logs.map(\.checkpoint.origin) == [
                    "ledger.example", "ledger.example/journal/0", "ledger.example/journal/1",
                ]
            )
            let events = try await count("SELECT count(*) FROM ledger.events")
            #expect(report.logs.dropFirst().reduce(0) { $0 + Int($1.checkpoint.size) } == events)
            #expect(report.logs.dropFirst().contains { $0.checkpoint.size > 256 })
            #expect(report.logs.allSatisfy { $0.hasEntries })

            let execution = try #require(try await bench.store.execution(run.execution, of: run.account))
            let bundle = try #require(try await bench.logs().receipt(of: execution, account: run.account))
            let text = bundle.description
            let contents = try #require(ReceiptBundle(text)).verify(key: LogBench.signer.verifier)
            #expect(contents.ledger == report.logs[0].checkpoint)
            // Every event of the run and no other, as they are stored.
            let stored = try await psql(
                """
                SELECT position, type FROM ledger.events WHERE execution_id = '\(run.execution)' ORDER BY position
                """
            )
            #expect(contents.events.map { "\($0.position)\t\($0.type)" }.joined(separator: "\n") == stored)
            #expect(
                contents.events.map(\.type) == [
                    "request.received", "capability.granted", "rate_limit.counted", "credits.held",
                    "execution.submitted", "execution.succeeded", "credits.debited", "credits.released",
                ]
            )
            #expect(contents.events.allSatisfy { $0.account == run.account.description })

            try expectNothingElse(bundle)
            try await expectOthers(text, bench)
        }
    }

    /// The programs that share no code say the same, of the receipts and of each part of them that can be spoilt.
    private func expectOthers(_ text: String, _ bench: LogBench) async throws {
        let tools = try await OutsideTools.make()
        let key = LogBench.signer.verifier.description
        let proof = bench.folder + ".tlog-proof"
        func verdicts(_ text: String) async throws -> [(isGood: Bool, text: String)] {
            try text.write(toFile: proof, atomically: true, encoding: .utf8)
            let script = "\(PythonTools.sources)/scripts/verify-log"
            let (exit, output) = try await ChildProcess.run(["python3", script, "--key", key, "--receipt", proof])
            return [(exit == .exited(code: 0), output), try await tools.go(["bundle", key, proof])]
        }
        let count = text.components(separatedBy: "\nindex ").count - 2
        let whole = try await verdicts(text)
        #expect(whole.allSatisfy { $0.isGood }, "\(whole)")
        #expect(whole[0].text.components(separatedBy: "\"type\": ").count - 1 == count)
        #expect(whole[1].text == "holds \(count)\n")
        let (exit, output) = try await ChildProcess.run(
            ["python3", "\(PythonTools.sources)/scripts/verify-log", "--key", key, bench.folder]
        )
        #expect(exit == .exited(code: 0), "\(output)")

        // Of the second receipt: its entry, its place, a hash, its log, the size, the root, the signature. And all of its
        // hashes, and the journal's checkpoint in the last one.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let heads = lines.indices.filter { lines[$0].hasPrefix("c2sp.org/") }
        let blank = try #require(lines[heads[1]...].firstIndex(of: ""))
        for line in [
            heads[1] + 1, heads[1] + 2, heads[1] + 3, blank + 1, blank + 2, blank + 3, blank + 5, heads.last! + 1,
        ] {
            var changed = lines
            let middle = lines[line].index(lines[line].startIndex, offsetBy: lines[line].count / 2)
            changed[line].replaceSubrange(middle...middle, with: [lines[line][middle] == "1" ? "2" : "1"])
            let spoilt = try await verdicts(changed.joined(separator: "\n"))
            #expect(spoilt.allSatisfy { !$0.isGood }, "line \(line): \(lines[line]): \(spoilt)")
        }
        var cut = lines
        cut.removeSubrange(heads[1] + 3..<blank)
        let spoilt = try await verdicts(cut.joined(separator: "\n"))
        #expect(spoilt.allSatisfy { !$0.isGood }, "\(spoilt)")
    }

    /// Expects that nothing of a bundle can be changed, nor left out of the way up.
    private func expectNothingElse(_ bundle: ReceiptBundle) throws {
        let lines = bundle.description.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for line in lines.indices where !lines[line].isEmpty {
            var changed = lines
            let middle = lines[line].index(lines[line].startIndex, offsetBy: lines[line].count / 2)
            changed[line].replaceSubrange(middle...middle, with: [lines[line][middle] == "1" ? "2" : "1"])
            let spoilt = ReceiptBundle(changed.joined(separator: "\n"))
            #expect(
                (try? spoilt?.verify(key: LogBench.signer.verifier)) == nil,
                "line \(line): \(lines[line])"
            )
        }
        let topOnly = ReceiptBundle([bundle.proofs.last!])
        #expect(throws: ReceiptBundle.Fault.self) { try topOnly.verify(key: LogBench.signer.verifier) }
        let stranger = NoteSigner(name: "ledger.example", kind: .log, seed: Array(2...33))!
        #expect(throws: ReceiptBundle.Fault.self) { try bundle.verify(key: stranger.verifier) }
    }

    @Test(
        "a receipt is pending until every event of the run is published, and stands alone until the ledger's log has it"
    )
    func pending() async throws {
        try await LogBench.with { bench in
            try await bench.grow()
            let run = try await LogBench.chargedRun()
            let execution = try #require(try await bench.store.execution(run.execution, of: run.account))
            let logs = bench.logs()
            #expect(try await logs.receipt(of: execution, account: run.account) == nil)
            _ = try await logs.log(of: run.execution.journal).publish()
            let alone = try #require(try await logs.receipt(of: execution, account: run.account))
            #expect(try alone.verify(key: LogBench.signer.verifier).ledger == nil)
            #expect(try await bench.publish().isEmpty)
            let whole = try #require(try await logs.receipt(of: execution, account: run.account))
            #expect(try whole.verify(key: LogBench.signer.verifier).ledger != nil)
        }
    }

    @Test("many publishers at a time make one log")
    func manyPublishers() async throws {
        try await LogBench.with { bench in
            try await bench.grow()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<6 { _ = try await bench.publish() }
                    }
                }
                group.addTask { try await bench.grow(2) }
                try await group.waitForAll()
            }
            #expect(try await bench.publish().isEmpty)
            let report = try await bench.audit()
            #expect(report.findings == [])
            #expect(report.logs[0].checkpoint.size >= 2)
        }
    }

    @Test("a bucket holds the same files as a folder, and the log goes on in it")
    func bucket() async throws {
        try await LogBench.with { bench in
            try await bench.grow(3)
            #expect(try await bench.publish().isEmpty)
            let paths = try await MotoServer.with(bucket: "ledger-log") { moto -> [String] in
                let client = HTTPClient(eventLoopGroupProvider: .singleton)
                do {
                    let configuration = try S3Configuration(
                        bucket: moto.bucket,
                        endpoint: moto.endpoint,
                        accessKeyID: moto.accessKeyID,
                        secretAccessKey: moto.secretAccessKey,
                        urlStyle: .path
                    )
                    let bucket = LogBucket(S3Client(configuration, client: client) { Int64(time(nil)) })
                    let logs = bench.logs(bucket)
                    #expect(try await bucket.read("checkpoint") == nil)
                    #expect(try await bench.publish(logs).isEmpty)
                    try await bench.grow()
                    #expect(try await bench.publish(logs).isEmpty)
                    #expect(try await bench.publish().isEmpty)
                    let inBucket = try await LogAudit(bucket, key: LogBench.signer.verifier).run()
                    #expect(inBucket.findings == [])
                    let inFolder = try await bench.audit()
                    #expect(inBucket.logs == inFolder.logs)
                    let names = try await moto.boto3(
                        "print('\\n'.join(o['Key'] for o in s3.list_objects_v2(Bucket=bucket)['Contents']))"
                    )
                    try await client.shutdown()
                    return names.split(separator: "\n").map(String.init)
                } catch {
                    try? await client.shutdown()
                    throw error
                }
            }
            for path in paths {
                #expect(FileManager.default.fileExists(atPath: "\(bench.folder)/\(path)"), "\(path)")
                #expect(LogPaths.kind(of: path) != nil, "\(path)")
            }
            #expect(paths.contains("journal/1/checkpoint"))
        }
    }
}
