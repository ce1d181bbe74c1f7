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

/// Goal: the logs of a whole ledger, from the events to the one root, are right, and whatever is changed in them is named.
/// Method: real histories in a real database; the files in a folder, or in a bucket that checks signatures.
@Suite("Ledger log", .gated, .database(LedgerDatabase.template(journals: 2)))
struct LedgerLogTests {
    static let signer = NoteSigner(name: "ledger.example", kind: .log, seed: Array(1...32))!

    /// A history, and where its logs are to be.
    struct Bench: Sendable {
        let store: LedgerStore
        let clock: TestClock
        let folder: String

        var files: LogFolder { LogFolder(folder) }

        func logs(_ storage: (any LogStorage)? = nil, _ witnesses: WitnessCircle? = nil) -> LedgerLogSet {
            LedgerLogSet(store: store, storage: storage ?? files, signer: signer, witnesses: witnesses)
        }

        func publish(_ logs: LedgerLogSet? = nil) async throws -> [(log: LogID, error: any Error)] {
            try await LedgerPublisher(logs: logs ?? self.logs()).publish(all: true)
        }

        func grow(_ count: Int = 1) async throws {
            for _ in 0..<count { _ = try await History.make(in: store, clock: clock) }
        }

        func audit(_ policy: WitnessPolicy = WitnessPolicy()) async throws -> LogAuditReport {
            try await LogAudit(files, key: signer.verifier, policy: policy).run()
        }
    }

    /// The files as everybody may read them.
    struct OpenFiles: LogReading {
        let files: LogFolder

        func read(_ path: String) async throws -> [UInt8]? {
            if LogPaths.kind(of: path) == .entries { throw LogAccessRefused(path: path) }
            return try await files.read(path)
        }
    }

