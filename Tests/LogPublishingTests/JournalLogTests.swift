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

@Suite("Journal log", .gated, .database(LedgerDatabase.template(journals: 1)))
struct JournalLogTests {
    private static let signer = NoteSigner(name: "ledger.example/journal/0", kind: .log, seed: Array(1...32))!
    private static let journal = JournalID(0)

    private func withLog(_ body: (LedgerStore, TestClock, PublishedLog, URL) async throws -> Void) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await withStore(settings) { store in
            try await body(store, clock, log(of: store, in: folder), folder)
        }
    }

    private func log(of store: LedgerStore, in folder: URL, signer: NoteSigner = signer) -> PublishedLog {
        PublishedLog(
            of: JournalSource(Self.journal, in: store),
            storage: LogFolder(folder.path),
            signer: signer,
            pageSize: 100
        )
    }

    private func allEvents(_ store: LedgerStore) async throws -> [Event] {
        try await store.events(in: Self.journal, after: 0, limit: 100_000)
    }

    @Test("an empty journal has a checkpoint of an empty tree")
    func empty() async throws {
        try await withLog { _, _, log, _ in
            let checkpoint = try await log.publish()
            #expect(checkpoint.size == 0)
            #expect(checkpoint.root == MerkleHash.emptyRoot)
            #expect(try await log.receipt(at: 1) == nil)
        }
    }

    @Test("a log that is published in steps has the root over the events' own hashes, and a receipt for each")
    func inSteps() async throws {
        try await withLog { store, clock, log, _ in
            var sizes: [UInt64] = []
            for _ in 0..<4 {
                _ = try await History.make(in: store, clock: clock)
                let checkpoint = try await log.publish()
                let events = try await allEvents(store)
                #expect(checkpoint.size == UInt64(events.count))
                #expect(checkpoint.root == MerkleHash.root(of: events.map(\.hash)))
                sizes.append(checkpoint.size)
            }
            let events = try await allEvents(store)
            // More than one full tile, so that the second level is used.
            #expect(events.count > 256)
            #expect(Set(sizes).count == 4)
            for event in events {
                let proof = try #require(try await log.receipt(at: event.position))
                _ = try proof.verify(event.hash, log: Self.signer.verifier)
                // What comes with it is the entry: an auditor needs nothing else.
                #expect(MerkleHash.leaf(try #require(proof.extra)) == event.hash)
            }
            #expect(try await log.receipt(at: Int64(events.count) + 1) == nil)
        }
    }

    @Test("publishing again without new events changes no file")
    func unchanged() async throws {
        try await withLog { store, clock, log, folder in
            _ = try await History.make(in: store, clock: clock)
            let first = try await log.publish()
            let before = try files(folder)
            #expect(try await log.publish() == first)
            #expect(try files(folder) == before)
        }
    }

    @Test("files that a crash left without a checkpoint are written again")
    func crashed() async throws {
        try await withLog { store, clock, log, folder in
            _ = try await History.make(in: store, clock: clock)
            try await log.publish()
            let checkpoint = folder.appendingPathComponent("checkpoint")
            let signed = try Data(contentsOf: checkpoint)
            for _ in 0..<4 { _ = try await History.make(in: store, clock: clock) }
            let whole = try await log.publish()
            // As if the publisher had died just before it put the second checkpoint in place.
            try signed.write(to: checkpoint)
            #expect(try await log.publish() == whole)
        }
    }

    @Test("a journal that lost its tail, or whose past was changed, is not signed again")
    func setBack() async throws {
        try await withLog { store, clock, log, folder in
            _ = try await History.make(in: store, clock: clock)
            let published = try await log.publish()
            let before = try files(folder)
            let last = published.size
            try await tamper("DELETE FROM ledger.events WHERE position = \(last)")
            await #expect(throws: LogPublishingError.journalIsShorter(published: last)) { try await log.publish() }
            #expect(try files(folder) == before)
        }
    }

    @Test("an event whose columns were changed is not published, nor anything after it")
    func changedEvent() async throws {
        try await withLog { store, clock, log, folder in
            _ = try await History.make(in: store, clock: clock)
            let before = try await log.publish()
            _ = try await History.make(in: store, clock: clock)
            let position = Int64(before.size) + 5
            try await tamper("UPDATE ledger.events SET model = 'other' WHERE position = \(position)")
            await #expect(throws: LogPublishingError.eventDamaged(position: position)) { try await log.publish() }
            try await tamper("DELETE FROM ledger.events WHERE position = \(position)")
            await #expect(throws: LogPublishingError.gap(position: position)) { try await log.publish() }
            let note = try String(contentsOf: folder.appendingPathComponent("checkpoint"), encoding: .utf8)
            #expect(Checkpoint(try #require(SignedNote(note)), signedBy: Self.signer.verifier) == before)
        }
    }

    @Test("the last published event, replaced by one with a hash of its own, is not built upon")
    func replacedEvent() async throws {
        try await withLog { store, clock, log, _ in
            _ = try await History.make(in: store, clock: clock)
            let size = try await log.publish().size
            try await tamper(
                """
                UPDATE ledger.events SET detail = NULL WHERE position = \(size);
                UPDATE ledger.events SET hash = ledger.event_hash(events) WHERE position = \(size)
                """
            )
            await #expect(throws: LogPublishingError.eventDiffers(position: Int64(size))) { try await log.publish() }
        }
    }

    @Test("a changed tile, a foreign checkpoint and a missing bundle stop the log")
    func damagedFiles() async throws {
        try await withLog { store, clock, log, folder in
            for _ in 0..<4 { _ = try await History.make(in: store, clock: clock) }
            let size = try await log.publish().size
            let partial = folder.appendingPathComponent("tile/0/00\(size / 256).p/\(size % 256)")
            let intact = try Data(contentsOf: partial)
            var changed = intact
            changed[7] ^= 1
            try changed.write(to: partial)
            await #expect(throws: LogPublishingError.rootDiffers(size: size)) { try await log.publish() }
            try intact.dropLast().write(to: partial)
            await #expect(throws: LogFileDamaged.self) { try await log.publish() }
            try intact.write(to: partial)
            let bundle = folder.appendingPathComponent("tile/entries/00\(size / 256).p/\(size % 256)")
            try FileManager.default.removeItem(at: bundle)
            await #expect(throws: LogFileDamaged.self) { try await log.receipt(at: Int64(size)) }
            let stranger = NoteSigner(name: "ledger.example/journal/0", kind: .log, seed: Array(2...33))!
            let foreign = self.log(of: store, in: folder, signer: stranger)
            await #expect(throws: LogPublishingError.checkpointNotOurs) { try await foreign.publish() }
        }
    }

    @Test("a program that shares no code with the service accepts the log and its receipts, and no changed byte")
    func outsideVerifier() async throws {
        try await withLog { store, clock, log, folder in
            for _ in 0..<4 { _ = try await History.make(in: store, clock: clock) }
            let size = try await log.publish().size
            let script = "\(PythonTools.sources)/scripts/verify-log"
            let key = Self.signer.verifier.description
            func verify(_ arguments: [String]) async throws -> (exit: ChildProcess.Exit, text: String) {
                let (exit, output) = try await ChildProcess.run(["python3", script, "--key", key] + arguments)
                return (exit, output)
            }
            let whole = try await verify([folder.path])
            #expect(whole.exit == .exited(code: 0), "\(whole.text)")
            #expect(whole.text.contains("\"size\": \(size)"))

            let receipt = folder.appendingPathComponent("r.tlog-proof")
            let proof = try #require(try await log.receipt(at: Int64(size) - 3))
            try proof.description.write(to: receipt, atomically: true, encoding: .utf8)
            #expect(try await verify(["--receipt", receipt.path]).exit == .exited(code: 0))
            let lines = proof.description.split(separator: "\n", omittingEmptySubsequences: false)
            for line in [1, 3, lines.count - 2] {
                var changed = lines.map(String.init)
                let middle = changed[line].index(changed[line].startIndex, offsetBy: changed[line].count / 2)
                let other: Character = changed[line][middle] == "A" ? "B" : "A"
                changed[line].replaceSubrange(middle...middle, with: [other])
                try changed.joined(separator: "\n").write(to: receipt, atomically: true, encoding: .utf8)
                #expect(try await verify(["--receipt", receipt.path]).exit == .exited(code: 1), "line \(line)")
            }
            try FileManager.default.removeItem(at: receipt)

            for (path, intact) in try files(folder) {
                let file = folder.appendingPathComponent(path)
                var changed = intact
                changed[changed.count / 2] ^= 1
                try changed.write(to: file)
                #expect(try await verify([folder.path]).exit != .exited(code: 0), "\(path)")
                try intact.write(to: file)
            }
            #expect(try await verify([folder.path]).exit == .exited(code: 0))
        }
    }

    /// The hashes of the log are made by our own code, of which these programs share none: Go's `x/mod/sumdb`, and Python's
    /// pymerkle and cryptography, each as a process of its own.
    @Test(
        "Go's checksum database and pymerkle accept the log, its receipts and its growth, and nothing that was changed"
    )
    func outsideLibraries() async throws {
        try await withLog { store, clock, log, folder in
            _ = try await History.make(in: store, clock: clock)
            let old = try await log.publish()
            for _ in 0..<3 { _ = try await History.make(in: store, clock: clock) }
            let size = try await log.publish().size
            #expect(size > 256)
            var receipts: [String] = []
            for position in [1, Int64(old.size), 256, 257, Int64(size)] {
                let proof = try #require(try await log.receipt(at: position))
                receipts.append("\(folder.path)-\(position).tlog-proof")
                try proof.description.write(toFile: receipts.last!, atomically: true, encoding: .utf8)
            }
            defer { for receipt in receipts { try? FileManager.default.removeItem(atPath: receipt) } }
            let tools = try await OutsideTools.make()
            let key = Self.signer.verifier.description
            let go = try await tools.go(["log", folder.path, key, "\(old.size)"] + receipts)
            // It tells the root of the old size too, which it has recomputed from the tiles.
            #expect(go.isGood && go.text.hasPrefix("holds \(size) \(old.root.base64)"), "\(go.text)")
            for receipt in receipts {
                let python = try await tools.python([folder.path, key, receipt])
                #expect(python.isGood && python.text.hasPrefix("holds \(size)"), "\(python.text)")
            }

            // Each thing of the receipt that can be wrong: entry, index, a hash, the root, the signature.
            let lines = try String(contentsOfFile: receipts[2], encoding: .utf8).split(
                separator: "\n",
                omittingEmptySubsequences: false
            ).map(String.init)
            let spoilt = receipts[2] + ".spoilt"
            defer { try? FileManager.default.removeItem(atPath: spoilt) }
            for line in [1, 2, 3, lines.count - 4, lines.count - 2] {
                var changed = lines
                changed[line] = line == 2 ? "index 254" : Self.changed(lines[line])
                try changed.joined(separator: "\n").write(toFile: spoilt, atomically: true, encoding: .utf8)
                #expect(
                    try await tools.go(["log", folder.path, key, "\(old.size)", spoilt]).isGood == false,
                    "go, line \(line)"
                )
                #expect(try await tools.python([folder.path, key, spoilt]).isGood == false, "python, line \(line)")
            }
            let tile = folder.appendingPathComponent("tile/0/000")
            var bytes = try Data(contentsOf: tile)
            bytes[100] ^= 1
            try bytes.write(to: tile)
            #expect(try await tools.go(["log", folder.path, key, "\(old.size)"] + receipts).isGood == false)
        }
    }

    /// Base64 with another digit in the middle.
    private static func changed(_ line: String) -> String {
        var line = line
        let middle = line.index(line.startIndex, offsetBy: line.count / 2)
        line.replaceSubrange(middle...middle, with: [line[middle] == "A" ? "B" : "A"])
        return line
    }

    private func files(_ folder: URL) throws -> [String: Data] {
        var files: [String: Data] = [:]
        let enumerator = FileManager.default.enumerator(atPath: folder.path)
        while let path = enumerator?.nextObject() as? String {
            let url = folder.appendingPathComponent(path)
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else { continue }
            if !isFolder.boolValue { files[path] = try Data(contentsOf: url) }
        }
        return files
    }
}
