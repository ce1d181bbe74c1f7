import Books
import Exports
import Foundation
import Glibc
import HistoryTestSupport
import Ledger
import LedgerTestSupport
import Registry
import TestSupport
import Testing

/// Goal: an export of a range is a part of the whole to the byte, whether it was interrupted or not.
/// Method: a random ledger, exported whole, in two ranges, and by the program, which is killed at any moment.
@Suite("Ranges of exports", .gated, .database(StoredLedger.template))
struct ExportRangeTests {
    private static let kinds: [ExportKind] = [.events, .postings, .focus, .beancount, .hledger]

    @Test("two ranges that meet hold what one over both holds, and books that begin later open with what was held")
    func ranges() async throws {
        let ledger = RandomLedger(seed: 34, journalCount: StoredLedger.journalCount, eventCount: 2_000)
        try await StoredLedger.store(ledger)
        let lengths = ledger.journals.map { Int64($0.count) }
        let (a, b, c) = (lengths.map { $0 / 5 + 1 }, lengths.map { $0 * 3 / 5 + 1 }, lengths.map { $0 * 9 / 10 + 1 })
        try await withTemporaryFolder { folder in
            for kind in Self.kinds {
                let price = kind == .focus ? "0.01" : nil
                func range(_ from: [Int64], _ to: [Int64], _ name: String) async throws -> ExportManifest {
                    let bounds = ExportBounds(from: .positions(from), to: .positions(to))
                    return try await export(kind, to: "\(folder)/\(kind)-\(name)", bounds: bounds, price: price)
                }
                let first = try await range(a, b, "ab")
                let whole = try await range(a, c, "ac")
                var follows = ExportBounds(after: first)
                follows.to = .positions(c)
                let second = try await export(kind, to: "\(folder)/\(kind)-bc", bounds: follows, price: price)
                #expect(second.heads.map(\.hashBefore) == first.heads.map(\.hash))
                #expect(second.heads.map(\.hash) == whole.heads.map(\.hash))
                #expect(second.heads.map(\.root) == whole.heads.map(\.root))
                for (head, events) in zip(second.heads, ledger.journals) {
                    #expect(head.eventHash == events[Int(head.range.through) - 1].hash)
                }
                for journal in 0..<StoredLedger.journalCount {
                    let parts =
                        try rows(first, of: journal, "\(folder)/\(kind)-ab")
                        + rows(second, of: journal, "\(folder)/\(kind)-bc")
                    #expect(try parts == rows(whole, of: journal, "\(folder)/\(kind)-ac"), "\(kind), \(journal)")
                    #expect(parts.count > 20)
                }
            }
            for accountant in Accountant.all { try await expect(accountant, folder) }
            try await expectTimes(ledger, folder)
            try await expectRefusals(lengths, folder)
            // The export of another ledger is not followed upon.
            let other = try read("\(folder)/events-ab/manifest.json").replacing(/"head_hash":"../) { _ in
                #""head_hash":"00"#
            }
            let foreign = ExportBounds(after: try #require(ExportManifest(try JSONValue(text: other))))
            await #expect(throws: ExportError.ledgerDiffers(journal: 0)) {
                try await export(.events, to: "\(folder)/refused", bounds: foreign)
            }
        }
    }

    /// What the files of a journal hold: rows without the heading, or transactions.
    private func rows(_ manifest: ExportManifest, of journal: Int16, _ folder: String) throws -> [String] {
        let files = manifest.files.filter { $0.name.hasPrefix("\(manifest.kind.rawValue)-\(journal)-") }
        return try files.flatMap { file in
            let lines = try read("\(folder)/\(file.name)").components(separatedBy: "\n")
            return lines.dropFirst(file.name.hasSuffix(".csv") ? 1 : 0).dropLast()
        }
    }

    /// Another accountant accepts each range by itself, and has the same balances at the same position.
    private func expect(_ accountant: Accountant, _ folder: String) async throws {
        let suffix = accountant.format == .beancount ? "beancount" : "journal"
        let books = ["ac", "bc"].map { "\(folder)/\(accountant.format)-\($0)/books.\(suffix)" }
        for book in books {
            let (isGood, output) = try await accountant.check(book)
            #expect(isGood, "\(book): \(output.prefix(2_000))")
        }
        #expect(try await accountant.balances(books[0]) == accountant.balances(books[1]))
        let later = try read(books[1])
        #expect(later.contains("opening balances"))
        // The same assertions at the end, but for months that were over before.
        let assertions = later.split(separator: "\n").filter { $0.contains(accountant.assertionMark) }
        let earlier = Set(try read(books[0]).split(separator: "\n"))
        #expect(assertions.count > 3 && assertions.allSatisfy(earlier.contains))
    }

