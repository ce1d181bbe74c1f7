import Exports
import Foundation
import Ledger
import LedgerTestSupport
import Postgres
import TestSupport
import Testing

/// Exports what the running test's database holds.
func export(
    _ kind: ExportKind,
    to folder: String,
    bounds: ExportBounds = ExportBounds(),
    price: String? = nil,
    resumes: Bool = false,
    positionsPerPart: Int64 = 400
) async throws -> ExportManifest {
    var configuration = try PostgresConfiguration(url: TestDatabase.url)
    configuration.role = "runledger_finance"
    configuration.settings = [("TimeZone", "UTC")]
    let finance = configuration
    let export = try LedgerExport(
        kind,
        to: URL(fileURLWithPath: folder),
        bounds: bounds,
        price: price,
        positionsPerPart: positionsPerPart
    )
    return try await withStore { try await export.run($0, finance, resumes: resumes) }
}

func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }

/// Expects that every file of an export's folder is what a manifest says, and that there are no others.
func expectFiles(_ manifest: ExportManifest, in folder: String) throws {
    for file in manifest.files {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file.name)")))
        #expect(Int64(bytes.count) == file.bytes && Digest(of: bytes).description == file.sha256, "\(file.name)")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(names.count == manifest.files.count + 1, "\(names)")
}
