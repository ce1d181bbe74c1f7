import Foundation
import Migrations
import TestSupport
import Testing

@testable import SQLFiles

@Suite("The SQL files")
struct SQLFilesTests {
    @Test("are built into the program, migrations with their checksums")
    func bundled() throws {
        let files = try SQLFiles.bundled()
        #expect(files[.migrations].first?.path == "migrations/0001_journals_and_events.sql")
        #expect(files[.functions].contains { $0.path == "functions/event_hash.sql" })
        #expect(files[.reports].contains { $0.path == "reports/verify_chain.sql" })
        for folder in SQLFiles.Folder.allCases { #expect(!files[folder].isEmpty, "\(folder)") }
    }

    @Test("raise the SQLSTATEs that the program knows, and no others")
    func sqlStates() throws {
        let files = try SQLFiles.bundled()
        let text = SQLFiles.Folder.allCases.flatMap { files[$0] }.map(\.text).joined()
        let raised = Set(text.matches(of: /'(LG[0-9A-Z]{3})'/).map { String($0.1) })
        #expect(raised == Set(LedgerSQLState.allCases.map(\.rawValue)))
    }

    @Test("are not read when a committed migration was edited, and the error has both checksums")
    func editedMigration() async throws {
        try await withTemporaryFolder { folder in
            try Self.write(["migrations/0001_a.sql": "SELECT 1;\n"], to: folder)
            #expect(try SQLFiles(folder: folder)[.migrations].map(\.name) == ["0001_a.sql"])
            let before = try SQLFile(path: "migrations/0001_a.sql", text: "SELECT 1;\n")
            let after = try SQLFile(path: "migrations/0001_a.sql", text: "SELECT 2;\n")
            try Data(after.text.utf8).write(to: URL(fileURLWithPath: "\(folder)/migrations/0001_a.sql"))
            let error = #expect(throws: SQLFilesError.self) { try SQLFiles(folder: folder) }
            #expect(error?.path == "migrations/0001_a.sql")
            #expect(error?.reason.contains(before.checksum) == true)
            #expect(error?.reason.contains(after.checksum) == true)
        }
    }

    @Test("are not read when a migration is missing from the checksums, or from the folder")
    func incompleteChecksums() async throws {
        try await withTemporaryFolder { folder in
            try Self.write(["migrations/0001_a.sql": "SELECT 1;\n"], to: folder)
            try Data("SELECT 2;\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/migrations/0002_b.sql"))
            #expect(throws: SQLFilesError.self) { try SQLFiles(folder: folder) }
            try FileManager.default.removeItem(atPath: "\(folder)/migrations/0002_b.sql")
            try FileManager.default.removeItem(atPath: "\(folder)/migrations/0001_a.sql")
            let error = #expect(throws: SQLFilesError.self) { try SQLFiles(folder: folder) }
            #expect(error?.description == "migrations/0001_a.sql: is missing")
        }
    }

    @Test("number their migrations without a gap")
    func numbering() throws {
        let third = try SQLFile(path: "migrations/0003_c.sql", text: "")
        let error = #expect(throws: SQLFilesError.self) { try SQLFiles([third]) }
        #expect(error?.reason.contains("four digits of 1") == true)
    }

    @Test(
        "leave transactions to the migrator and use its directives only",
        arguments: [
            ("SELECT 1;\nCOMMIT;\n", "functions/f.sql:2: `COMMIT;`"),
            ("  begin;\nSELECT 1;\n", "functions/f.sql:1: `BEGIN;`"),
            ("-- What it does.\n-- migrator: superusr\n", "functions/f.sql:2: `superusr` is no directive"),
        ]
    )
    func refusedText(text: String, message: String) {
        let error = #expect(throws: SQLFilesError.self) { try SQLFile(path: "functions/f.sql", text: text) }
        #expect(error?.description.hasPrefix(message) == true)
    }

    private static func write(_ texts: [String: String], to folder: String) throws {
        for name in SQLFiles.Folder.allCases {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name.rawValue)",
                withIntermediateDirectories: true
            )
        }
        var checksums = ""
        for (path, text) in texts {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(path)"))
            let file = try SQLFile(path: path, text: text)
            checksums += "\(file.checksum)  \(file.name)\n"
        }
        try Data(checksums.utf8).write(to: URL(fileURLWithPath: "\(folder)/migrations/checksums.txt"))
    }
}