    static func withBench(_ body: @Sendable (Bench) async throws -> Void) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withTemporaryFolder { folder in
            try await withStore(settings) { store in
                try await body(Bench(store: store, clock: clock, folder: "\(folder)/log"))
            }
        }
    }

    /// The account and the id of a run that was charged, the latest one.
    static func chargedRun() async throws -> (account: AccountID, execution: ExecutionID) {
        let line = try await psql(
            "SELECT account_id, execution_id FROM ledger.events WHERE type = 'credits.debited' ORDER BY recorded_at DESC LIMIT 1"
        ).split(separator: "\t")
        return (
            try #require(AccountID(text: line[0])), try #require(ExecutionID(text: line[1]))
        )
    }

    @Test("one root stands over all journals, and receipts of a run go up to it")
    func oneRoot() async throws {
        try await Self.withBench { bench in
            #expect(try await bench.publish().isEmpty)
            let empty = try await bench.logs().ledger.publishedCheckpoint()
            #expect(empty?.size == 0)
            try await bench.grow(4)
            #expect(try await bench.publish().isEmpty)
            try await bench.grow()
            #expect(try await bench.publish().isEmpty)
            let report = try await bench.audit()
            #expect(report.findings == [])
            #expect(report.logs.map(\.checkpoint.origin) == ["ledger.example", "ledger.example/journal/0", "ledger.example/journal/1"])
            let events = try await count("SELECT count(*) FROM ledger.events")
            #expect(report.logs.dropFirst().reduce(0) { $0 + Int($1.checkpoint.size) } == events)
            #expect(report.logs.dropFirst().contains { $0.checkpoint.size > 256 })
            #expect(report.logs.allSatisfy(\.hasEntries))

            let run = try await Self.chargedRun()
            let execution = try #require(try await bench.store.execution(run.execution, of: run.account))
            let bundle = try #require(try await bench.logs().receipt(of: execution, account: run.account))
            let text = bundle.description
            let contents = try #require(ReceiptBundle(text)).verify(key: Self.signer.verifier)
            #expect(contents.ledger == report.logs[0].checkpoint)
            #expect(contents.events.contains { $0.type == "credits.debited" })
            #expect(contents.events.allSatisfy { $0.account == run.account.description })
            let facts = Dictionary(uniqueKeysWithValues: try #require(contents.events.last).described.map { ($0.name, $0.value) })
            #expect(facts["execution_id"] == run.execution.description)

            // Nothing of it can be changed, nor left out of the way up.
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            for line in lines.indices where !lines[line].isEmpty {
                var changed = lines
                let middle = lines[line].index(lines[line].startIndex, offsetBy: lines[line].count / 2)
                changed[line].replaceSubrange(middle...middle, with: [lines[line][middle] == "1" ? "2" : "1"])
                let spoilt = ReceiptBundle(changed.joined(separator: "\n"))
                #expect(
                    (try? spoilt?.verify(key: Self.signer.verifier)) == nil,
                    "line \(line): \(lines[line])"
                )
            }
            let topOnly = ReceiptBundle([bundle.proofs.last!])
            #expect(throws: ReceiptBundle.Fault.self) { try topOnly.verify(key: Self.signer.verifier) }
            let stranger = NoteSigner(name: "ledger.example", kind: .log, seed: Array(2...33))!
            #expect(throws: ReceiptBundle.Fault.self) { try bundle.verify(key: stranger.verifier) }

            // The program that shares no code says the same.
            let proof = bench.folder + ".tlog-proof"
            try text.write(toFile: proof, atomically: true, encoding: .utf8)
            for arguments in [[bench.folder], ["--receipt", proof]] {
                let (exit, output) = try await ChildProcess.run(
                    ["python3", "\(PythonTools.sources)/scripts/verify-log", "--key", Self.signer.verifier.description]
                        + arguments
                )
                #expect(exit == .exited(code: 0), "\(output)")
            }
        }
    }

    @Test("a receipt is pending until every event of the run is published, and stands alone until the ledger's log has it")
    func pending() async throws {
        try await Self.withBench { bench in
            try await bench.grow()
            let run = try await Self.chargedRun()
            let execution = try #require(try await bench.store.execution(run.execution, of: run.account))
            let logs = bench.logs()
            #expect(try await logs.receipt(of: execution, account: run.account) == nil)
            _ = try await logs.log(of: run.execution.journal).publish()
            let alone = try #require(try await logs.receipt(of: execution, account: run.account))
            #expect(try alone.verify(key: Self.signer.verifier).ledger == nil)
            #expect(try await bench.publish().isEmpty)
            let whole = try #require(try await logs.receipt(of: execution, account: run.account))
            #expect(try whole.verify(key: Self.signer.verifier).ledger != nil)
        }
    }

    @Test("whatever is changed in the files is named: each tile, bundle and checkpoint, and what is missing")
    func changedFiles() async throws {
        try await Self.withBench { bench in
            try await bench.grow(3)
            #expect(try await bench.publish().isEmpty)
            try await bench.grow(2)
            #expect(try await bench.publish().isEmpty)
            #expect(try await bench.audit().isClean)
            let manager = FileManager.default
            let paths = (manager.enumerator(atPath: bench.folder)?.allObjects as? [String] ?? []).filter { path in
                var isFolder: ObjCBool = false
                return manager.fileExists(atPath: "\(bench.folder)/\(path)", isDirectory: &isFolder) && !isFolder.boolValue
            }
            // Files of sizes between are no part of the log that stands.
            var standing: Set<String> = []
            for log in try await bench.audit().logs {
                let origin = log.checkpoint.origin
                let prefix = LedgerLogs.journal(ofName: origin).map { LedgerLogs.prefix(ofJournal: $0) } ?? ""
                standing.insert(prefix + "checkpoint")
                for tile in Tile.hashTiles(ofTree: log.checkpoint.size) {
                    standing.insert(prefix + tile.path)
                    if tile.kind == .hashes(level: 0) {
                        standing.insert(prefix + Tile(.entries, index: tile.index, width: tile.width).path)
                    }
                }
            }
            #expect(standing.isSubset(of: paths))
            #expect(standing.contains { $0.contains("tile/1/") })
            for path in standing.sorted() {
                let file = URL(fileURLWithPath: "\(bench.folder)/\(path)")
                let intact = try Data(contentsOf: file)
                var changed = intact
                changed[changed.count * 2 / 3] ^= 1
                try changed.write(to: file)
                let finding = try #require(try await bench.audit().findings.first, "\(path)")
                #expect(finding.path == path, "\(finding)")
                if LogPaths.kind(of: path) != .entries {
                    let open = try await LogAudit(OpenFiles(files: bench.files), key: Self.signer.verifier).run()
                    #expect(!open.isClean, "\(path)")
                    if path.hasSuffix("tile/0/000") { #expect(open.findings.map(\.path) == [path]) }
                }
                try manager.removeItem(at: file)
                let missing = try #require(try await bench.audit().findings.first, "\(path)")
                #expect(missing.path == path && missing.reason.contains("missing"), "\(missing)")
                try intact.write(to: file)
            }
            #expect(try await bench.audit().isClean)
        }
    }

    @Test("a log whose key signs another past is found by the checkpoints that the ledger's log holds")
    func anotherPast() async throws {
        try await Self.withBench { bench in
            try await bench.grow()
            #expect(try await bench.publish().isEmpty)
            let journals = try await bench.audit().logs.dropFirst().map(\.checkpoint)
            let first = try #require(journals.first)
            let number = try #require(LedgerLogs.journal(ofName: first.origin))
            try await bench.grow()
            #expect(try await bench.publish().isEmpty)
            let folder = "\(bench.folder)/journal/\(number)"

            // Whoever has the key signs a log with other events, all of it consistent in itself.
            var edge = RightEdge()
            var entries: [[UInt8]] = []
            for index in 0..<(first.size + 3) {
                entries.append(Array("event \(index)".utf8))
                edge.append(MerkleHash.leaf(entries.last!))
            }
            try FileManager.default.removeItem(atPath: folder)
            let forged = LogFolder(folder)
            for tile in edge.partialTiles { try await forged.write(TileBytes.encode(tile.hashes), to: tile.tile.path) }
            let bundle = Tile(.entries, index: 0, width: entries.count)
            try await forged.write(TileBytes.encode(entries: entries)!, to: bundle.path)
            let signer = Self.signer.named(first.origin)!
            let size = edge.size
            let checkpoint = Checkpoint(origin: first.origin, size: size, root: edge.root)
            try await forged.write(Array(try checkpoint.signed(by: signer).description.utf8), to: "checkpoint")
            let finding = try #require(try await bench.audit().findings.first)
            #expect(finding.origin == first.origin)
            #expect(finding.reason.contains("set back") || finding.entry == 0, "\(finding)")

            // The publisher does not build upon it either.
            let failures = try await bench.publish()
            #expect(failures.map(\.log) == [.journal(JournalID(number))])
        }
    }

    @Test("entries of the ledger's log are the ledger's for good, and a ledger that was set back is not signed again")
    func appendOnly() async throws {
        try await Self.withBench { bench in
            try await bench.grow()
            #expect(try await bench.publish().isEmpty)
            for change in ["UPDATE ledger.log_checkpoints SET size = 1", "DELETE FROM ledger.log_checkpoints"] {
                await #expect(throws: LocalClusterError.self) { try await psql(change) }
            }
            let published = try #require(try await bench.logs().ledger.publishedCheckpoint())
            try await psql(
                """
                ALTER TABLE ledger.log_checkpoints DISABLE TRIGGER USER;
                DELETE FROM ledger.log_checkpoints WHERE position = \(published.size)
                """
            )
            try await bench.grow()
            let failures = try await bench.publish()
            #expect(failures.map(\.log) == [.ledger], "\(failures)")
            #expect(try await bench.logs().ledger.publishedCheckpoint() == published)
        }
    }

    @Test("events that were swapped, changed with every hash after them, or dropped with their partition: the log says so")
    func againstTheDatabase() async throws {
        try await Self.withBench { bench in
            try await bench.grow(2)
            #expect(try await bench.publish().isEmpty)
            let run = try await Self.chargedRun()
            let journal = run.execution.journal
            let log = bench.logs().log(of: journal)
            let published = try #require(try await log.compare())
            try await psql("CREATE TABLE public.kept AS TABLE ledger.events")
            func afterwards(_ sql: String, _ body: () async throws -> Void) async throws {
                try await tamper(sql)
                try await body()
                try await tamper("DELETE FROM ledger.events; INSERT INTO ledger.events TABLE public.kept")
                #expect(try await log.compare() == published)
            }
            // Two events of one place each, in the middle; their hashes are made anew, as whoever may do that would.
            let place = "journal = \(journal.number) AND position"
            try await afterwards(
                """
                UPDATE ledger.events SET position = 900000 WHERE \(place) = 6;
                UPDATE ledger.events SET position = 6 WHERE \(place) = 7;
                UPDATE ledger.events SET position = 7 WHERE \(place) = 900000;
                UPDATE ledger.events SET hash = ledger.event_hash(events) WHERE \(place) IN (6, 7)
                """
            ) {
                await #expect(throws: LogPublishingError.eventDiffers(position: 6)) { try await log.compare() }
            }
            try await afterwards(
                """
                UPDATE ledger.events SET request_id = gen_random_uuid() WHERE \(place) = 9;
                UPDATE ledger.events SET hash = ledger.event_hash(events) WHERE \(place) = 9
                """
            ) {
                await #expect(throws: LogPublishingError.eventDiffers(position: 9)) { try await log.compare() }
            }
            let partition = try await psql("SELECT tableoid::regclass FROM ledger.events LIMIT 1")
            try await psql(
                "BEGIN; SELECT ledger_guard.open_migration_window('a test'); DROP TABLE \(partition); COMMIT"
            )
            let finding = try #require(try await bench.store.verify().findings.first)
            #expect(finding.kind == .journalHead)
            await #expect(throws: LogPublishingError.journalIsShorter(published: published.size)) {
                try await log.compare()
            }
            #expect(try await bench.publish().map(\.log).contains(.journal(journal)))
            // The log has them still, byte by byte.
            #expect(try await bench.audit().isClean)
        }
    }

    @Test("many publishers at a time make one log")
    func manyPublishers() async throws {
        try await Self.withBench { bench in
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
        try await Self.withBench { bench in
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
                    let inBucket = try await LogAudit(bucket, key: Self.signer.verifier).run()
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
