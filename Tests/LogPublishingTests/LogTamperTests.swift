import Foundation
import Ledger
import LedgerStore
import LedgerTestSupport
import LocalCluster
import LogFiles
import LogPublishing
import TestSupport
import Testing
import TransparencyLog

/// Goal: whatever is changed, in the logs or in the database behind them, is named by what an auditor asks.
/// Method: real histories that were published; one change at a time, as whoever owns the disk, the database or the key can make it.
@Suite("Tampered logs", .gated, .database(LedgerDatabase.template(journals: 2)))
struct LogTamperTests {
    @Test("whatever is changed in the files is named: each tile, bundle and checkpoint, and what is missing")
    func changedFiles() async throws {
        try await LogBench.with { bench in
            try await bench.grow(3)
            #expect(try await bench.publish().isEmpty)
            try await bench.grow(2)
            #expect(try await bench.publish().isEmpty)
            #expect(try await bench.audit().isClean)
            let manager = FileManager.default
            let paths = (manager.enumerator(atPath: bench.folder)?.allObjects as? [String] ?? []).filter { path in
                var isFolder: ObjCBool = false
                return manager.fileExists(atPath: "\(bench.folder)/\(path)", isDirectory: &isFolder)
                    && !isFolder.boolValue
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
                    let open = try await LogAudit(OpenFiles(files: bench.files), key: LogBench.signer.verifier).run()
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
        try await LogBench.with { bench in
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
            let signer = LogBench.signer.named(first.origin)!
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
        try await LogBench.with { bench in
            try await bench.grow()
            #expect(try await bench.publish().isEmpty)
            for change in ["UPDATE ledger.log_checkpoints SET size = 1", "DELETE FROM ledger.log_checkpoints"] {
                await #expect(throws: LocalClusterError.self) { try await psql(change) }
            }
            let published = try #require(try await bench.logs().ledger.publishedCheckpoint())
            try await tamper(
                """
                ALTER TABLE ledger.log_checkpoints DISABLE TRIGGER USER;
                DELETE FROM ledger.log_checkpoints WHERE position = \(published.size)
                """
            )
            // In every journal: a journal that stayed as it was would have the same checkpoint taken down again.
            for number in 0..<bench.store.journalCount {
                _ = try await Tenant.open(in: bench.store, journal: JournalID(number))
            }
            let failures = try await bench.publish()
            #expect(failures.map(\.log) == [.ledger], "\(failures)")
            #expect(try await bench.logs().ledger.publishedCheckpoint() == published)
        }
    }

    @Test(
        "events that were swapped, changed with every hash after them, or dropped with their partition: the log says so"
    )
    func againstTheDatabase() async throws {
        try await LogBench.with { bench in
            try await bench.grow(2)
            #expect(try await bench.publish().isEmpty)
            let run = try await LogBench.chargedRun()
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
}