    private func expectTimes(_ ledger: RandomLedger, _ folder: String) async throws {
        let moments = ledger.journals.joined().map(\.content.recordedAt).sorted()
        let (since, until) = (moments[moments.count / 4], moments[moments.count / 2])
        let bounds = ExportBounds(from: .time(since), to: .time(until))
        let manifest = try await export(.events, to: "\(folder)/times", bounds: bounds)
        for (head, events) in zip(manifest.heads, ledger.journals) {
            let first = events.firstIndex { $0.content.recordedAt >= since } ?? events.count
            let end = events.firstIndex { $0.content.recordedAt >= until } ?? events.count
            #expect(head.range.after == Int64(first) && head.range.through == Int64(end))
        }
        #expect(manifest.eventCount > 100)
    }

    private func expectRefusals(_ lengths: [Int64], _ folder: String) async throws {
        func refused(_ from: [Int64]?, _ to: [Int64]?, _ reason: String) async {
            let bounds = ExportBounds(from: from.map { .positions($0) }, to: to.map { .positions($0) })
            await #expect(throws: ExportError.outside(reason)) {
                try await export(.events, to: "\(folder)/refused", bounds: bounds)
            }
        }
        await refused([1, 2], nil, "2 positions for 3 journals: name one for each.")
        let beyond = lengths[1] + 2
        await refused(
            nil,
            [1, beyond, 1],
            "Position \(beyond) is not in journal 1: it may be from 1 to \(lengths[1] + 1)."
        )
        await refused([5], [3], "Journal 0 would begin after position 4 and end at 2.")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/refused").isEmpty)
    }

    @Test("the program, killed while it exports and told to go on, writes the same bytes as when nothing happens")
    func killed() async throws {
        let ledger = RandomLedger(seed: 35, journalCount: StoredLedger.journalCount, eventCount: 2_000)
        try await StoredLedger.store(ledger)
        try await withTemporaryFolder { folder in
            // CSV and books: each of the others is made by the code of one of these.
            for kind in [ExportKind.events, .hledger] {
                let whole = try await export(kind, to: "\(folder)/\(kind)", positionsPerPart: 20)
                #expect(whole.files.count > 90)
                let cut = "\(folder)/\(kind)-cut"
                var interruptions = 0
                for files in [2, 30, 60] where try await isKilled(kind, to: cut, after: files) {
                    interruptions += 1
                }
                #expect(interruptions > 0)
                if manifest(cut)?.isComplete == false {
                    let last = try start(kind, to: cut)
                    try await waitUntil("the export ends") { last.ended != nil }
                    #expect(last.ended == .exited(code: 0), "\(last.log)")
                }
                let manifest = try #require(self.manifest(cut))
                #expect(manifest == whole)
                try expectFiles(manifest, in: cut)
            }
        }
    }

    /// Lets the program go on until so many files are there, kills it, and says whether it was still at work.
    private func isKilled(_ kind: ExportKind, to folder: String, after files: Int) async throws -> Bool {
        if manifest(folder)?.isComplete == true { return false }
        let program = try start(kind, to: folder)
        try await waitUntil("\(files) files are there") {
            (manifest(folder)?.files.count ?? 0) >= files || program.ended != nil
        }
        let exit = await program.stop(SIGKILL)
        #expect(exit == .killed(signal: SIGKILL) || exit == .exited(code: 0), "\(program.log)")
        return manifest(folder)?.isComplete == false
    }

    private func start(_ kind: ExportKind, to folder: String) throws -> ServiceProcess {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let path = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("runledger").path
        var command = [path, "export", kind.rawValue, "--to", folder]
        command += manifest(folder) == nil ? ["--positions-per-file", "20"] : ["--resume"]
        return try ServiceProcess(
            command,
            environment: ["RUNLEDGER_DATABASE_URL": TestDatabase.url],
            logPath: "\(folder).log"
        )
    }

    private func manifest(_ folder: String) -> ExportManifest? {
        (try? read("\(folder)/manifest.json")).flatMap { try? JSONValue(text: $0) }.flatMap { ExportManifest($0) }
    }

    private func waitUntil(_ what: String, _ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while !condition() {
            try #require(ContinuousClock.now < deadline, "\(what)")
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
