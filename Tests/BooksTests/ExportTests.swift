import Books
import Exports
import Foundation
import HistoryTestSupport
import Ledger
import LedgerStore
import LedgerTestSupport
import LocalCluster
import Postgres
import Registry
import TestSupport
import Testing
import TransparencyLog

/// Exports as `runledger export` and `scripts/export-parquet` make them.
@Suite("Exports", .gated, .database(StoredLedger.template))
struct ExportTests {
    @Test("hold every event, posting and charge, say what they are in a manifest, and can go on after an interruption")
    func exports() async throws {
        let ledger = RandomLedger(seed: 33, journalCount: StoredLedger.journalCount, eventCount: 3_000)
        try await StoredLedger.store(ledger)
        var books = TrialBalance()
        for event in ledger.journals.joined() { try books.add(event.content) }
        try await withTemporaryFolder { folder in
            let events = try await export(.events, to: "\(folder)/events")
            try expectEvents(events, in: "\(folder)/events", ledger)
            try await expectResumption(events, in: "\(folder)/events")
            _ = try await export(.postings, to: "\(folder)/postings")
            let charges = try await export(.focus, to: "\(folder)/focus", price: "0.01")
            #expect(charges.price == "0.01")
            try await expectFocus(charges, in: "\(folder)/focus")
            try await expectParquet(folder, books)
            for format in PlainTextBooks.Format.allCases {
                let kind: ExportKind = format == .beancount ? .beancount : .hledger
                let manifest = try await export(kind, to: "\(folder)/\(format)")
                var text = PlainTextBooks(format)
                var pieces = [text.heading(title: "test")]
                for event in ledger.journals.joined() { pieces.append(try text.transaction(event)) }
                pieces.append(text.ending())
                let heading = pieces.removeFirst()
                let ending = pieces.removeLast()
                let parts = manifest.files.dropLast()
                #expect(try parts.map { try read("\(folder)/\(format)/\($0.name)") }.joined() == pieces.joined())
                let includes = parts.map { text.include($0.name) }.joined()
                let main = try #require(manifest.files.last).name
                #expect(try read("\(folder)/\(format)/\(main)") == heading + includes + "\n" + ending)
            }
            try await expectRefusals(folder)
        }
    }

    private func expectEvents(_ manifest: ExportManifest, in folder: String, _ ledger: RandomLedger) throws {
        #expect(manifest.isComplete && manifest.ledger == "test")
        #expect(manifest.eventCount == Int64(ledger.eventCount))
        for (head, events) in zip(manifest.heads, ledger.journals) {
            #expect(head.eventHash == events.last?.hash && head.hashBefore == .zero)
            #expect(head.hash == events.reduce(Digest.zero) { $0.chained(with: $1.hash) })
            #expect(head.root == MerkleHash.root(of: events.map(\.hash)))
        }
        #expect(manifest.files.count > 4)
        var rows: [Substring] = []
        for file in manifest.files {
            let text = try read("\(folder)/\(file.name)")
            #expect(Int64(text.utf8.count) == file.bytes)
            #expect(Digest(of: Array(text.utf8)).description == file.sha256)
            rows += text.split(separator: "\n").dropFirst()
        }
        let hashes = ledger.journals.joined().map { Substring($0.hash.description) }
        #expect(rows.map { $0.suffix(64) } == hashes)
        let stored = ExportManifest(try JSONValue(text: try read("\(folder)/manifest.json")))
        #expect(stored == manifest)
    }

    /// As if the program had been killed after its second file, and the disk had lost a part of that.
    private func expectResumption(_ whole: ExportManifest, in folder: String) async throws {
        var begun = whole
        begun.files = Array(whole.files.prefix(2))
        begun.isComplete = false
        try write(begun.json.description, to: "\(folder)/manifest.json")
        for file in whole.files.dropFirst(2) { try FileManager.default.removeItem(atPath: "\(folder)/\(file.name)") }
        try write("version\n", to: "\(folder)/\(whole.files[1].name)")
        try write("1,", to: "\(folder)/\(whole.files[2].name).partial")
        await #expect(throws: ExportError.unfinished(folder)) { try await export(.events, to: folder) }
        #expect(try await export(.events, to: folder, resumes: true) == whole)
        for file in whole.files {
            #expect(Digest(of: Array(try read("\(folder)/\(file.name)").utf8)).description == file.sha256)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.count == whole.files.count + 1)
    }

    /// The official validator has no more against the charges than docs/books.md says; and much against spoilt ones.
    private func expectFocus(_ manifest: ExportManifest, in folder: String) async throws {
        let script = "\(PythonTools.sources)/scripts/check-focus"
        let files = manifest.files.map { "\(folder)/\($0.name)" }
        let (exit, output) = try await ChildProcess.run([script] + files)
        #expect(exit == .exited(code: 0), "\(output)")
        let spoilt = "\(folder)/../spoilt.csv"
        let text = try read(files[0])
        try write(text.replacing(",USD,", with: ",Dollar,"), to: spoilt)
        let (refused, reasons) = try await ChildProcess.run([script, spoilt])
        #expect(refused == .exited(code: 1) && reasons.contains("BillingCurrency-C-"), "\(reasons)")
    }

    /// What DuckDB reads in the Parquet files, against the books.
    private func expectParquet(_ folder: String, _ books: TrialBalance) async throws {
        for kind in ["events", "postings", "focus"] {
            let script = "\(PythonTools.sources)/scripts/export-parquet"
            let (exit, output) = try await ChildProcess.run(
                [try await PythonTools.interpreter(), script, "\(folder)/\(kind)"]
            )
            #expect(exit == .exited(code: 0), "\(output)")
            let manifest = try #require(
                ExportManifest(try JSONValue(text: try read("\(folder)/\(kind)/manifest.json")))
            )
            let parquet = manifest.files.filter { $0.name.hasSuffix(".parquet") }
            #expect(parquet.count * 2 == manifest.files.count)
        }
        let output = try await PythonTools.run(
            """
            import sys, duckdb
            folder = sys.argv[1]
            for row in duckdb.sql(
                f"SELECT name, sum(units) FROM '{folder}/postings/*.parquet' GROUP BY 1 HAVING sum(units) <> 0"
            ).fetchall():
                print(*row)
            print("events", duckdb.sql(f"SELECT count(*) FROM '{folder}/events/*.parquet'").fetchall()[0][0])
            print("used", duckdb.sql(
                f"SELECT sum(EffectiveCost) FROM '{folder}/focus/*.parquet' WHERE ChargeCategory = 'Usage'").fetchall()[0][0])
            print("bought", duckdb.sql(
                f"SELECT sum(BilledCost) FROM '{folder}/focus/*.parquet' WHERE ChargeCategory = 'Purchase'").fetchall()[0][0])
            """,
            [folder]
        )
        var found: [String: String] = [:]
        for line in output.split(separator: "\n") {
            let words = line.split(separator: " ")
            found[String(words[0])] = String(words[1])
        }
        let dollars = { (units: Int64) in "\(Credits(microcredits: units))" }
        // A credit is a hundredth of a dollar: the same digits, two places further.
        let cost = { (text: String?) in
            text.flatMap { text in
                Credits(decimal: text.prefix { $0 != "." } + "." + text.drop { $0 != "." }.dropFirst().prefix(6))
            }
        }
        let income = -(books.totals[.incomeRuns] ?? 0)
        #expect(cost(found.removeValue(forKey: "used"))?.microcredits == income / 100, "\(dollars(income)) credits")
        #expect(
            cost(found.removeValue(forKey: "bought"))?.microcredits == (books.totals[.considerationTopUp] ?? 0) / 100
        )
        #expect(found.removeValue(forKey: "events") == "\(try await count("SELECT count(*) FROM ledger.events"))")
        #expect(found == books.units.mapValues { String($0) })
    }

    private func expectRefusals(_ folder: String) async throws {
        await #expect(throws: ExportError.complete("\(folder)/events")) {
            try await export(.events, to: "\(folder)/events", resumes: true)
        }
        await #expect(throws: ExportError.otherExport("\(folder)/events")) {
            try await export(.postings, to: "\(folder)/events")
        }
        await #expect(throws: ExportError.folderNotEmpty(folder)) { try await export(.events, to: folder) }
        #expect(throws: ExportError.priceMissing) { try LedgerExport(.focus, to: URL(fileURLWithPath: folder)) }
        // The journal's last event is another one now than when the export was begun.
        var begun = try #require(ExportManifest(try JSONValue(text: try read("\(folder)/events/manifest.json"))))
        begun.isComplete = false
        try write(begun.json.description, to: "\(folder)/events/manifest.json")
        try await tamper(
            """
            UPDATE ledger.events SET hash = sha256('x')
            WHERE journal = 1 AND position = (SELECT position FROM ledger.journals WHERE journal = 1)
            """
        )
        await #expect(throws: ExportError.ledgerDiffers(journal: 1)) {
            try await export(.events, to: "\(folder)/events", resumes: true)
        }
    }
}
